package api

import (
	"context"
	"sync"
	"testing"
	"time"
)

// When as much as may be is being done for people, others wait, and then hear that
// nothing was done and when to come again.
func TestCrowdedCallsComeAgain(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	h.hook(t, newReceiver(t, says(500, "")).URL)
	id := h.failed(t)
	tx, err := h.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	for _, query := range []string{"SET LOCAL idle_in_transaction_session_timeout = 0", "SELECT FROM deliveries FOR UPDATE"} {
		if _, err := tx.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	const callers = 8
	answers := make(chan answer, callers)
	var people sync.WaitGroup
	for range callers {
		people.Go(func() { answers <- h.post(t, deliveryPath(id)+"/resend", "{}") })
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
	for range callers - 3 {
		a := next()
		wantProblem(t, a, 503, ProblemCodeOverloaded)
		if a.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	people.Wait()
	for range 3 {
		if a := next(); a.status != 202 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}
