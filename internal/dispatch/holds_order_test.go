package dispatch

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/pgtest"
)

// Whoever decides tells the same reason: of a destination that is paused, not
// failing and misconfigured at once, each delivery is held as misconfigured, and
// once that is mended as paused, wherever it comes from.
func TestOneOrderOfReasons(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour), func(c *Config) { c.Workers = 4 })
	down := newSink(t).answer(503)
	hook, other := f.webhook(t, down.URL), f.webhook(t, newSink(t).URL)
	retrying := f.send(t, hook, 1)[0]
	f.wait(t, retrying, is(delivery.Retrying))
	final := f.send(t, hook, 1)[0]
	f.wait(t, final, is(delivery.Retrying))
	if _, err := f.Cancel(t.Context(), final, By{Name: "me"}); err != nil {
		t.Fatal(err)
	}
	accepted := f.accept(t, `{"id":"x","severity":"LOW","type":"RULE","destinations":["`+other.ID.String()+`"]}`)
	f.loops.stop() // from here on each decides by itself

	hook.State = destination.Paused
	for _, want := range []delivery.Reason{delivery.Misconfigured, delivery.Paused} {
		change(t, f, hook)
		exec(t, f, `INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
			VALUES ($1, 10, now(), now(), now())
			ON CONFLICT (destination_id) DO UPDATE SET failures = 10, failing_since = now(), held_since = now(), next_probe_at = now()`, hook.ID)
		if want == delivery.Misconfigured {
			exec(t, f, `UPDATE destinations SET settings = 'damaged' WHERE id = $1`, hook.ID)
		}
		reason := func(what string, id uuid.UUID) {
			t.Helper()
			v := f.wait(t, id, is(delivery.Held))
			if v.Reason != want {
				t.Errorf("%s: held as %q, want %q", what, v.Reason, want)
			}
		}
		reason("accepted", f.send(t, hook, 1)[0])
		if want == delivery.Misconfigured { // the alert goes there once
			views, err := f.SendTo(t.Context(), accepted.Alert.AlertID, []uuid.UUID{hook.ID}, By{Name: "me"})
			if err != nil {
				t.Fatal(err)
			}
			reason("sent by hand", views[0].ID)
			exec(t, f, `UPDATE deliveries SET status = 'cancelled', reason = 'by_person', due_at = NULL, finished_at = now(), held_at = NULL WHERE id = $1`, views[0].ID)
		}
		if err := f.holdWaiting(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		reason("waiting for its retry", retrying)
		exec(t, f, `UPDATE deliveries SET reason = 'busy' WHERE status = 'held'`)
		if err := f.holds.review(t.Context()); err != nil {
			t.Fatal(err)
		}
		reason("held for another reason", retrying)
		if err := f.holds.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		reason("nothing is released", retrying)
		order, err := f.StartBulk(t.Context(), f.db, BulkOrder{DeliveryIDs: []uuid.UUID{final}, PerSecond: 1000}, By{Name: "me"})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it had its turn", func() bool {
			if err := f.stepBulk(t.Context(), order.ID); err != nil {
				t.Fatal(err)
			}
			return f.bulk(t, order.ID).Resent == 1
		})
		reason("re-sent in bulk", final)
		if _, err := f.Cancel(t.Context(), final, By{Name: "me"}); err != nil {
			t.Fatal(err)
		}
		exec(t, f, `UPDATE deliveries SET status = 'retrying', reason = NULL, held_at = NULL,
			job_id = nextval(pg_get_serial_sequence('river_job', 'id')) WHERE id = $1`, retrying)
	}
}

// A release that is rolled back changes nothing of what is believed: what is held is
// looked at again as soon as there is room, and not when somebody stumbles over it.
func TestReleaseThatIsRolledBackForgetsNothing(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	f.learn(t, hook, quickly) // there is room for both
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 2)
	exec(t, f, `UPDATE deliveries SET next_trigger = 'send_now', next_by = 'me' WHERE id = $1`, ids[0])
	f.limiter.NoteHeld(hook.ID, limiter.Held{Ahead: true, Manual: true})
	setState(t, f, hook, destination.Active)
	f.limiter.TakeLooks()

	exec(t, f, `ALTER TABLE river_job ADD CONSTRAINT none CHECK (false) NOT VALID`)
	if err := f.Dispatcher.holds.release(t.Context(), hook.ID); err == nil {
		t.Fatal("it was not rolled back")
	}
	exec(t, f, `ALTER TABLE river_job DROP CONSTRAINT none`)
	if f.limiter.Freed(hook.ID); len(f.limiter.TakeLooks()) != 1 || !f.limiter.HasManual(hook.ID) {
		t.Error("what is held is forgotten")
	}
	if err := f.Dispatcher.holds.release(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids, delivery.Queued)
	if f.limiter.HasManual(hook.ID) {
		t.Error("what a person asked for is believed to be held still")
	}
}

// A process that only accepts releases nothing: what is held must not fill its memory,
// destination by destination.
func TestWhoReleasesNothingNotesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		roles []string
		looks int
	}{"a worker": {[]string{"api", "worker"}, 1}, "no worker": {[]string{"api"}, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newDispatcher(t, pgtest.New(t), func(c *Config) { c.Roles = tt.roles })
			hook := f.webhook(t, "http://127.0.0.1:1/")
			setState(t, f, hook, destination.Paused)
			f.wait(t, f.send(t, hook, 1)[0], is(delivery.Held))
			if got := len(f.limiter.TakeLooks()); got != tt.looks {
				t.Errorf("%d destinations are to be looked at, want %d", got, tt.looks)
			}
			if f.limiter.Freed(hook.ID); len(f.limiter.TakeLooks()) != tt.looks {
				t.Errorf("what is held is remembered, or not: want %d", tt.looks)
			}
		})
	}
}
