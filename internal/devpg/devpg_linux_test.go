package devpg

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Nothing but the kernel is left to end the server.
func TestKilledParentLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	killedParent(t, dir)
	data, err := dataDirs(dir)
	if err != nil || len(data) != 1 {
		t.Fatalf("got data %v, %v; want one directory", data, err)
	}
	until(t, "the last process of the server ends", func() bool { return abandoned(data[0].path) })
}

// After a reboot, the number in postmaster.pid may belong to anything. Postgres
// by itself refuses to start until somebody removes the file.
func TestNumberOfAServerThatNowBelongsToAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := mustStart(t, dir)
	mustStop(t, s)

	other, err := launch(s.cluster.acct.command(context.Background(), "/", "sleep", "600"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.stop()
	// Made by the account, as a real one is.
	if err := os.Rename(filepath.Join(s.cluster.data, "postmaster.opts"), pidFilePath(s.cluster.data)); err != nil {
		t.Fatal(err)
	}
	left := fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n", other.cmd.Process.Pid, s.cluster.data, s.cluster.socket)
	if err := os.WriteFile(pidFilePath(s.cluster.data), []byte(left), 0o600); err != nil {
		t.Fatal(err)
	}

	query(t, mustStart(t, dir), "SELECT 'answers'")
	select {
	case <-other.exited:
		t.Error("the other process was ended")
	default:
	}
}
