package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// clearStale ends a server that outlived the Belfry that started it. We hold
// the lock of the directory, so a server running in it has no owner.
func (c *cluster) clearStale(ctx context.Context) error {
	left, err := readPidFile(c.data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if left.pid > 0 && serves(left.pid, c.data) {
		c.log.WarnContext(ctx, "stopping a postgres left behind", "pid", left.pid, "dir", c.data)
		return c.endStale(ctx, left.pid)
	}
	if !abandoned(c.data) {
		return nil
	}
	// After a reboot or in a new container, the number may belong to any process
	// of the same user, and Postgres would refuse to start for its sake.
	return errors.Join(forget(pidFilePath(c.data)), forget(filepath.Join(c.socket, socketName+".lock")))
}

// endStale stops a server that is not our child.
func (c *cluster) endStale(ctx context.Context, pid int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, f := range farewells {
		if err := syscall.Kill(pid, f.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the postgres left behind, process %d: %w", pid, err)
		}
		timeout := time.After(f.wait)
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				if !serves(pid, c.data) {
					return nil
				}
			case <-timeout:
				waiting = false
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return fmt.Errorf("a postgres left behind, process %d, does not end", pid)
}

// forget removes a file that may be gone already.
func forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
