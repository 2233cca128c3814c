package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// readSecret reads a file that holds a secret, and refuses it when others may read
// it as well. setting names what it is in the error.
func readSecret(setting, file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	owner := os.Geteuid()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(s.Uid)
	}
	if !private(info.Mode(), owner, os.Geteuid()) && !secretMount(f) {
		return "", fmt.Errorf("%s: others may read or change %s (mode %04o), which holds a secret: chmod 600 %s",
			setting, file, info.Mode().Perm(), file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// private reports whether only the process, and who may become it, can read a file
// and nobody else can change it. A file of root's may be readable by a group: that is
// how a service that is not root gets one (mode 0640, root:belfry).
func private(mode fs.FileMode, owner, us int) bool {
	const groupReads = 0o040
	others := mode.Perm() & 0o077
	return others == 0 || others == groupReads && owner == 0 && us != 0
}

// writeNew writes a file that only its owner may read and reports true, or
// reports false when there is one already. Nobody ever sees half of the file,
// and when it is there it stays after a power cut.
func writeNew(file, text string) (made bool, err error) {
	if _, err := os.Lstat(file); err == nil {
		return false, nil // also where the directory cannot be written
	}
	temporary, err := writeBeside(file, text)
	if err != nil {
		return false, err
	}
	defer os.Remove(temporary) //nolint:errcheck // gone already where it got its name
	if err := os.Link(temporary, file); errors.Is(err, fs.ErrExist) {
		return false, nil // somebody else was faster
	} else if err != nil {
		return false, err
	}
	return true, syncDir(filepath.Dir(file))
}

// replace writes a file anew, for its owner only, whom it keeps. Whoever reads it
// sees the whole of the old text or of the new one, also after a power cut.
func replace(file, text string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	temporary, err := writeBeside(file, text)
	if err != nil {
		return err
	}
	defer os.Remove(temporary) //nolint:errcheck // gone already where it got its name
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		if err := os.Chown(temporary, int(s.Uid), int(s.Gid)); err != nil {
			return fmt.Errorf("keep the owner: %w", err)
		}
		if err := os.Chmod(temporary, info.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := os.Rename(temporary, file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// writeBeside writes a file with another name into the directory of a file, mode
// 0600, and returns its name.
func writeBeside(file, text string) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(strings.TrimSpace(text) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// alone runs fn while no other process runs one for the same directory.
func alone(dir string, fn func() error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // which ends the lock
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return fn()
}
