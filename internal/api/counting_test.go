package api

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Who counts waits for a turn, and hears when to come again if none comes. Other
// calls do not wait, and those that count up to a bound not for the others.
func TestCountsTakeTurns(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	h.accept1(t)
	tx, err := h.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	for _, query := range []string{"SET LOCAL idle_in_transaction_session_timeout = 0", "LOCK TABLE deliveries"} {
		if _, err := tx.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	dry := func() answer {
		return h.post(t, "/api/v1/bulk-resends", `{"dryRun":true,"filter":{"status":["failed"]}}`)
	}
	counts := func() answer { return h.get(t, deliveriesPath+"/counts") }
	const callers = 6
	answers := make(chan answer, 2*callers)
	var people sync.WaitGroup
	for range callers {
		people.Go(func() { answers <- dry() })
		people.Go(func() { answers <- counts() })
	}
	next := func() answer {
		select {
		case a := <-answers:
			return a
		case <-time.After(30 * time.Second):
			t.Fatal("no answer in half a minute")
			return answer{}
		}
	}
	waiting := func() int {
		return h.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
	for range 2 * (callers - 1) {
		a := next()
		wantProblem(t, a, 503, ProblemCodeOverloaded)
		if a.header.Get("Retry-After") == "" {
			t.Error("it does not say when to come again")
		}
	}
	if n := waiting(); n != 2 {
		t.Errorf("%d count at once, want one of each kind", n)
	}
	if a := h.get(t, "/api/v1/destinations"); a.status != 200 {
		t.Errorf("another call: %d", a.status)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a := next(); a.status != 200 {
			t.Errorf("when it is its turn: %d %s", a.status, a.body)
		}
	}
	people.Wait()
}
