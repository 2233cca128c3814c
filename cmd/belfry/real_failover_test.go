//go:build linux && real

package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/internal/devpg"
	"belfry/internal/pgtest"
)

// failover is a primary with a replica that follows it, and two servers.
//
// Server a loses the primary and is without a database for a while. Server b passes
// from the primary to the replica without a gap: it finds out only with its next
// heartbeat. Server c, which comes later, finds the replica before both.
type failover struct {
	dir, replicaDir   string
	primary, replica  *devpg.Server
	was, is           *pgxpool.Pool // databases of the primary and the replica
	replication       *databaseProxy
	proxyA, proxyB    *databaseProxy
	a, b, c           *child
	ca, cb, cc        *client
	hook              *hook
	lastLost          int    // the last id of a job that only the primary gave out
	lostVersion       int    // of the routing that only the primary knew
	lostToken         string // that only the primary knew
	acceptedByPrimary []string
}

// waitsLong lets a delivery that is refused keep its job, and the job its id.
const waitsLong = "BELFRY_RETRY_WAITS=1h"

func newFailover(t *testing.T) *failover {
	t.Helper()
	f := &failover{dir: openDir(t), replicaDir: openDir(t), hook: newHook(t)}
	f.hook.says(slow(30 * time.Millisecond))
	f.primary = ownPostgres(t, f.dir)
	mustBelfry(t, []string{"DATABASE_URL=" + f.primary.DSN("belfry")}, "migrate")
	f.replication = newDatabaseProxy(t, f.primary.DSN("belfry"))
	f.replica = standby(t, f.primary, f.dir, f.replicaDir, f.replication)
	f.was, f.is = pgtest.Open(t, f.primary.DSN("belfry")).Pool(), pgtest.Open(t, f.replica.DSN("belfry")).Pool()
	f.proxyA, f.proxyB = newDatabaseProxy(t, f.primary.DSN("belfry")), newDatabaseProxy(t, f.primary.DSN("belfry"))
	f.a, f.ca = serving(t, f.proxyA.url, waitsLong)
	f.ca.destination(t, "SOAR", f.hook.url)
	return f
}

func number(t *testing.T, pool *pgxpool.Pool, query string, args ...any) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	lastJobID      = `SELECT last_value FROM river_job_id_seq`
	routingVersion = `SELECT version FROM routing`
)

// lostIDs is how many ids of jobs the replica lacks at least: more than a server has in
// reserve.
const lostIDs = 1500

// lag has the primary do what the replica will never know: both servers draw ids of
// jobs and learn of destinations and of a token. Server b starts only then, so that all
// ids that it has are of that time.
func (f *failover) lag(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		if n := number(t, f.is, `SELECT count(*) FROM alerts`); n < many/4 {
			return fmt.Sprintf("the replica has %d alerts", n)
		}
		return ""
	})
	f.replication.cut()
	f.b, f.cb = serving(t, f.proxyB.url, waitsLong)
	f.ca.destination(t, "late", f.hook.url)
	f.systemErrorsTo(t, f.ca, "later")
	f.lostToken = f.ca.newToken(t, "late")
	for _, c := range []*client{f.ca, f.cb} {
		newClient(t, *c.base.Load(), f.lostToken).call(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries", nil, nil)
	}
	posting(t, "lost with b", batch, f.cb).wait(t, 30*time.Second)
	ofB := number(t, f.was, lastJobID)
	eventually(t, 30*time.Second, func() string { // b has a thousand in reserve: these are a's
		if n := number(t, f.was, lastJobID); n < ofB+lostIDs {
			return fmt.Sprintf("%d ids of jobs were drawn since", n-ofB)
		}
		return ""
	})
}

// systemErrorsTo makes a destination that changes where alerts go, and gets none of the
// test's.
func (f *failover) systemErrorsTo(t *testing.T, c *client, name string) {
	t.Helper()
	c.call(t, http.StatusCreated, http.MethodPost, "/api/v1/destinations", map[string]any{
		"displayName": name, "type": "webhook", "severities": allSeverities, "alertTypes": []string{"SYSTEM_ERROR"},
		"settings": map[string]any{"url": f.hook.url},
	}, nil)
}

// loseA takes the primary from server a, and waits until a knows.
func (f *failover) loseA(t *testing.T, l *load) {
	t.Helper()
	f.proxyA.redirect(t, "host=127.0.0.1 port=1 user=belfry dbname=belfry")
	f.a.says(t, f.a.log, `"msg":"upkeep step failed","step":"heartbeat"`)
	eventually(t, 20*time.Second, func() string {
		if len(l.refusals()) > 0 {
			return ""
		}
		return "no producer is refused"
	})
	f.lastLost, f.lostVersion = number(t, f.was, lastJobID), number(t, f.was, routingVersion)
	f.acceptedByPrimary = l.acceptedIDs()
}

// takeOver promotes the replica. Server c is there first and makes jobs with all the ids
// that the primary gave out last. The jobs stay: their receiver refuses most of them.
func (f *failover) takeOver(t *testing.T) {
	t.Helper()
	if _, err := f.is.Exec(t.Context(), `SELECT pg_promote()`); err != nil {
		t.Fatal(err)
	}
	explain(t, f.replica.DSN("belfry"))
	f.hook.says(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("webhook-id"); !strings.ContainsAny(id[len(id)-1:], "08") { // with no ack at all it would be held
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, "as told")
	})
	missing := f.lastLost - number(t, f.is, lastJobID)
	if missing < lostIDs {
		t.Fatalf("the replica lacks only %d ids of jobs", missing)
	}
	f.c, f.cc = serving(t, f.replica.DSN("belfry"), waitsLong)
	f.cc.destination(t, "new", f.hook.url)
	posting(t, "taken", missing/2+100, f.cc).wait(t, 60*time.Second) // each goes to two destinations
	eventually(t, 60*time.Second, func() string {
		if n := number(t, f.is, `SELECT coalesce(max(id), 0) FROM river_job`); n < f.lastLost {
			return fmt.Sprintf("the last job has id %d, want %d or more", n, f.lastLost)
		}
		return ""
	})
}

// moveB takes server b to the replica just after a heartbeat: until the next one, which
// comes two seconds later, it does not know. What a producer posts meanwhile gets ids of
// jobs that b has in reserve, and that c has given to others.
func (f *failover) moveB(t *testing.T) {
	t.Helper()
	const seen = `SELECT (extract(epoch FROM seen_at) * 1000)::bigint FROM instances ORDER BY started_at DESC LIMIT 1`
	before := number(t, f.was, seen)
	eventually(t, 20*time.Second, func() string {
		if number(t, f.was, seen) == before {
			return "server b writes no heartbeats"
		}
		return ""
	})
	f.proxyB.redirect(t, f.replica.DSN("belfry"))
	posting(t, "moved", batch, f.cb).wait(t, 30*time.Second)
}

// moveA takes server a to the replica. There the routing has the version that a knows,
// and is another: a must read it anew, whatever its version.
func (f *failover) moveA(t *testing.T) {
	t.Helper()
	f.systemErrorsTo(t, f.cc, "newer")
	if v := number(t, f.is, routingVersion); v != f.lostVersion {
		t.Fatalf("the routing's version is %d, and was %d on the primary: the test wants them alike", v, f.lostVersion)
	}
	f.proxyA.redirect(t, f.replica.DSN("belfry"))
	crash(t, f.dir)
	<-f.primary.Exited()
	_ = f.primary.Stop() // it ended by itself
}

// A primary dies, and a replica takes over that lacks the last of what the primary had.
// Producers are told to come again, and never that something is wrong. What the replica
// has is delivered, what it has not is gone with the primary, and nothing is stuck.
func TestRealFailoverToAReplicaThatLags(t *testing.T) {
	heavy(t, 3)
	f := newFailover(t)
	l := posting(t, "failover", 3*many, f.ca)
	f.lag(t)
	f.loseA(t, l)
	f.takeOver(t)
	f.moveB(t)
	f.moveA(t)
	began := time.Now()
	l.wait(t, 60*time.Second)
	t.Logf("of %d alerts %d were accepted before the primary was lost; all accepted %v after the replica took over",
		l.n, len(f.acceptedByPrimary), time.Since(began).Round(time.Millisecond))
	for _, c := range []*client{f.ca, f.cb, f.cc} {
		c.healthy(t)
		newClient(t, *c.base.Load(), f.lostToken).call(t, http.StatusUnauthorized, http.MethodGet, "/api/v1/deliveries", nil, nil)
	}
	for refusal := range l.refusals() {
		if !strings.HasPrefix(refusal, `503 with Retry-After "2"`) && refusal != "503 for an alert of a batch: unavailable" {
			t.Errorf("a producer was answered with %s", refusal)
		}
	}
	stored := f.lost(t, l)
	f.routedAnew(t)
	f.delivered(t, stored)
	f.noIDTwice(t)
}

// lost checks that only what the primary had accepted is missing, and returns the alerts
// that are stored.
func (f *failover) lost(t *testing.T, l *load) (stored []string) {
	t.Helper()
	rows, err := f.is.Query(t.Context(), `SELECT alert_id FROM alerts`)
	if err != nil {
		t.Fatal(err)
	}
	if stored, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	slices.Sort(stored)
	missing := slices.DeleteFunc(l.acceptedIDs(), func(id string) bool { _, ok := slices.BinarySearch(stored, id); return ok })
	for _, id := range missing {
		if !slices.Contains(f.acceptedByPrimary, id) {
			t.Errorf("alert %s was accepted after the primary was lost, and is not there", id)
		}
	}
	if len(missing) == 0 {
		t.Error("the replica did not lag")
	}
	t.Logf("%d alerts were lost with the primary", len(missing))
	return stored
}

// delivered has the receiver take everything, and waits until nothing is open. Belfry
// would mend a delivery that has lost its job, but not within this time.
func (f *failover) delivered(t *testing.T, stored []string) {
	t.Helper()
	f.hook.says(slow(0))
	const retryNow = `
		WITH due AS (
			UPDATE deliveries
			SET due_at = now()
			WHERE status = 'retrying' AND due_at > now()
			RETURNING job_id
		)
		UPDATE river_job
		SET scheduled_at = now()
		WHERE id IN (SELECT job_id FROM due) AND state = 'scheduled'`
	eventually(t, time.Minute, func() string {
		if n := number(t, f.is, `SELECT count(*) FROM deliveries WHERE status <> 'delivered'`); n > 0 {
			_, err := f.is.Exec(t.Context(), retryNow) // it may meet a worker, and is tried again
			return fmt.Sprintf("%d deliveries are not delivered; %v", n, err)
		}
		return ""
	})
	f.hook.awaitAcks(t, 20*time.Second, stored)
	balanced(t, f.replica.DSN("belfry"))
}

// routedAnew checks that no server has gone by the destinations of the primary.
func (f *failover) routedAnew(t *testing.T) {
	t.Helper()
	if n := number(t, f.is, `SELECT count(*) FROM deliveries WHERE destination_id NOT IN (SELECT id FROM destinations)`); n > 0 {
		t.Errorf("%d deliveries go to a destination that is not there", n)
	}
	const once = `
		SELECT count(*)
		FROM alerts a
		WHERE a.accepted_at > (SELECT created_at FROM destinations WHERE display_name = 'new')
		  AND (SELECT count(*) FROM deliveries d WHERE d.alert_id = a.id) <> 2`
	if n := number(t, f.is, once); n > 0 {
		t.Errorf("%d alerts that came after the replica had taken over do not go to both of its destinations", n)
	}
}

// noIDTwice checks that every id of a job that was taken was found out and replaced, and
// that server a, which has known for long that the database is another, drew none.
func (f *failover) noIDTwice(t *testing.T) {
	t.Helper()
	all := 0
	for name, p := range map[string]*child{"a": f.a, "b": f.b, "c": f.c} {
		p.stop(t, 30*time.Second)
		n := strings.Count(p.log.String(), `"msg":"ids of jobs were taken"`)
		if all += n; n > 0 && name != "b" {
			t.Errorf("server %s gave out ids of jobs that were taken, %d times", name, n)
		}
	}
	said := strings.Count(read(t, filepath.Join(f.replicaDir, "pg", "postgres.log")), `violates unique constraint "river_job_pkey"`)
	if said != all {
		t.Errorf("the replica refused %d jobs because their ids were taken, and %d times that was mended", said, all)
	}
	t.Logf("%d times ids of jobs were taken, which server b could not know", all)
}

// newToken makes one that may read.
func (c *client) newToken(t *testing.T, name string) string {
	t.Helper()
	var answer struct{ Token string }
	c.call(t, http.StatusCreated, http.MethodPost, "/api/v1/tokens", map[string]any{"name": name, "scopes": []string{"read"}}, &answer)
	return answer.Token
}
