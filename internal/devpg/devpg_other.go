//go:build !linux

package devpg

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// tether keeps Ctrl-C, which goes to the whole process group, from reaching a
// child before we have drained. Only Linux can end the child when we die;
// elsewhere the next Start does.
func tether(attr *syscall.SysProcAttr) {
	attr.Setpgid = true
}

// serves reports whether a process is the Postgres that we started on a data
// directory.
func serves(pid int, data string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "stat=,args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false
	}
	line := strings.TrimSpace(string(out))
	return !strings.HasPrefix(line, "Z") && strings.Contains(line, "postgres -D "+data+" ")
}

// abandoned reports whether it is certain that no process of any Postgres works
// in a data directory, which ps cannot tell.
func abandoned(string) bool {
	return false
}
