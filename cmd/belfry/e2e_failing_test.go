//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/internal/pgtest"
)

// Two replicas share what they know of a destination that keeps failing: one probe
// at a time goes to it, all that waited goes out once it acks, and the
// others are told of each change once.
func TestE2EFailingIsShared(t *testing.T) {
	heavy(t, 2)
	h, watch, databaseURL := newHook(t), newHook(t), pgtest.NewURL(t)
	const waits = "BELFRY_RETRY_WAITS=2s 2s 2s 2s 2s 2s 2s 2s 2s 2s"
	a, ca := serving(t, databaseURL, waits)
	b, cb := serving(t, databaseURL, waits)
	explain(t, databaseURL)
	pool := pgtest.Open(t, databaseURL).Pool()
	soar := ca.destination(t, "SOAR", h.url)
	onCall := ca.destination(t, "on call", watch.url)
	ca.call(t, http.StatusOK, http.MethodPatch, "/api/v1/destinations/"+onCall.ID, map[string]any{"alertTypes": []string{"SYSTEM_ERROR"}}, nil)

	h.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	posting(t, "first", 6, ca).wait(t, 20*time.Second)
	posting(t, "also", 6, cb).wait(t, 20*time.Second)
	eventually(t, 20*time.Second, func() string { // else it would have to fail for half a minute
		return backdate(t, pool, "UPDATE destination_health SET failing_since = now() - interval '1 minute' WHERE failures >= 10")
	})
	const soonTold = "UPDATE announcing SET due_at = now() WHERE due_at > now()" // else it would take a minute
	eventually(t, 20*time.Second, func() string { return backdate(t, pool, soonTold) })
	ca.awaitCounts(t, 20*time.Second, countsView{Held: 12, Delivered: 1})
	const stopped, again = `CRITICAL SYSTEM_ERROR Destination "SOAR" is failing`, `INFO SYSTEM_ERROR Destination "SOAR" acknowledges again`
	watch.got(t, stopped)
	posting(t, "second", 12, ca, cb).wait(t, 20*time.Second)
	ca.awaitCounts(t, time.Second, countsView{Held: 24, Delivered: 1}) // at once

	probes := h.probed(t, pool, 6)
	t.Logf("%d probes; the replicas have made %d and %d attempts", probes, attempts(a), attempts(b))
	h.says(slow(20 * time.Millisecond))
	began := time.Now()
	eventually(t, 20*time.Second, func() string { return backdate(t, pool, soonProbed) })
	eventually(t, 20*time.Second, func() string { return backdate(t, pool, soonTold) })
	ca.awaitCounts(t, 20*time.Second, countsView{Delivered: 24 + 2})
	t.Logf("all that was held was delivered %v after it acked again", time.Since(began).Round(time.Millisecond))
	watch.got(t, stopped, again)
	for _, d := range cb.deliveries(t) {
		to, other := h, watch
		if d.Destination.ID != soar.ID {
			to, other = watch, h
		}
		if to.of(d.ID).acked != 1 || other.of(d.ID).requests != 0 {
			t.Errorf("%d acks for delivery %+v", to.of(d.ID).acked, d)
		}
	}
	balanced(t, databaseURL)
}

// soonProbed brings the next probe forward, once the last one is recorded: its
// record says when the next is due.
const soonProbed = "UPDATE destination_health SET next_probe_at = now() WHERE held_since IS NOT NULL AND probe_delivery_id IS NULL"

// backdate changes the one row of a destination's health, or says that it is not
// there.
func backdate(t *testing.T, pool *pgxpool.Pool, query string) string {
	t.Helper()
	tag, err := pool.Exec(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if tag.RowsAffected() != 1 {
		return "not so: " + query
	}
	return ""
}

// probed has a receiver refuse so many probes, while every replica thinks that
// it is time for the next one, and checks that they come one at a time and that
// no delivery has to serve twice.
func (h *hook) probed(t *testing.T, pool *pgxpool.Pool, n int) (answered int) {
	t.Helper()
	var (
		mu        sync.Mutex
		now, most int
		times     = map[string]int{}
	)
	h.says(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		times[r.Header.Get("webhook-id")]++
		mu.Unlock()
		select {
		case <-time.After(700 * time.Millisecond):
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		mu.Lock()
		defer mu.Unlock()
		now--
		answered++
	})
	eventually(t, 30*time.Second, func() string {
		backdate(t, pool, soonProbed)
		mu.Lock()
		defer mu.Unlock()
		if answered < n {
			return fmt.Sprintf("%d probes, want %d", answered, n)
		}
		return ""
	})
	mu.Lock()
	defer mu.Unlock()
	if most > 1 {
		t.Errorf("%d probes at once", most)
	}
	for id, probes := range times {
		if probes > 1 {
			t.Errorf("delivery %s was %d of %d probes", id, probes, answered)
		}
	}
	return answered
}

// awaitCounts waits until so many deliveries have each status.
func (c *client) awaitCounts(t *testing.T, within time.Duration, want countsView) {
	t.Helper()
	eventually(t, within, func() string {
		if got := c.counts(t); got != want {
			return fmt.Sprintf("the counts are %+v, want %+v", got, want)
		}
		return ""
	})
}

// got waits until a receiver has these alerts, and checks that it got each once
// and no others.
func (h *hook) got(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	eventually(t, 20*time.Second, func() string {
		h.mu.Lock()
		defer h.mu.Unlock()
		var got []string
		for _, r := range h.receipts {
			var alert struct{ Severity, Type, Title string }
			if err := json.Unmarshal(r.body, &alert); err != nil {
				t.Fatal(err)
			}
			for range r.requests {
				got = append(got, alert.Severity+" "+alert.Type+" "+alert.Title)
			}
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			return ""
		}
		return fmt.Sprintf("it got %q, want %q", got, want)
	})
}

// attempts returns how many a server says that it has made.
func attempts(c *child) int { return strings.Count(c.log.String(), `"msg":"delivery attempted"`) }
