package devpg

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestStartAfterTheParentWasKilled(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	pid := killedParent(t, dir)
	s := mustStart(t, dir) // at once, while the old server may be ending
	if serves(pid, s.cluster.data) {
		t.Error("the old server is still there")
	}
	query(t, s, "SELECT 'answers'")
}

// killedParent runs a Belfry that starts a server, kills it, and returns the
// server's process number.
func killedParent(t *testing.T, dir string) int {
	t.Helper()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentDir+"="+dir)
	if _, err := parent.StdinPipe(); err != nil { // held open: the parent waits on it
		t.Fatal(err)
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent says: %s", line)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	return pid
}

// Where the kernel does not end the server with us, or we could not ask it to,
// a server runs in a directory whose lock is free.
func TestServerLeftBehindIsStopped(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	old := mustStart(t, dir)
	conn, err := pgx.Connect(t.Context(), old.DSN("belfry"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := old.lock.release(); err != nil {
		t.Fatal(err)
	}
	if old.lock, err = acquire(t.TempDir()); err != nil { // for its Stop
		t.Fatal(err)
	}

	s := mustStart(t, dir)
	<-old.Exited()
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a session of the old server is still open")
	}
	query(t, s, "SELECT 'answers'")
}

func TestServerThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s, err := Start(t.Context(), Options{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	session := keepBusy(t, s)
	if err := s.process.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Exited()
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("Stop: got %v, want an error that says it had ended by itself", err)
	}
	// The session has not noticed, and holds the data for a second more.
	query(t, mustStart(t, dir), "SELECT 'answers'")
	<-session
}

// keepBusy has a session work for a second without a look around, and returns
// when it is at work. The channel is closed when it has ended.
func keepBusy(t *testing.T, s *Server) <-chan struct{} {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN("belfry"))
	if err != nil {
		t.Fatal(err)
	}
	const work = `
		DO $$
		DECLARE until timestamptz := clock_timestamp() + interval '1 second';
		BEGIN
			WHILE clock_timestamp() < until LOOP END LOOP;
		END $$`
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer conn.Close(t.Context())
		_, _ = conn.Exec(t.Context(), work) // it fails: the server is gone by then
	}()
	const active = `
		SELECT count(*)::text
		FROM pg_stat_activity
		WHERE query LIKE '%DO $$%' AND state = 'active' AND pid <> pg_backend_pid()`
	until(t, "the session works", func() bool { return query(t, s, active) == "1" })
	return ended
}
