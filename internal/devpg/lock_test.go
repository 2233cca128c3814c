package devpg

import (
	"syscall"
	"testing"
)

func TestReleaseDespiteACopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	child, err := syscall.Dup(int(first.file.Fd())) // as a child has it before it runs its program
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := acquire(dir)
	if err != nil {
		t.Fatalf("acquire after release: %v", err)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
}
