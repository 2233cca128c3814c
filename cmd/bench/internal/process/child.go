// Package process starts and ends processes, and reads what they spend.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Child is a process of ours that ends no later than we do.
type Child struct {
	cmd   *exec.Cmd
	Ended chan struct{}
	Err   error // how it ended; to be read once ended is closed
}

// Spawn starts a command in a process group of its own: Ctrl-C reaches only us,
// and we end our children in order.
func Spawn(cmd *exec.Cmd) (*Child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tether(cmd.SysProcAttr)
	c := &Child{cmd: cmd, Ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death of the thread that forked is what the kernel reports to the
		// child, so it must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.Err = cmd.Wait()
			close(c.Ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// PID is the process's id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Kill ends the process as a crash does.
func (c *Child) Kill() error { return c.end(syscall.SIGKILL, 10*time.Second) }

// Stop ends the process in order, and otherwise too.
func (c *Child) Stop() error { return c.StopWithin(40 * time.Second) }

// StopWithin is Stop of a process that may take so long to end in order.
func (c *Child) StopWithin(d time.Duration) error {
	if c.end(syscall.SIGTERM, d) == nil {
		return nil
	}
	return c.Kill()
}

func (c *Child) end(s syscall.Signal, within time.Duration) error {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", c.PID(), err)
	}
	select {
	case <-c.Ended:
		return nil
	case <-time.After(within):
		return fmt.Errorf("process %d still runs %v after %v", c.PID(), within, s)
	}
}

// Spent is the CPU time of a process that has ended.
func (c *Child) Spent() time.Duration {
	return c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
}
