//go:build linux

// The end-to-end tests run the program as it is shipped, as a process of its
// own, and speak to it as its users do. They look into the database only to
// prepare it or to check what no call shows.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// adminToken is admin from the start of every server that serve gets.
const adminToken = "e2e-admin-token-0123456789abcdef"

// program is belfry, built once. The file is removed as soon as it is built: it
// is run through the open descriptor, so that nothing is left behind however the
// tests end.
// linked is what the linker says of the program, as make and the Dockerfile have it do.
const linked = "-X main.version=1.2.3-test -X main.buildCommit=0123abc -X main.buildDate=2026-11-30T09:00:00Z"

var program = sync.OnceValues(func() (*os.File, error) {
	dir, err := os.MkdirTemp("", "belfry-e2e-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "belfry")
	if said, err := exec.Command("go", "build", "-ldflags", linked, "-o", path, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, said)
	}
	return os.Open(path)
})

// servers is how many servers run at once: each may take 22 of the test
// database's 100 connections.
const servers = 4

var (
	turns    = make(chan struct{}, servers)
	takeTurn sync.Mutex // whoever needs two must not wait for somebody who has one of them
)

// heavy runs the test beside others, as far as there is room for its servers.
func heavy(t *testing.T, n int) {
	t.Helper()
	t.Parallel()
	takeTurn.Lock()
	defer takeTurn.Unlock()
	for range n {
		turns <- struct{}{}
	}
	t.Cleanup(func() {
		for range n {
			<-turns
		}
	})
}

// child is a running belfry. It ends no later than the tests do.
type child struct {
	cmd      *exec.Cmd
	out, log *output
	ended    chan struct{}
}

// spawn starts belfry with these settings and no others.
func spawn(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{out: newOutput(), log: newOutput(), ended: make(chan struct{})}
	c.cmd = exec.Command(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd()), args...)
	c.cmd.Dir = t.TempDir()
	c.cmd.Env = append(inherited(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The death of the thread that forked is what the kernel reports, so it
		// must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait() // ProcessState says how it ended
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.kill(t)
		if wrong := regexp.MustCompile(`(?i).*(panic|data race).*`).FindString(c.log.String()); wrong != "" {
			t.Errorf("belfry %s logged %s", strings.Join(args, " "), wrong)
		}
		if t.Failed() {
			t.Logf("belfry %s said:\n%s\nand logged last:\n%s", strings.Join(args, " "), c.out, tail(c.log.String(), 40))
		}
	})
	return c
}

// inherited is our environment without what would set up belfry.
func inherited() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "BELFRY_") && !strings.HasPrefix(v, "DATABASE_URL=") {
			env = append(env, v)
		}
	}
	return env
}

// tail is the end of a log, without what went well.
func tail(log string, lines int) string {
	var all []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "acked") {
			all = append(all, line)
		}
	}
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// kill ends the process as a crash does.
func (c *child) kill(t *testing.T) {
	t.Helper()
	select {
	case <-c.ended:
		return
	default:
	}
	c.signal(t, syscall.SIGKILL)
	c.wait(t, 10*time.Second)
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Errorf("%v: %v", s, err)
	}
}

// wait returns the exit code, -1 after a signal.
func (c *child) wait(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-c.ended:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("belfry %v still runs after %v", c.cmd.Args[1:], within)
		return 0
	}
}

// stop ends the process in order and returns how long that took.
func (c *child) stop(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	c.signal(t, syscall.SIGTERM)
	if code := c.wait(t, within); code != 0 {
		t.Errorf("belfry %v ended with %d after SIGTERM, want 0", c.cmd.Args[1:], code)
	}
	return time.Since(began)
}

// says waits for text that matches and returns the match with its groups.
func (c *child) says(t *testing.T, o *output, pattern string) []string {
	t.Helper()
	var match []string
	p := regexp.MustCompile(pattern)
	eventually(t, 60*time.Second, func() string {
		if match = p.FindStringSubmatch(o.String()); match != nil {
			return ""
		}
		select {
		case <-c.ended:
			t.Fatalf("belfry %v ended before it said %s", c.cmd.Args[1:], pattern)
		default:
		}
		return "no " + pattern
	})
	return match
}

// address waits until the server answers, and returns its URL.
func (c *child) address(t *testing.T) string {
	t.Helper()
	return "http://" + c.says(t, c.log, `msg"?[:=]"?serving"?[, ]"?address"?[:=]"?([0-9.]+:\d+)`)[1]
}

// belfry runs a command to its end.
func belfry(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	c := spawn(t, env, args...)
	code = c.wait(t, 60*time.Second)
	return code, c.out.String(), c.log.String()
}

// mustBelfry is belfry for a command that must do what it is told.
func mustBelfry(t *testing.T, env []string, args ...string) string {
	t.Helper()
	code, out, errs := belfry(t, env, args...)
	if code != 0 {
		t.Fatalf("belfry %v ended with %d:\n%s%s", args, code, out, errs)
	}
	return strings.TrimSpace(out)
}

// eventually polls until missing has nothing to say any more.
func eventually(t *testing.T, within time.Duration, missing func() string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(within)
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after %v: %s", within, what)
		}
	}
}

// openDir is a directory that Postgres can enter, which runs as another user
// when we are root. It is removed when nobody works in it any more.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "belfry-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, 20*time.Second, func() string { return working(dir) })
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// working names a process that was started on something in a directory, or "".
func working(dir string) string {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err.Error()
	}
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			return fmt.Sprintf("%s is %q", file, line)
		}
	}
	return ""
}
