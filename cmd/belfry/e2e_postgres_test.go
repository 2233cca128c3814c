//go:build linux

package main

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"belfry/internal/devpg"
	"belfry/internal/pgtest"
)

// While Postgres is away producers are told to come back, and what receivers
// answered waits to be recorded.
func TestE2EPostgresRestarted(t *testing.T) {
	heavy(t, 1)
	postgresAway(t, func(s *devpg.Server, _ string) {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// The same, when nobody knows which of the last commits have happened.
func TestE2EPostgresCrashed(t *testing.T) {
	heavy(t, 1)
	var dir string
	postgresAway(t, func(s *devpg.Server, in string) {
		dir = in
		crash(t, dir)
		<-s.Exited()
		_ = s.Stop()
	})
	if log := read(t, filepath.Join(dir, "pg", "postgres.log")); !strings.Contains(log, "not properly shut down") {
		t.Errorf("Postgres did not crash:\n%s", log)
	}
}

// crash ends a Postgres at once, without a checkpoint or a word to its clients.
func crash(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "pg", "pg*", "postmaster.pid"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	pid, err := strconv.Atoi(strings.Split(read(t, files[0]), "\n")[0])
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGQUIT)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func postgresAway(t *testing.T, end func(s *devpg.Server, dir string)) {
	t.Helper()
	dir, h := openDir(t), newHook(t)
	h.says(slow(150 * time.Millisecond))
	server := ownPostgres(t, dir)
	databaseURL := server.DSN("belfry")
	mustBelfry(t, []string{"DATABASE_URL=" + databaseURL}, "migrate")
	p, c := serving(t, databaseURL)
	c.destination(t, "SOAR", h.url)
	l := posting(t, "restart", many, c)
	before, inFlight := awaitMiddle(t, l, h)
	end(server, dir)
	eventually(t, 20*time.Second, func() string {
		if refused := l.refusals(); len(refused) > 0 && h.inFlight.Load() == 0 {
			return ""
		}
		return "producers are not refused, or attempts go on"
	})
	r, err := c.try(t.Context(), http.MethodGet, "/readyz", nil)
	if err != nil || r.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without a database: %d %s %v", r.status, r.body, err)
	}

	began := time.Now()
	server = ownPostgres(t, dir)
	explain(t, databaseURL)
	if server.DSN("belfry") != databaseURL {
		t.Fatal("Postgres came back elsewhere")
	}
	last := h.awaitAcks(t, 60*time.Second, before)
	t.Logf("Postgres stopped with %d of %d alerts accepted and %d attempts in flight; all of those delivered %v after it was started again",
		len(before), many, inFlight, max(0, last.Sub(began)).Round(time.Millisecond))
	l.wait(t, 60*time.Second)
	t.Logf("all accepted %v after it", time.Since(began).Round(time.Millisecond))
	uncharged(t, audit(t, c, h, l.acceptedIDs()))
	balanced(t, databaseURL)
	t.Logf("nothing open %v after it", time.Since(began).Round(time.Millisecond))
	c.healthy(t)
	t.Logf("other answers to producers: %v", l.refusals())
	if n := h.repeats(); n > 0 {
		t.Errorf("%d repeats at the receiver: what it answered was forgotten", n)
	}
	for refusal := range maps.Keys(l.refusals()) {
		if refusal != `503 with Retry-After "2": unavailable` && refusal != `503 with Retry-After "2": overloaded` {
			t.Errorf("a producer was answered with %s", refusal)
		}
	}
	p.stop(t, 30*time.Second)
}

// When Postgres goes just after it has given out jobs, the answer is lost: they
// are said to run in a replica that lives and has never heard of them.
func TestE2EJobThatNobodyRuns(t *testing.T) {
	heavy(t, 1)
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	h.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	_, c := serving(t, databaseURL, "BELFRY_RETRY_WAITS=1h")
	c.destination(t, "SOAR", h.url)
	id := c.alert(t, "a-1").Deliveries[0].ID
	c.awaitStatus(t, id, "retrying", 1)
	h.says(slow(0))
	const lose = `
		WITH due AS (
			UPDATE deliveries
			SET due_at = now()
			WHERE id = $1
			RETURNING job_id
		)
		UPDATE river_job
		SET state = 'running', scheduled_at = now(), attempted_at = now(), attempt = attempt + 1,
		    attempted_by = ARRAY(SELECT id::text FROM instances)
		WHERE id IN (SELECT job_id FROM due) AND state <> 'running'`
	pool := pgtest.Open(t, databaseURL).Pool()
	eventually(t, 10*time.Second, func() string { // once its first attempt has let go of it
		tag, err := pool.Exec(t.Context(), lose, id)
		if err == nil && tag.RowsAffected() == 1 {
			return ""
		}
		return fmt.Sprint(tag, err)
	})
	explain(t, databaseURL)
	began := time.Now()
	if d := c.awaitStatus(t, id, "delivered", 1); d.Attempts != 2 {
		t.Errorf("delivery %+v", d)
	}
	t.Logf("delivered after %v", time.Since(began).Round(time.Millisecond))
}
