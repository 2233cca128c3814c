package main

import (
	"errors"
	"fmt"
	"io"
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
	if !private(info.Mode(), ownerOf(info), os.Geteuid()) && !secretMount(f) {
		return "", fmt.Errorf("%s: others may read or change %s (mode %04o), which holds a secret: chmod 600 %s",
			setting, file, info.Mode().Perm(), file)
	}
	raw, err := io.ReadAll(f) // of the file that was looked at
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// owner is the user and the group of a file.
type owner struct{ user, group int }

func ownerOf(info fs.FileInfo) owner {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return owner{int(s.Uid), int(s.Gid)}
	}
	return owner{os.Geteuid(), os.Getegid()}
}

// private reports whether only its owner, and who may become it, can read a file and
// nobody else can change it. A file of root's may be readable by the group of a service
// that is not root: that is how such a service gets one (mode 0640, root:belfry).
func private(mode fs.FileMode, of owner, us int) bool {
	const groupReads = 0o040
	others := mode.Perm() & 0o077
	return others == 0 || others == groupReads && of.user == 0 && (us != 0 || of.group != 0)
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

// replace writes a file anew, with the owner and the mode that it has. Whoever reads it
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
	made, err := os.Stat(temporary)
	if err != nil {
		return err
	}
	if is := ownerOf(info); is != ownerOf(made) {
		if err := os.Chown(temporary, is.user, is.group); err != nil {
			return fmt.Errorf("keep the owner: %w", err)
		}
	}
	if err := os.Chmod(temporary, info.Mode().Perm()); err != nil {
		return err
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

// alone runs fn with a file, which a link may lead to, while no other process runs one
// for a file of the same directory.
func alone(file string, fn func(file string) error) error {
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	dir := filepath.Dir(file)
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // which ends the lock
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return fn(file)
}
