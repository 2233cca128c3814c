package api

import (
	"slices"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// atOnce makes calls, all at the same time. next waits for the answer of the one that is
// answered next.
func atOnce(t testing.TB, calls ...func() answer) (next func() answer) {
	t.Helper()
	answers := make(chan answer, len(calls))
	for _, call := range calls {
		go func() { answers <- call() }()
	}
	return func() answer {
		t.Helper()
		select {
		case a := <-answers:
			return a
		case <-time.After(30 * time.Second):
			t.Fatal("no answer in half a minute")
			return answer{}
		}
	}
}

// When as many calls of people are worked as may be, further ones wait, and are then
// told that nothing was done and when to try again.
func TestCallsBeyondTheOperatorLimitAreRefused(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	h.hook(t, newReceiver(t, says(500, "")).URL)
	id := h.failed(t)
	release := pgtest.Lock(t, h.db, "SELECT FROM deliveries FOR UPDATE")
	const callers = 8
	resend := func() answer { return h.post(t, deliveryPath(id)+"/resend", "{}") }
	next := atOnce(t, slices.Repeat([]func() answer{resend}, callers)...)
	for range callers - 3 {
		a := next()
		wantProblem(t, a, 503, ProblemCodeOverloaded)
		if a.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
		}
	}
	release()
	for range 3 {
		if a := next(); a.status != 202 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}
