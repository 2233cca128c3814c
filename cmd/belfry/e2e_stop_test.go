//go:build linux

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// An attempt that our own stop cuts short is kept and charges nothing.
func TestE2EStopCutsAttemptsShort(t *testing.T) {
	heavy(t, 1)
	const n = 8 // with no answer ever seen, a destination gets no more than ten at a time
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	h.says(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) // hangs
	first, c := serving(t, databaseURL, "BELFRY_DRAIN_TIMEOUT=500ms")
	c.destination(t, "SOAR", h.url)
	ids := h.hold(t, c, n)
	took := first.stop(t, 10*time.Second)
	t.Logf("stopped in %v with a drain of 500ms and %d attempts that hang", took.Round(time.Millisecond), n)
	if took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}

	h.says(slow(0))
	second, c := serving(t, databaseURL)
	for _, id := range ids {
		d := c.awaitStatus(t, id, "delivered", 1)
		if d.Attempts != 1 || len(d.AttemptHistory) != 2 {
			t.Fatalf("delivery %+v", d)
		}
		slices.SortFunc(d.AttemptHistory, func(a, b attemptView) int { return a.Number - b.Number })
		cut, good := d.AttemptHistory[0], d.AttemptHistory[1]
		if cut.Class != "interrupted" || cut.Counted || cut.StatusCode != nil || good.Class != "acked" || !good.Counted {
			t.Errorf("attempts %+v", d.AttemptHistory)
		}
	}
	balanced(t, databaseURL)
	second.stop(t, 10*time.Second)
}

// hold posts alerts and waits until the receiver has all of them in its hands.
func (h *hook) hold(t *testing.T, c *client, n int) (deliveryIDs []string) {
	t.Helper()
	for i := range n {
		deliveryIDs = append(deliveryIDs, c.alert(t, fmt.Sprintf("held-%d", i)).Deliveries[0].ID)
	}
	eventually(t, 20*time.Second, func() string {
		if got := h.inFlight.Load(); got != int64(n) {
			return fmt.Sprintf("%d attempts in flight, want %d", got, n)
		}
		return ""
	})
	return deliveryIDs
}

// A stop waits for attempts that are answered in time, says meanwhile that it
// wants no traffic, and records what they brought.
func TestE2EStopWaitsForAnswers(t *testing.T) {
	heavy(t, 1)
	const n = 8
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	release := make(chan struct{})
	h.says(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	p, c := serving(t, databaseURL, "BELFRY_DRAIN_TIMEOUT=20s")
	c.destination(t, "SOAR", h.url)
	ids := h.hold(t, c, n)
	stopped := make(chan struct{})
	go func() { defer close(stopped); p.stop(t, 20*time.Second) }()
	eventually(t, 10*time.Second, func() string {
		r, err := c.try(t.Context(), http.MethodGet, "/readyz", nil)
		if err == nil && r.status == http.StatusServiceUnavailable && strings.Contains(string(r.body), "stopping") {
			return ""
		}
		return fmt.Sprintf("/readyz: %d %s %v", r.status, r.body, err)
	})
	r, err := c.try(t.Context(), http.MethodPost, "/api/v1/alerts", newAlert("late"))
	if err != nil || r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("an alert while draining: %d %s %v", r.status, r.body, err)
	}
	close(release)
	<-stopped

	_, c = serving(t, databaseURL)
	for _, id := range ids {
		d := c.delivery(t, id) // at once: it was recorded before the stop
		if d.Status != "delivered" || d.Attempts != 1 || len(d.AttemptHistory) != 1 || h.of(id).requests != 1 {
			t.Errorf("delivery %+v", d)
		}
	}
}
