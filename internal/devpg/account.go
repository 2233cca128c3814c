package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user Postgres runs as when we are root, which Postgres refuses
// to be. A nil account is the user we are; every method takes one.
type account struct {
	name     string
	uid, gid int
}

// chooseAccount picks the owner of the data there is, so that a user "postgres"
// that appears later does not lock us out of it; for new data it picks postgres,
// or nobody.
func chooseAccount(existing []dataDir) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, d := range existing {
		if d.uid != 0 {
			name := "user " + strconv.Itoa(d.uid)
			if u, err := user.LookupId(strconv.Itoa(d.uid)); err == nil {
				name = u.Username
			}
			return &account{name: name, uid: d.uid, gid: d.gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read user %s: %w", name, err)
		}
		return &account{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("postgres does not run as root, and there is neither a user postgres nor a user nobody to run it as")
}

func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

// command prepares a Postgres program. It gets little of our environment: that
// may hold secrets, and PG* variables that change what the program does.
func (a *account) command(ctx context.Context, home, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	// Our own working directory may be one that the account cannot enter.
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

// reach makes sure that the account can enter the directory of the data, by
// entering it: mode bits do not tell of access lists.
func (a *account) reach(ctx context.Context, bin binaries, dir string) error {
	if a == nil {
		return nil // we hold the lock in it
	}
	err := a.command(ctx, dir, bin.program("postgres"), "--version").Run()
	if err == nil {
		return nil
	}
	at := a.blocker(dir)
	if at == "" || !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("enter %s as user %s: %w", dir, a.name, err)
	}
	return fmt.Errorf("postgres runs as user %s, because Belfry runs as root, and that user cannot enter %s: "+
		"set BELFRY_DATA_DIR to a directory it can reach, such as /var/lib/belfry, or run: chmod o+x %s", a.name, at, at)
}

// rootCache keeps binaries when root's own cache is closed to the account.
const rootCache = "/var/cache/belfry"

// cache returns where binaries are kept: as wanted if the account can use that.
func (a *account) cache(wanted string) string {
	if a == nil || (wanted != "" && a.blocker(wanted) == "") {
		return wanted
	}
	return rootCache
}

// blocker returns the first directory on a path that the account cannot enter,
// or "". What does not exist yet blocks nobody.
func (a *account) blocker(path string) string {
	if a == nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if parent := filepath.Dir(path); parent != path {
		if at := a.blocker(parent); at != "" {
			return at
		}
	}
	info, err := os.Stat(path)
	if err != nil || a.mayEnter(info) {
		return ""
	}
	return path
}

func (a *account) mayEnter(info fs.FileInfo) bool {
	uid, gid := owner(info)
	switch {
	case uid == a.uid:
		return info.Mode()&0o100 != 0
	case gid == a.gid:
		return info.Mode()&0o010 != 0
	default:
		return info.Mode()&0o001 != 0
	}
}
