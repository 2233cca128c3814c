package devpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

// cluster is a data directory, and what it takes to serve it.
type cluster struct {
	root   string
	data   string
	socket string
	bin    binaries
	acct   *account
	noSync bool
	log    *slog.Logger
}

// create makes the data directory if there is none. It is made under another
// name, so that one half made is never taken for one that is complete.
func (c *cluster) create(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.data, "PG_VERSION")); err == nil {
		return nil
	}
	if err := syscall.Rmdir(c.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no PG_VERSION, so it is not a data directory; it was left alone: move it away", c.data)
	}
	half := c.data + ".init"
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("remove half a data directory: %w", err)
	}
	if err := c.acct.makeOwn(half); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := c.initdb(ctx, half); err != nil {
		return err
	}
	if err := os.Rename(half, c.data); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if c.noSync {
		return nil
	}
	// Were the rename lost with the power, the next start would take the data
	// for half a directory.
	return syncDir(c.root)
}

func (c *cluster) initdb(ctx context.Context, dir string) error {
	// Not to clean up: an initdb that dies with us would do so while the next
	// Start already makes the directory anew.
	args := []string{"--pgdata", dir, "--no-clean", "--username", role, "--auth", "trust", "--encoding", "UTF8", "--no-locale"}
	if c.noSync {
		args = append(args, "--no-sync")
	}
	var out bytes.Buffer
	// run ends the program in order; exec's own way would be to kill it.
	cmd := c.acct.command(context.WithoutCancel(ctx), c.root, c.bin.program("initdb"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := run(ctx, cmd); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, lastLines(out.Bytes()))
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
