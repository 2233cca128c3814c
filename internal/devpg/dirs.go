package devpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// dataDir is a cluster of some major version, with the user it belongs to.
type dataDir struct {
	path     string
	major    string
	uid, gid int
}

var dataDirName = regexp.MustCompile(`^pg(\d+)$`)

// dataDirs lists the clusters in the root directory.
func dataDirs(root string) ([]dataDir, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("look for data: %w", err)
	}
	var dirs []dataDir
	for _, e := range entries {
		name := dataDirName.FindStringSubmatch(e.Name())
		if name == nil {
			continue
		}
		path := filepath.Join(root, e.Name())
		info, err := os.Stat(filepath.Join(path, "PG_VERSION"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for data: %w", err)
		}
		uid, gid := owner(info)
		dirs = append(dirs, dataDir{path: path, major: name[1], uid: uid, gid: gid})
	}
	return dirs, nil
}

// makeDir makes a directory and those above it. What exists is left as it is,
// for it may not be ours alone.
func makeDir(dir string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // for the account; what matters inside is private to it
	}
	err := os.Mkdir(dir, mode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, mode)
	}
	if err == nil {
		return os.Chmod(dir, mode) // whatever the umask
	}
	if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
		return nil
	}
	return fmt.Errorf("make data directory: %w", err)
}

// makeOwn makes a directory that only the account can use, or takes one that
// is ours or its own already.
func (a *account) makeOwn(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	uid, _ := owner(info)
	ours := uid == os.Geteuid() || (a != nil && uid == a.uid)
	if !info.IsDir() || !ours || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s is not a private directory of ours: remove it", dir)
	}
	if a == nil {
		return nil
	}
	return os.Lchown(dir, a.uid, a.gid)
}

func owner(info fs.FileInfo) (uid, gid int) {
	stat := info.Sys().(*syscall.Stat_t) // os.Stat gives nothing else on Unix
	return int(stat.Uid), int(stat.Gid)
}
