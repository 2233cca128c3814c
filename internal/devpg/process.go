package devpg

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child that ends no later than this process.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended; to be read once exited is closed
}

// launch starts a command of an account and waits for it in the background.
func launch(cmd *exec.Cmd) (*process, error) {
	tether(cmd.SysProcAttr)
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel's "my parent died" signal means the thread that forked, not
		// the process, so that thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run is launch and waiting for the end, which ctx may hasten.
func run(ctx context.Context, cmd *exec.Cmd) error {
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.exited:
		return p.err
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.stop())
	}
}

// farewells are the signals that end a Postgres, and how long each may take:
// the fast shutdown rolls back and writes a checkpoint, the immediate one leaves
// both to recovery.
var farewells = []struct {
	signal syscall.Signal
	wait   time.Duration
}{
	{syscall.SIGINT, 20 * time.Second},
	{syscall.SIGQUIT, 10 * time.Second},
	{syscall.SIGKILL, 5 * time.Second},
}

// stop ends the child and returns how it ended.
func (p *process) stop() error {
	for _, f := range farewells {
		if err := p.cmd.Process.Signal(f.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-p.exited:
			return p.err
		case <-time.After(f.wait):
		}
	}
	return errors.New("it does not end")
}
