package devpg

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// unpack writes an npm tarball into a new directory, readable by everybody. All
// paths go through an os.Root, which lets none of them leave the directory.
func unpack(tgz io.Reader, dir string) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	zip, err := gzip.NewReader(tgz)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(zip); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := unpackFile(root, entry, archive); err != nil {
			return fmt.Errorf("%q: %w", entry.Name, err)
		}
	}
	if err := link(root); err != nil {
		return err
	}
	return openDirs(dir)
}

func unpackFile(root *os.Root, entry *tar.Header, content io.Reader) error {
	// npm packs regular files only, all of them under package/.
	name, ok := strings.CutPrefix(entry.Name, "package/")
	if !ok || entry.Typeflag != tar.TypeReg {
		return errors.New("not a file of a package")
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	// A child forked meanwhile would hold the file open for writing until its
	// exec, and the kernel runs no program that is.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if entry.Mode&0o100 != 0 {
		mode = 0o755
	}
	_, err = io.CopyN(f, content, entry.Size)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// link makes the symbolic links that an npm tarball cannot hold. The package
// lists them for a script of its own, which we do not run; without them the
// server does not find its libraries.
func link(root *os.Root) error {
	list, err := root.ReadFile("native/pg-symlinks.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct {
		Source string `json:"source"` // the file, from the root of the package
		Target string `json:"target"` // the link to make
	}
	if err := json.Unmarshal(list, &links); err != nil {
		return fmt.Errorf("read list of links: %w", err)
	}
	for _, l := range links {
		if _, err := root.Stat(l.Source); err != nil {
			return fmt.Errorf("link %q: %w", l.Target, err)
		}
		to, err := filepath.Rel(path.Dir(l.Target), l.Source)
		if err != nil {
			return fmt.Errorf("link %q: %w", l.Target, err)
		}
		if err := root.Symlink(to, l.Target); err != nil {
			return fmt.Errorf("link %q: %w", l.Target, err)
		}
	}
	return nil
}

// openDirs lets everybody enter, whatever the umask made of the directories.
func openDirs(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return os.Chmod(name, 0o755)
	})
}
