//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"belfry/internal/devpg"
	"belfry/internal/pgtest"
)

// standby starts a streaming replica of a Postgres that has been stopped, in another
// directory. It follows by way of a line.
func standby(t *testing.T, primaryDir, dir string, way *line) *devpg.Server {
	t.Helper()
	data, err := filepath.Glob(filepath.Join(primaryDir, "pg", "pg[0-9]*"))
	if err != nil || len(data) != 1 {
		t.Fatalf("%v %v", data, err)
	}
	info, err := os.Stat(filepath.Join(primaryDir, "pg"))
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "pg")
	if err := os.Mkdir(root, info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("cp", "-a", data[0], root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	copied := filepath.Join(root, filepath.Base(data[0]))
	u, err := url.Parse(way.url)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"standby.signal":       "",
		"postgresql.auto.conf": fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%s user=belfry sslmode=disable'\n", u.Port()),
	} {
		name = filepath.Join(copied, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if owner, err := os.Stat(filepath.Join(copied, "PG_VERSION")); err == nil {
			is := owner.Sys().(*syscall.Stat_t)
			err = os.Chown(name, int(is.Uid), int(is.Gid))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return ownPostgres(t, dir)
}

// A primary dies, and a replica takes over that lacks the last of what the primary had.
// Producers are told to come again, and never that something is wrong. What the replica
// has is delivered, what it has not is gone with the primary, and nothing is stuck.
func TestE2EFailoverToAReplicaThatLags(t *testing.T) {
	heavy(t, 2)
	h, dir := newHook(t), openDir(t)
	h.says(slow(30 * time.Millisecond))
	server := ownPostgres(t, dir)
	mustBelfry(t, []string{"DATABASE_URL=" + server.DSN("belfry")}, "migrate")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	replication := newLine(t, server.DSN("belfry"))
	replica := standby(t, dir, openDir(t), replication)
	server = ownPostgres(t, dir)
	way := newLine(t, server.DSN("belfry"))
	a, ca := serving(t, way.url)
	b, cb := serving(t, way.url)
	ca.destination(t, "SOAR", h.url)
	replicated := pgtest.Open(t, replica.DSN("belfry")).Pool()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := replicated.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}

	l := posting(t, "failover", 2*many, ca, cb)
	eventually(t, 30*time.Second, func() string {
		if n := count(`SELECT count(*) FROM alerts`); n < many/4 {
			return fmt.Sprintf("the replica has %d alerts", n)
		}
		return ""
	})
	replication.cut()
	behind := len(l.acceptedIDs())
	// What only the primary knows: a destination and a token, which both servers remember.
	ca.destination(t, "late", h.url)
	token := ca.newToken(t, "late")
	for _, c := range []*client{ca, cb} {
		known := newClient(t, *c.base.Load(), token)
		known.call(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries", nil, nil)
	}
	eventually(t, 30*time.Second, func() string {
		if n := len(l.acceptedIDs()); n < behind+many/8 {
			return fmt.Sprintf("%d were accepted since", n-behind)
		}
		return ""
	})
	crash(t, dir)
	<-server.Exited()
	_ = server.Stop()
	eventually(t, 20*time.Second, func() string {
		if len(l.refusals()) > 0 {
			return ""
		}
		return "no producer is refused"
	})
	before := l.acceptedIDs()
	if _, err := replicated.Exec(t.Context(), `SELECT pg_promote()`); err != nil {
		t.Fatal(err)
	}
	explain(t, replica.DSN("belfry"))
	began := time.Now()
	way.redirect(t, replica.DSN("belfry"))
	l.wait(t, 60*time.Second)
	t.Logf("of %d alerts %d were accepted before the primary died; all accepted %v after the replica took over",
		l.n, len(before), time.Since(began).Round(time.Millisecond))
	ca.healthy(t)
	cb.healthy(t)

	for refusal := range l.refusals() {
		if !strings.HasPrefix(refusal, `503 with Retry-After "2"`) && refusal != "503 for an alert of a batch: unavailable" {
			t.Errorf("a producer was answered with %s", refusal)
		}
	}
	rows, err := replicated.Query(t.Context(), `SELECT alert_id FROM alerts`)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(stored)
	lost := slices.DeleteFunc(l.acceptedIDs(), func(id string) bool { _, ok := slices.BinarySearch(stored, id); return ok })
	for _, id := range lost {
		if !slices.Contains(before, id) {
			t.Errorf("alert %s was accepted after the primary had died, and is not there", id)
		}
	}
	if len(lost) == 0 {
		t.Error("the replica did not lag")
	}
	h.awaitAcks(t, 60*time.Second, stored)
	eventually(t, 60*time.Second, func() string {
		if n := count(`SELECT count(*) FROM deliveries WHERE status <> 'delivered'`); n > 0 {
			return fmt.Sprintf("%d deliveries are not delivered", n)
		}
		return ""
	})
	t.Logf("%d alerts were lost with the primary; all of the others delivered after %v", len(lost), time.Since(began).Round(time.Millisecond))
	balanced(t, replica.DSN("belfry"))
	if n := count(`SELECT count(*) FROM deliveries`); n != len(stored) {
		t.Errorf("%d deliveries of %d alerts: some go to a destination that is not there", n, len(stored))
	}
	for _, c := range []*client{ca, cb} {
		gone := newClient(t, *c.base.Load(), token)
		gone.call(t, http.StatusUnauthorized, http.MethodGet, "/api/v1/deliveries", nil, nil)
	}
	for _, p := range []*child{a, b} {
		t.Logf("ids of jobs were taken %d times; other answers to producers: %v", strings.Count(p.log.String(), "ids of jobs were taken"), l.refusals())
		p.stop(t, 30*time.Second)
	}
}

// newToken makes one that may read.
func (c *client) newToken(t *testing.T, name string) string {
	t.Helper()
	var answer struct{ Token string }
	c.call(t, http.StatusCreated, http.MethodPost, "/api/v1/tokens", map[string]any{"name": name, "scopes": []string{"read"}}, &answer)
	return answer.Token
}
