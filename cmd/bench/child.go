package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a process of ours that ends no later than we do.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; to be read once ended is closed
}

// spawn starts a command in a process group of its own: Ctrl-C reaches only us,
// and we end our children in order.
func spawn(cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tether(cmd.SysProcAttr)
	c := &child{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death of the thread that forked is what the kernel reports to the
		// child, so it must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// kill ends the process as a crash does.
func (c *child) kill() error { return c.end(syscall.SIGKILL, 10*time.Second) }

// stop ends the process in order, and otherwise too.
func (c *child) stop() error {
	if c.end(syscall.SIGTERM, 40*time.Second) == nil {
		return nil
	}
	return c.kill()
}

func (c *child) end(s syscall.Signal, within time.Duration) error {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", c.pid(), err)
	}
	select {
	case <-c.ended:
		return nil
	case <-time.After(within):
		return fmt.Errorf("process %d still runs %v after %v", c.pid(), within, s)
	}
}

// spent is the CPU time of a process that has ended.
func (c *child) spent() time.Duration {
	return c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
}
