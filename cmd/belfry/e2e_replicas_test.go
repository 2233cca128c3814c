//go:build linux

package main

import (
	"syscall"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// twoReplicas starts two servers on one database, and a receiver that takes its
// time.
func twoReplicas(t *testing.T, databaseURL string) (a, b *child, ca, cb *client, h *hook) {
	t.Helper()
	h = newHook(t)
	h.says(slow(150 * time.Millisecond))
	a, ca = serving(t, databaseURL, tenShortWaits)
	b, cb = serving(t, databaseURL, tenShortWaits)
	for _, c := range []*client{ca, cb} {
		c.http.Timeout = 5 * time.Second // a producer's patience
	}
	ca.destination(t, "SOAR", h.url)
	return a, b, ca, cb, h
}

// The other replica takes over what a dead one had in hand.
func TestE2EReplicaKilled(t *testing.T) {
	heavy(t, 2)
	databaseURL := pgtest.NewURL(t)
	a, b, ca, cb, h := twoReplicas(t, databaseURL)
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
	const standStill = 15 * time.Second
	// Of its own: on a server that has such a client DROP DATABASE waits for it.
	databaseURL := ownPostgres(t, openDir(t)).DSN("belfry")
	mustBelfry(t, []string{"DATABASE_URL=" + databaseURL}, "migrate")
	a, _, ca, cb, h := twoReplicas(t, databaseURL)
	l := posting(t, "still", many, ca, cb)
	_, inFlight := awaitMiddle(t, l, h)
	a.signal(t, syscall.SIGSTOP)
	goOn := time.After(standStill)
	during := posting(t, "during", 200, cb)
	during.wait(t, 60*time.Second)
	began := time.Now()
	last := h.awaitAcks(t, 60*time.Second, during.acceptedIDs())
	t.Logf("one of two stopped with %d attempts in flight; what the other accepted meanwhile was delivered after %v",
		inFlight, last.Sub(began).Round(time.Millisecond))
	<-goOn
	settled := map[string]bool{} // what it does now must not change these
	for _, d := range cb.deliveries(t) {
		settled[d.ID] = d.Status == "delivered"
	}
	a.signal(t, syscall.SIGCONT)
	l.wait(t, 60*time.Second)
	after := posting(t, "after", 200, ca, cb)
	after.wait(t, 60*time.Second)

	ids := append(append(l.acceptedIDs(), during.acceptedIDs()...), after.acceptedIDs()...)
	all := audit(t, cb, h, ids)
	balanced(t, databaseURL)
	charged, done := 0, 0
	for _, d := range all {
		if d.Attempts > d.MaxAttempts || settled[d.ID] && d.Attempts != 1 {
			t.Errorf("delivery %s: %d of %d attempts", d.ID, d.Attempts, d.MaxAttempts)
		}
		charged += d.Attempts - 1
		if settled[d.ID] {
			done++
		}
	}
	t.Logf("%d were delivered before it went on; %d repeats at the receiver, %d attempts charged beyond one each; other answers to producers: %v",
		done, h.repeats(), charged, l.refusals())
	for _, c := range []*client{ca, cb} {
		c.healthy(t)
	}
}
