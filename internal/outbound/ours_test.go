package outbound

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
)

// What our own machine lacks is never held against the destination.
func TestOurOwnFaultIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		err := &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)}
		if class, _ := new(trace).classify(context.Background(), err); class != Interrupted {
			t.Errorf("%s: class %s, want %s", errno, class, Interrupted)
		}
	}
}
