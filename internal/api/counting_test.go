package api

import (
	"slices"
	"testing"

	"belfry/internal/pgtest"
)

// locksWaited counts the statements that wait for what somebody has locked.
func (h *harness) locksWaited(t testing.TB) int {
	t.Helper()
	return h.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
}

// Who counts waits for a turn, and hears when to come again if none comes. Other
// calls do not wait, and those that count up to a bound not for the others.
func TestCountsTakeTurns(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	h.accept1(t)
	release := pgtest.Lock(t, h.db, "LOCK TABLE deliveries")
	dry := func() answer {
		return h.post(t, bulkPath, `{"dryRun":true,"filter":{"status":["failed"]}}`)
	}
	counts := func() answer { return h.get(t, deliveriesPath+"/counts") }
	const callers = 6
	next := atOnce(t, slices.Repeat([]func() answer{dry, counts}, callers)...)
	for range 2 * (callers - 1) {
		a := next()
		wantProblem(t, a, 503, ProblemCodeOverloaded)
		if a.header.Get("Retry-After") == "" {
			t.Error("it does not say when to come again")
		}
	}
	until(t, "one of each kind counts, and no other", func() bool { return h.locksWaited(t) == 2 })
	if a := h.get(t, "/api/v1/destinations"); a.status != 200 {
		t.Errorf("another call: %d", a.status)
	}
	release()
	for range 2 {
		if a := next(); a.status != 200 {
			t.Errorf("when it is its turn: %d %s", a.status, a.body)
		}
	}
}

// What reads much for a person has a connection of the API's, and none of the
// dispatcher's, which alerts and records would have to wait for.
func TestCountsLeaveTheDispatchersConnections(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	h.accept1(t)
	const failed = `"filter":{"status":["failed"]}`
	order := decode[BulkResend](t, h.post(t, bulkPath, `{`+failed+`}`), 202)
	for name, call := range map[string]func() answer{
		"a dry run": func() answer { return h.post(t, bulkPath, `{"dryRun":true,`+failed+`}`) },
		"an order":  func() answer { return h.post(t, bulkPath, `{`+failed+`}`) },
		"outcomes":  func() answer { return h.get(t, bulkPath+"/"+order.ID.String()) },
		"counts":    func() answer { return h.get(t, deliveriesPath+"/counts") },
	} {
		release := pgtest.Lock(t, h.db, "LOCK TABLE deliveries")
		next := atOnce(t, call)
		until(t, name+" waits", func() bool { return h.locksWaited(t) == 1 })
		if n := h.dispatcher.DB.Pool().Stat().AcquiredConns(); n != 0 {
			t.Errorf("%s: %d connections of the dispatcher are in use", name, n)
		}
		release()
		if a := next(); a.status >= 300 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
