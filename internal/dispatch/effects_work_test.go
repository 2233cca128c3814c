package dispatch

import (
	"strings"
	"testing"

	"belfry/internal/delivery"
	"belfry/internal/destination"
)

// What accepting an alert does, by what its destination is held for.
func TestEffectsOfAccepting(t *testing.T) {
	t.Parallel()
	nothing := func(*testing.T, *stage) {}
	accept := func(t *testing.T, s *stage) { s.accepted(t) }
	held := func(reason string) effects {
		return effects{
			Row: "held " + reason + ", 0 of run 1, 0 made, due", Events: "alert", Counted: "alerts_accepted_total +1",
			Holds: "worth a look, some held",
		}
	}
	pin(t, []pinned{
		{"it may go", nil, nothing, accept, effects{
			Row: "queued -, 0 of run 1, 0 made, due", Jobs: "new available", Events: "alert", Counted: "alerts_accepted_total +1",
		}},
		{"paused", nil, func(t *testing.T, s *stage) { s.paused(t) }, accept, held("paused")},
		{"failing", nil, func(t *testing.T, s *stage) { s.failing(t, "1 hour") }, accept, held("failing")},
		{"misconfigured", nil, func(t *testing.T, s *stage) { s.broken(t) }, accept, with(held("misconfigured"), func(e *effects) {
			e.Logged = "ERROR destination misconfigured"
		})},
		{"asked to be left alone", nil, func(t *testing.T, s *stage) { s.slow(t) }, accept, held("busy")},
		{"others are held before it", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.holds(t, delivery.Busy)
		}, accept, held("busy")},
		{"no room", nil, func(t *testing.T, s *stage) { s.send(t, s.to, s.share()) }, accept, held("busy")},
	})
}

// with returns a changed copy.
func with(e effects, change func(*effects)) effects {
	change(&e)
	return e
}

// What an attempt leads to, when it is recorded.
func TestEffectsOfAttempts(t *testing.T) {
	t.Parallel()
	pin(t, []pinned{
		{"acked", nil, answers(200), works, effects{
			Row: "delivered -, 1 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery delivered -",
			Counted: "attempt_duration_seconds +1, attempts_total acked +1, deliveries_finished_total delivered +1",
			Logged:  "INFO delivery attempted, status delivered",
		}},
		{"failed, and budget left", nil, answers(500), works, effects{
			Row: "retrying -, 1 of run 1, 1 made, due later, priority 2", Jobs: "old available, work snoozed for long",
			Events:  "delivery retrying -",
			Counted: "attempt_duration_seconds +1, attempts_total rejected +1",
			Logged:  "INFO delivery attempted, status retrying",
		}},
		{"failed, and the budget used", []option{waits()}, answers(500), works, effects{
			Row: "failed attempts_exhausted, 1 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery failed attempts_exhausted",
			Counted: "attempt_duration_seconds +1, attempts_total rejected +1, deliveries_failed_total attempts_exhausted +1, deliveries_finished_total failed +1",
			Logged:  "INFO delivery attempted, status failed; ERROR delivery failed, status failed, reason attempts_exhausted",
		}},
		{"a probe failed", nil, func(t *testing.T, s *stage) {
			s.up.answer(500)
			s.accepted(t)
			s.failing(t, "1 hour")
			exec(t, s.fixture, `UPDATE destination_health SET probe_delivery_id = $1, probe_until = now() + interval '1 hour'`, s.id)
		}, works, effects{
			Row: "held failing, 1 of run 1, 1 made, due later, priority 2", Jobs: "work over", Events: "delivery held failing",
			Counted: "attempt_duration_seconds +1, attempts_total rejected +1",
			Logged:  "INFO delivery attempted, status held",
		}},
		{"our side fails", nil, answers(200), cutShort, effects{
			Row: "queued -, 0 of run 1, 1 made, due soon", Jobs: "old available, work snoozed", Events: "delivery queued -",
			Counted: "attempt_duration_seconds +1, attempts_total interrupted +1",
			Logged:  "INFO delivery attempted, status queued",
		}},
		{"our side fails for the fifth time", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.sets(t, `uncounted = 4, made = 1`)
		}, cutShort, effects{
			Row: "held our_side, 0 of run 1, 2 made, due soon", Jobs: "work over", Events: "delivery held our_side",
			Counted: "attempt_duration_seconds +1, attempts_total interrupted +1",
			Logged:  "INFO delivery attempted, status held; WARN delivery held for our own side, status held, reason our_side",
		}},
		{"our side fails for the sixth time", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.sets(t, `uncounted = 5, made = 2`)
		}, cutShort, effects{
			Row: "held our_side, 0 of run 1, 2 made, due soon", Jobs: "work over", Events: "delivery held our_side",
			Counted: "attempt_duration_seconds +1, attempts_total interrupted +1",
			Logged:  "INFO delivery attempted, status held",
		}},
		{"acked, and cancelled meanwhile", nil, answers(200), func(t *testing.T, s *stage) {
			defer s.underWay(t, t.Context())()
			defer s.up.unblock()
			if _, err := s.Cancel(t.Context(), s.id, me); err != nil {
				t.Error(err)
			}
			s.mark(t)
		}, effects{
			Row: "delivered -, 0 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery delivered -",
			Counted: "attempt_duration_seconds +1, attempts_total acked +1, deliveries_finished_total delivered +1",
			Logged:  "INFO delivery attempted, status delivered",
		}},
		{"failed, and cancelled meanwhile", nil, answers(500), func(t *testing.T, s *stage) {
			defer s.underWay(t, t.Context())()
			defer s.up.unblock()
			if _, err := s.Cancel(t.Context(), s.id, me); err != nil {
				t.Error(err)
			}
			s.mark(t)
		}, effects{
			Row: "cancelled by_person, 0 of run 1, 1 made, not due", Jobs: "work over", Events: "delivery cancelled by_person",
			Counted: "attempt_duration_seconds +1, attempts_total rejected +1",
			Logged:  "INFO delivery attempted, status cancelled",
		}},
	})
}

// What a worker does with a job whose delivery must not be sent now. River then
// writes the end of the job.
func TestEffectsOfLoading(t *testing.T) {
	t.Parallel()
	after := func(given func(*testing.T, *stage)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.accepted(t)
			given(t, s)
		}
	}
	held := func(reason string) effects {
		return effects{
			Row:  "held " + reason + ", 0 of run 1, 0 made, due",
			Jobs: "old available and fenced out, work over", Events: "destination", Holds: "some held",
		}
	}
	pin(t, []pinned{
		{"paused", nil, after(func(t *testing.T, s *stage) { s.paused(t) }), works, held("paused")},
		{"failing", nil, after(func(t *testing.T, s *stage) { s.failing(t, "1 hour") }), works, held("failing")},
		{"misconfigured", nil, after(func(t *testing.T, s *stage) { s.broken(t) }), works, with(held("misconfigured"), func(e *effects) {
			e.Logged = "ERROR destination misconfigured"
		})},
		{"asked to be left alone", nil, after(func(t *testing.T, s *stage) { s.slow(t) }), works, with(held("busy"), func(e *effects) {
			e.Holds = "worth a look, some held" // nothing is in flight whose end would say that there is room
		})},
		{"no room", nil, after(func(t *testing.T, s *stage) {
			s.to.Limits = destination.Limits{MaxInFlight: 1}
			change(t, s.fixture, s.to)
			t.Cleanup(s.underWay(t, t.Context()))
			t.Cleanup(s.up.unblock)
			s.accepted(t)
		}), works, held("busy")},
		{"asked for, and misconfigured", nil, after(func(t *testing.T, s *stage) {
			s.broken(t)
			s.sets(t, `next_trigger = 'send_now', next_by = 'me'`)
		}), works, with(held("misconfigured"), func(e *effects) {
			e.Row += ", send_now by me"
			e.Logged = "ERROR destination misconfigured"
			e.Holds = "some held, some asked for"
		})},
		{"its destination was deleted", nil, after(func(t *testing.T, s *stage) {
			exec(t, s.fixture, `UPDATE destinations SET deleted_at = now()`)
		}), works, with(held(""), func(e *effects) {
			e.Row, e.Holds = "cancelled destination_deleted, 0 of run 1, 0 made, not due", ""
		})},
		{"it has moved meanwhile", nil, after(func(t *testing.T, s *stage) { s.sets(t, `job_id = job_id + 1000`) }), func(t *testing.T, s *stage) {
			s.worked(t.Context(), s.jobID(t)-1000)
		}, effects{
			Row: "queued -, 0 of run 1, 0 made, due", Jobs: "old available and fenced out, one that is missing, work over",
		}},
	})
}

// A flood for a destination that cannot be used must not become a flood of lines.
func TestMisconfiguredIsSaidOnceInAWhile(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.broken(t)
	for range 5 {
		s.accepted(t)
	}
	if n := strings.Count(s.log.text(), "destination misconfigured"); n != 1 {
		t.Errorf("%d lines say that the destination is misconfigured, want 1:\n%s", n, s.log.text())
	}
}

// Nor must the deliveries that are already held, whose reason changes a part at a time.
func TestRenamedToMisconfiguredIsSaidOnceInAWhile(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.broken(t)
	s.accepted(t)
	for range 3 {
		exec(t, s.fixture, `UPDATE deliveries SET reason = 'busy'`)
		if err := s.transitions.rename(t.Context(), s.to, false, delivery.Busy, delivery.Misconfigured); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, s.fixture, `SELECT count(*) FROM deliveries WHERE reason = 'misconfigured'`); n != 1 {
		t.Fatalf("%d deliveries are held as misconfigured, want 1", n)
	}
	if n := strings.Count(s.log.text(), "destination misconfigured"); n != 1 {
		t.Errorf("%d lines say that the destination is misconfigured, want 1:\n%s", n, s.log.text())
	}
}
