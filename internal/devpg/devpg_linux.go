package devpg

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// tether keeps Ctrl-C, which goes to the whole process group, from reaching a
// child before we have drained, and has the kernel end the child if we die.
func tether(attr *syscall.SysProcAttr) {
	attr.Setpgid = true
	attr.Pdeathsig = syscall.SIGQUIT
}

// serves reports whether a process is the Postgres that we started on a data
// directory. It asks for the command line, as working directories of other users
// are hidden even from root in most containers.
func serves(pid int, data string) bool {
	proc := procDir(pid)
	if !isPostgres(proc) {
		return false
	}
	args, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	return err == nil && bytes.Contains(args, []byte("\x00-D\x00"+data+"\x00"))
}

// abandoned reports whether it is certain that no process of any Postgres works
// in a data directory: all of them have it as their working directory.
func abandoned(data string) bool {
	dir, err := os.Stat(data)
	if err != nil {
		return false
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && mayWorkIn(procDir(pid), dir) {
			return false
		}
	}
	return true
}

// mayWorkIn reports whether a process is a Postgres that works in the data
// directory, or one that does not let us see where it works.
func mayWorkIn(proc string, data fs.FileInfo) bool {
	info, err := os.Stat(proc)
	if err != nil || !isPostgres(proc) {
		return false
	}
	// Postgres runs on its own user's data only. A process can hide its user
	// behind root, but not behind another.
	uid, _ := owner(info)
	if dataUID, _ := owner(data); uid != dataUID && uid != 0 {
		return false
	}
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if errors.Is(err, fs.ErrNotExist) {
		return false // it has ended: a zombie has no working directory
	}
	return err != nil || os.SameFile(cwd, data)
}

func isPostgres(proc string) bool {
	name, err := os.ReadFile(filepath.Join(proc, "comm"))
	return err == nil && string(bytes.TrimSpace(name)) == "postgres"
}

func procDir(pid int) string {
	return filepath.Join("/proc", strconv.Itoa(pid))
}
