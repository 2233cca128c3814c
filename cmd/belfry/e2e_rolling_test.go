//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// An upgrade replaces one server after the other while alerts come in.
func TestE2ERollingUpgrade(t *testing.T) {
	heavy(t, 2)
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	refused := h.refusesSome(300 * time.Millisecond)
	const waits = "BELFRY_RETRY_WAITS=300ms 300ms 300ms 300ms 300ms"
	a, ca := serving(t, databaseURL, waits)
	b, cb := serving(t, databaseURL, waits, "BELFRY_DRAIN_TIMEOUT=50ms") // this one cuts attempts short
	explain(t, databaseURL)
	ca.destination(t, "SOAR", h.url)

	l, enough := pacing(t, "roll", 60*time.Millisecond, ca, cb)
	for i, c := range []*client{ca, cb, ca} {
		old := a
		if c == cb {
			old = b
		}
		eventually(t, 20*time.Second, func() string {
			if n := len(l.acceptedIDs()); n < 30*(i+1) || h.inFlight.Load() < 4 {
				return fmt.Sprintf("%d alerts accepted, %d attempts in flight", n, h.inFlight.Load())
			}
			return ""
		})
		before := interrupted(t, databaseURL)
		took := old.stop(t, 30*time.Second) // with exit code 0
		if cut := interrupted(t, databaseURL) - before; (cut > 0) != (old == b) {
			t.Errorf("server %d cut %d attempts short", i, cut)
		}
		began := time.Now()
		p, moved := serving(t, databaseURL, waits)
		c.moveTo(*moved.base.Load())
		t.Logf("a server stopped in %v, and its successor answered after %v", took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		if c == ca {
			a = p
		}
	}
	eventually(t, 20*time.Second, func() string { return l.atLeast(120) })
	enough()

	charged := 0
	for _, d := range audit(t, ca, h, l.acceptedIDs()) {
		if d.Attempts > 1+refused(d.ID) {
			t.Errorf("delivery %s was charged %d attempts, of which the receiver refused %d", d.ID, d.Attempts, refused(d.ID))
		}
		charged += d.Attempts
	}
	balanced(t, databaseURL)
	cut := interrupted(t, databaseURL)
	if n, most := h.requests(), charged+cut; n > most {
		t.Errorf("the receiver got %d requests, for %d attempts charged and %d cut short", n, charged, cut)
	}
	for refusal, n := range l.refusals() {
		if refusal != errNoAnswer.Error() && !strings.HasPrefix(refusal, `503 with Retry-After "2"`) {
			t.Errorf("%d times a producer was answered with %s", n, refusal)
		}
	}
	t.Logf("%d alerts, %d requests at the receiver, %d attempts charged, %d cut short; other answers to producers: %v",
		len(l.acceptedIDs()), h.requests(), charged, cut, l.refusals())
}

// refusesSome has a receiver take its time, and refuse every fourth delivery
// once. It returns how to ask how often a delivery was refused.
func (h *hook) refusesSome(d time.Duration) (refused func(deliveryID string) int) {
	var mu sync.Mutex
	times := map[string]int{}
	h.says(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("webhook-id")
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if strings.ContainsAny(id[len(id)-1:], "048c") && times[id] == 0 {
			times[id]++
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		io.WriteString(w, "success")
	})
	return func(deliveryID string) int {
		mu.Lock()
		defer mu.Unlock()
		return times[deliveryID]
	}
}

// requests returns how many there were in all.
func (h *hook) requests() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, got := range h.receipts {
		n += got.requests
	}
	return n
}

// pacing has producers post an alert every so often, until enough is called. It
// waits until the last of them is accepted.
func pacing(t *testing.T, name string, every time.Duration, clients ...*client) (l *load, enough func()) {
	t.Helper()
	l = &load{clients: clients, accepted: map[string]bool{}, refused: map[string]int{}, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	stop := make(chan struct{})
	go func() {
		defer close(l.done)
		var producers sync.WaitGroup
		defer producers.Wait()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				producers.Go(func() { l.produce(ctx, i, []string{fmt.Sprintf("%s-%05d", name, i)}) })
			case <-stop:
				l.n = i
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-l.done })
	return l, func() {
		t.Helper()
		close(stop)
		awaitDone(t, l.done, "producers")
		l.wait(t, time.Second)
	}
}

// atLeast says what is missing until n alerts are accepted.
func (l *load) atLeast(n int) string {
	if got := len(l.acceptedIDs()); got < n {
		return fmt.Sprintf("%d of %d alerts are accepted; other answers: %v", got, n, l.refusals())
	}
	return ""
}

// interrupted counts the attempts that were cut short, and checks that none of
// them was charged.
func interrupted(t *testing.T, databaseURL string) (all int) {
	t.Helper()
	const query = `
		SELECT count(*), count(*) FILTER (WHERE counted)
		FROM attempts
		WHERE class = 'interrupted'`
	var counted int
	if err := pgtest.Open(t, databaseURL).Pool().QueryRow(t.Context(), query).Scan(&all, &counted); err != nil {
		t.Fatal(err)
	}
	if counted > 0 {
		t.Errorf("%d of %d attempts that were cut short are counted", counted, all)
	}
	return all
}
