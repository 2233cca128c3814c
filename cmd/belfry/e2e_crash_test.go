//go:build linux

package main

import (
	"fmt"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// many is how many alerts a crash comes in the middle of.
const many = 2000

// Belfry and its private Postgres die together.
func TestE2EKilledDevLosesNothing(t *testing.T) {
	heavy(t, 1)
	dir := openDir(t)
	killedInTheMiddle(t, func() *child { return developing(t, dir, "BELFRY_ADMIN_TOKEN="+adminToken) })
}

// Postgres stays, and the one that died is known to be dead only after a while.
func TestE2EKilledServeLosesNothing(t *testing.T) {
	heavy(t, 1)
	databaseURL := pgtest.NewURL(t)
	killedInTheMiddle(t, func() *child { return spawn(t, serveEnv(databaseURL), "serve") })
	balanced(t, databaseURL)
}

func killedInTheMiddle(t *testing.T, start func() *child) {
	t.Helper()
	h := newHook(t)
	h.says(slow(150 * time.Millisecond))
	first := start()
	c := newClient(t, first.address(t), adminToken)
	c.destination(t, "SOAR", h.url)
	l := posting(t, "kill", many, c)
	before, inFlight := awaitMiddle(t, l, h)
	first.kill(t)

	began := time.Now()
	second := start()
	c.moveTo(second.address(t))
	up := time.Since(began)
	last := h.awaitAcks(t, 60*time.Second, before)
	t.Logf("killed with %d of %d alerts accepted and %d attempts in flight; up again after %v, and all of those delivered after %v",
		len(before), many, inFlight, up.Round(time.Millisecond), last.Sub(began).Round(time.Millisecond))
	l.wait(t, 60*time.Second)
	uncharged(t, audit(t, c, h, l.acceptedIDs()))
	t.Logf("%d repeats at the receiver; other answers to producers: %v", h.repeats(), l.refusals())
	c.healthy(t)
}

// awaitMiddle waits until a good part of the load is accepted and attempts are
// in flight, and returns what was accepted.
func awaitMiddle(t *testing.T, l *load, h *hook) (accepted []string, inFlight int64) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		accepted, inFlight = l.acceptedIDs(), h.inFlight.Load()
		if len(accepted) > l.n/4 && inFlight >= 10 {
			return ""
		}
		return fmt.Sprintf("%d of %d accepted, %d in flight, refused: %v", len(accepted), l.n, inFlight, l.refusals())
	})
	if len(accepted) >= l.n {
		t.Errorf("all %d alerts were accepted already", l.n)
	}
	return accepted, inFlight
}
