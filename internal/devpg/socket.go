package devpg

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	port       = "5432" // part of the socket's name; no TCP port is opened
	socketName = ".s.PGSQL." + port

	// maxSocketPath is what every kernel we run on takes, with some to spare:
	// Linux ends at 107 bytes, macOS at 103.
	maxSocketPath = 100
)

// socketDir makes the directory of the socket: run/ beside the data or, where
// that path is not usable as an address, a directory of its own in /tmp.
func socketDir(root string, a *account) (string, error) {
	dir := filepath.Join(root, "run")
	if !usable(dir) {
		// The name depends on the path only, so that a crash leaves nothing that
		// the next start does not use again.
		name := fmt.Sprintf("belfry-%d-%x", os.Geteuid(), sha256.Sum256([]byte(root)))[:32]
		dir = filepath.Join(os.TempDir(), name)
		if !usable(dir) {
			dir = filepath.Join("/tmp", name)
		}
	}
	if err := a.makeOwn(dir); err != nil {
		return "", fmt.Errorf("make socket directory: %w", err)
	}
	return dir, nil
}

// usable reports whether Postgres and pgx both take the directory as the place
// of the socket. To both of them a comma ends one address and begins the next.
func usable(dir string) bool {
	return len(filepath.Join(dir, socketName)) <= maxSocketPath && !strings.ContainsAny(dir, `,"`)
}

// removeSocketDir removes a socket directory outside our own.
func (c *cluster) removeSocketDir() error {
	if filepath.Dir(c.socket) == c.root {
		return nil
	}
	if err := os.Remove(c.socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove socket directory: %w", err)
	}
	return nil
}
