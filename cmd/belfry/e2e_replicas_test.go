//go:build linux

package main

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// twoReplicas starts two servers on one database, by ways of their own, and a
// receiver that takes its time.
func twoReplicas(t *testing.T, urlA, urlB string) (a, b *child, ca, cb *client, h *hook) {
	t.Helper()
	h = newHook(t)
	h.says(slow(150 * time.Millisecond))
	a, ca = serving(t, urlA, tenShortWaits)
	b, cb = serving(t, urlB, tenShortWaits)
	for _, c := range []*client{ca, cb} {
		c.http.Timeout = 5 * time.Second // how long a producer waits
	}
	ca.destination(t, "SOAR", h.url)
	return a, b, ca, cb, h
}

// The other replica takes over the jobs of a dead one.
func TestE2EReplicaKilled(t *testing.T) {
	heavy(t, 2)
	databaseURL := pgtest.NewURL(t)
	a, b, ca, cb, h := twoReplicas(t, databaseURL, databaseURL)
	l := posting(t, "two", many, ca, cb)
	before, inFlight := awaitMiddle(t, l, h)
	for name, p := range map[string]*child{"first": a, "second": b} {
		p.says(t, p.log, `"msg":"delivery attempted"`)
		t.Logf("the %s replica works", name)
	}
	a.kill(t)
	began := time.Now()
	last := h.awaitAcks(t, 60*time.Second, before)
	t.Logf("killed one of two with %d of %d alerts accepted and %d attempts in flight; all of those delivered after %v",
		len(before), many, inFlight, last.Sub(began).Round(time.Millisecond))
	l.wait(t, 60*time.Second)
	uncharged(t, audit(t, cb, h, l.acceptedIDs()))
	balanced(t, databaseURL)
	cb.healthy(t)
	t.Logf("%d repeats at the receiver; other answers to producers: %v", h.repeats(), l.refusals())
}

// A replica that stands still is taken for dead; when it goes on it does no harm.
func TestE2EReplicaStandsStill(t *testing.T) {
	heavy(t, 2)
	// Of its own: on a server that has such a client DROP DATABASE waits for it.
	databaseURL := ownPostgres(t, openDir(t)).DSN("belfry")
	mustBelfry(t, []string{"DATABASE_URL=" + databaseURL}, "migrate")
	proxy := newDatabaseProxy(t, databaseURL)
	a, b, ca, cb, h := twoReplicas(t, proxy.url, databaseURL)
	explain(t, databaseURL)

	// It stops in the middle of a record, which has locked what both need.
	inside := proxy.lose("success", false)
	l := posting(t, "still", 600, ca, cb)
	awaitDone(t, inside, "an answer that the first replica records")
	a.signal(t, syscall.SIGSTOP)
	began := time.Now()
	t.Logf("one of two stopped with %d jobs", jobsOfOldest(t, databaseURL))
	during := posting(t, "during", 200, cb)
	during.wait(t, 20*time.Second)
	cb.awaitDelivered(t, 25*time.Second, "during-")
	t.Logf("what the other accepted meanwhile was delivered after %v", time.Since(began).Round(time.Millisecond))
	l.wait(t, 40*time.Second)
	cb.awaitDelivered(t, 30*time.Second, "still-")
	t.Logf("all that was accepted before was delivered after %v", time.Since(began).Round(time.Millisecond))
	b.says(t, b.log, `"msg":"jobs of dead instances taken over"`)
	settled := cb.settled(t)

	t.Logf("it goes on after %v", time.Since(began).Round(time.Millisecond))
	a.signal(t, syscall.SIGCONT)
	after := posting(t, "after", 200, ca, cb)
	after.wait(t, 30*time.Second)
	ca.healthy(t) // and so has beaten: it records the attempts that it had in flight
	uncharged(t, audit(t, cb, h, slices.Concat(l.acceptedIDs(), during.acceptedIDs(), after.acceptedIDs())))
	balanced(t, databaseURL)
	cb.unchanged(t, settled)
	t.Logf("%d were delivered before it went on; %d repeats at the receiver; other answers to producers: %v", len(settled), h.repeats(), l.refusals())
	cb.healthy(t)
}

// jobsOfOldest counts the jobs of the instance that started first, and checks
// that there are any.
func jobsOfOldest(t *testing.T, databaseURL string) (n int) {
	t.Helper()
	const query = `
		SELECT count(*)
		FROM river_job
		WHERE state = 'running' AND attempted_by = ARRAY(SELECT id::text FROM instances ORDER BY started_at LIMIT 1)`
	if err := pgtest.Open(t, databaseURL).Pool().QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Error("the first replica has no jobs")
	}
	return n
}
