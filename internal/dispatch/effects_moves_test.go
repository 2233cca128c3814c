package dispatch

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// What holding, releasing, probing, cancelling, expiring and repairing do, in the
// background.
func TestEffectsOfUpkeep(t *testing.T) {
	t.Parallel()
	pin(t, []pinned{
		{"paused while it waits for its retry", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.sets(t, `status = 'retrying', attempts = 1, due_at = now() + interval '1 hour'`)
			s.paused(t)
		}, look, effects{
			Row: "held paused, 1 of run 1, 0 made, due later", Events: "destination",
		}},
		{"failing while it waits for its retry", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.sets(t, `status = 'retrying', attempts = 1, due_at = now() + interval '1 hour'`)
			s.failing(t, "1 hour")
			exec(t, s.fixture, `UPDATE destination_health SET announced = true`)
		}, look, effects{
			Row: "held failing, 1 of run 1, 0 made, due later", Events: "destination",
		}},
		{"held for another reason", nil, func(t *testing.T, s *stage) {
			s.paused(t)
			s.accepted(t)
			s.broken(t)
		}, look, effects{
			Row: "held misconfigured, 0 of run 1, 0 made, due", Events: "destination", Holds: "some held",
			Logged: "ERROR destination misconfigured",
		}},
		{"released", nil, func(t *testing.T, s *stage) {
			s.paused(t)
			s.accepted(t)
			setState(t, s.fixture, s.to, destination.Active)
		}, look, effects{
			Row: "queued -, 0 of run 1, 0 made, due", Events: "destination", Jobs: "new available", Holds: "some held",
		}},
		{"released, and its wait is not over", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.holds(t, delivery.Paused)
			s.sets(t, `attempts = 1, due_at = now() + interval '1 hour', priority = 2`)
		}, look, effects{
			Row: "retrying -, 1 of run 1, 0 made, due later, priority 2", Events: "destination", Jobs: "new scheduled",
			Holds: "some held",
		}},
		{"our side's wait is over", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.holds(t, delivery.OurSide)
			s.sets(t, `uncounted = 5, due_at = now()`)
		}, func(t *testing.T, s *stage) {
			if err := s.Dispatcher.holds.releaseOurSide(t.Context()); err != nil {
				t.Error(err)
			}
		}, effects{
			Row: "queued -, 0 of run 1, 0 made, due", Jobs: "new available", Events: "destination",
		}},
		{"let go to probe", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.holds(t, delivery.Failing)
			s.failing(t, "-1 second")
			exec(t, s.fixture, `UPDATE destination_health SET announced = true`)
		}, look, effects{
			Row: "queued -, 0 of run 1, 0 made, due, held all along", Events: "destination", Jobs: "new available",
		}},
		{"its destination was deleted", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			exec(t, s.fixture, `UPDATE destinations SET deleted_at = now()`)
		}, look, effects{
			Row: "cancelled destination_deleted, 0 of run 1, 0 made, not due", Events: "destination",
		}},
		{"discarded", nil, func(t *testing.T, s *stage) { s.accepted(t) }, func(t *testing.T, s *stage) {
			err := s.db.InTx(t.Context(), func(tx *postgres.Tx) error {
				n, err := s.Discard(t.Context(), tx, s.to.ID)
				if n != 1 {
					t.Errorf("%d discarded", n)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}, effects{
			Row: "cancelled by_person, 0 of run 1, 0 made, not due", Events: "destination",
		}},
		{"expired", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			s.holds(t, delivery.Failing)
			s.failing(t, "1 hour")
			s.sets(t, `held_at = now() - interval '73 hours'`)
		}, func(t *testing.T, s *stage) {
			if err := s.expire(t.Context()); err != nil {
				t.Error(err)
			}
		}, effects{
			Row: "failed expired, 0 of run 1, 0 made, not due", Events: "destination", Counted: "deliveries_failed_total expired +1, deliveries_finished_total failed +1",
			Logged: "ERROR delivery failed, status failed, reason expired",
		}},
		{"repaired", nil, func(t *testing.T, s *stage) {
			s.accepted(t)
			exec(t, s.fixture, `UPDATE river_job SET state = 'discarded', finalized_at = now()`)
			s.sets(t, `due_at = now() - interval '2 minutes'`)
		}, func(t *testing.T, s *stage) { s.reconcileNow(t) }, effects{
			Row: "queued -, 0 of run 1, 0 made, due", Events: "destination", Jobs: "new available", Counted: "repairs_total stuck_delivery +1",
			Logged: "ERROR stuck deliveries repaired, deliveries 1",
		}},
	})
}

// look is a round of the upkeep, and the releases that it finds worth a look.
func look(t *testing.T, s *stage) {
	t.Helper()
	s.look(t)
	for _, id := range s.limiter.TakeLooks() {
		if err := s.Dispatcher.holds.release(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

// What people ask for.
func TestEffectsOfPeople(t *testing.T) {
	t.Parallel()
	fails := func(t *testing.T, s *stage) { s.id = s.failed(t, s.to, 1)[0] }
	retries := func(t *testing.T, s *stage) {
		s.accepted(t)
		s.sets(t, `status = 'retrying', attempts = 1, due_at = now() + interval '1 hour', priority = 2`)
	}
	isPaused := func(t *testing.T, s *stage) {
		s.paused(t)
		s.accepted(t)
	}
	pin(t, []pinned{
		{"re-sent", nil, fails, resends, effects{
			Row: "queued -, 0 of run 2, 0 made, due, resend by me, 2 runs stored", Jobs: "new available", Events: "delivery queued -",
			Audited: "delivery.resend by me",
		}},
		{"re-sent twice", nil, func(t *testing.T, s *stage) { fails(t, s); resends(t, s) }, resends, effects{
			Row: "queued -, 0 of run 2, 0 made, due, resend by me, 2 runs stored", Jobs: "old available",
		}},
		{"re-sent while it is held", nil, isPaused, resends, effects{
			Row: "queued -, 0 of run 2, 0 made, due, resend by me, 2 runs stored", Jobs: "new available", Events: "delivery queued -",
			Audited: "delivery.resend by me", Holds: "some held",
		}},
		{"re-sent, and no room", nil, func(t *testing.T, s *stage) {
			fails(t, s)
			s.send(t, s.to, s.share())
		}, resends, effects{
			Row: "held busy, 0 of run 2, 0 made, due, resend by me, 2 runs stored", Events: "delivery held busy",
			Audited: "delivery.resend by me", Holds: "worth a look, some held, some asked for",
		}},
		{"re-sent, and misconfigured", nil, func(t *testing.T, s *stage) { fails(t, s); s.broken(t) }, resends, effects{
			Row: "held misconfigured, 0 of run 2, 0 made, due, resend by me, 2 runs stored", Events: "delivery held misconfigured",
			Audited: "delivery.resend by me", Holds: "worth a look, some held, some asked for",
			Logged: "ERROR destination misconfigured",
		}},
		{"sent now", nil, retries, sendsNow, effects{
			Row: "retrying -, 1 of run 1, 0 made, due, send_now by me", Jobs: "new available", Events: "delivery retrying -",
			Audited: "delivery.send_now by me",
		}},
		{"sent now while it is held", nil, isPaused, sendsNow, effects{
			Row: "queued -, 0 of run 1, 0 made, due, send_now by me", Jobs: "new available", Events: "delivery queued -",
			Audited: "delivery.send_now by me", Holds: "some held",
		}},
		{"cancelled", nil, retries, cancels, effects{
			Row: "cancelled by_person, 1 of run 1, 0 made, not due, priority 2", Events: "delivery cancelled by_person",
			Audited: "delivery.cancel by me",
		}},
		{"cancelled while it is held", nil, isPaused, cancels, effects{
			Row: "cancelled by_person, 0 of run 1, 0 made, not due", Events: "delivery cancelled by_person",
			Audited: "delivery.cancel by me", Holds: "some held",
		}},
		{"sent to another destination", nil, func(*testing.T, *stage) {}, sendsTo, effects{
			Row: "queued -, 0 of run 1, 0 made, due", Jobs: "new available", Events: "delivery queued -", Audited: "alert.send by me",
		}},
		{"sent to another destination that is paused", nil, func(t *testing.T, s *stage) { s.paused(t) }, sendsTo, effects{
			Row: "held paused, 0 of run 1, 0 made, due", Events: "delivery held paused", Audited: "alert.send by me",
			Holds: "worth a look, some held",
		}},
	})
}

func resends(t *testing.T, s *stage) {
	t.Helper()
	if _, err := s.Resend(t.Context(), s.id, 0, false, me); err != nil {
		t.Error(err)
	}
}

func sendsNow(t *testing.T, s *stage) {
	t.Helper()
	if _, err := s.SendNow(t.Context(), s.id, me); err != nil {
		t.Error(err)
	}
}

func cancels(t *testing.T, s *stage) {
	t.Helper()
	if _, err := s.Cancel(t.Context(), s.id, me); err != nil {
		t.Error(err)
	}
}

// sendsTo sends an alert that went to another destination.
func sendsTo(t *testing.T, s *stage) {
	t.Helper()
	other := s.webhook(t, s.up.URL)
	a := s.accept(t, `{"id":"x","severity":"LOW","type":"RULE","destinations":["`+other.ID.String()+`"]}`)
	s.mark(t)
	views, err := s.SendTo(t.Context(), a.Alert.AlertID, []uuid.UUID{s.to.ID}, me)
	if err != nil {
		t.Fatal(err)
	}
	s.id = views[0].ID
}

// Nothing is told of a change that is not committed.
func TestNoEffectsWithoutCommit(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.id = s.failed(t, s.to, 1)[0]
	s.broken(t)
	exec(t, s.fixture, `
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
		CREATE TRIGGER refuse BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION refuse()`)
	s.mark(t)
	if _, err := s.Resend(t.Context(), s.id, 0, false, me); err == nil {
		t.Error("it was re-sent")
	}
	if diff := gocmp.Diff(effects{Row: "failed attempts_exhausted, 0 of run 1, 0 made, not due"}, s.effects(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What the turn of a delivery in a bulk re-send does.
func TestEffectsOfBulkResends(t *testing.T) {
	t.Parallel()
	ordered := func(given func(*testing.T, *stage)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.id = s.failed(t, s.to, 1)[0]
			given(t, s)
			s.order(t, BulkOrder{})
		}
	}
	step := func(t *testing.T, s *stage) {
		until(t, "it had its turn", func() bool {
			if err := s.stepBulks(t.Context()); err != nil {
				t.Fatal(err)
			}
			return count(t, s.fixture, `SELECT resent FROM bulk_resends`) == 1
		})
	}
	held := func(reason string) effects {
		return effects{
			Row: "held " + reason + ", 0 of run 2, 0 made, due, resend by me, priority 4, 2 runs stored", Events: "destination, bulk_resend",
			Holds: "worth a look, some held",
		}
	}
	pin(t, []pinned{
		{"it may go", nil, ordered(func(*testing.T, *stage) {}), step, held("busy")},
		{"paused", nil, ordered(func(t *testing.T, s *stage) { s.paused(t) }), step, held("paused")},
		{"failing", nil, ordered(func(t *testing.T, s *stage) { s.failing(t, "1 hour") }), step, held("failing")},
		{"misconfigured", nil, ordered(func(t *testing.T, s *stage) { s.broken(t) }), step, with(held("misconfigured"), func(e *effects) {
			e.Logged = "ERROR destination misconfigured"
		})},
	})
}
