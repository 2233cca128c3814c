package dispatch

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// What is accepted for a destination that cannot take it now is held from the
// start: past its share of the queue, and behind others that are held.
func TestBornHeld(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t) // its share of 16 workers is 8
	hook, other := f.webhook(t, newSink(t).URL), f.webhook(t, newSink(t).URL)
	born := func(what string, to destination.Destination, n, held int, r delivery.Reason) {
		t.Helper()
		ids := f.send(t, to, n)
		if got := count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = 'held'`, ids); got != held {
			t.Errorf("%s: %d of %d held, want %d", what, got, n, held)
		}
		if got := count(t, f, `
			SELECT count(*)
			FROM deliveries
			WHERE id = ANY($1) AND status = 'held' AND reason = $2 AND held_at IS NOT NULL AND job_id IS NULL`, ids, r); got != held {
			t.Errorf("%s: %d held %s, want %d", what, got, r, held)
		}
	}
	born("more than its share", hook, 20, 12, delivery.Busy)
	born("another", other, 5, 0, "")
	exec(t, f, `UPDATE deliveries SET status = 'cancelled', reason = 'by_person', job_id = NULL, due_at = NULL, finished_at = now() WHERE status = 'queued'`)
	born("behind others", hook, 3, 3, delivery.Busy)
	exec(t, f, `UPDATE deliveries SET priority = 4 WHERE status = 'held'`)
	born("behind re-sends in bulk", hook, 3, 0, "")
	exec(t, f, `UPDATE deliveries SET due_at = now() + interval '1 hour' WHERE status = 'queued'`)
	born("beside retries that are not due", hook, 8, 0, "")
	born("the share is full", hook, 1, 1, delivery.Busy)
	exec(t, f, `INSERT INTO destination_health (destination_id, slow_until) VALUES ($1, now() + interval '1 minute')`, other.ID)
	born("it asked to be left alone", other, 2, 2, delivery.Busy)
	exec(t, f, `UPDATE destination_health SET failures = 10, failing_since = now(), held_since = now(), next_probe_at = now()`)
	born("it keeps failing", other, 2, 2, delivery.Failing)
	setState(t, f, other, destination.Paused)
	born("it is paused", other, 2, 2, delivery.Paused)
}

// Who gets a slot although there is no room.
func TestUrgency(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for name, tt := range map[string]struct {
		d       delivery.Delivery
		probing uuid.UUID
		want    limiter.Urgency
	}{
		"by itself":           {delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}, uuid.Nil, limiter.Normal},
		"another probes":      {delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}, uuid.New(), limiter.Normal},
		"it probes":           {delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}, id, limiter.Probe},
		"sent now":            {delivery.Delivery{ID: id, NextTrigger: delivery.SendNow, Priority: delivery.First}, uuid.Nil, limiter.Manual},
		"re-sent":             {delivery.Delivery{ID: id, NextTrigger: delivery.Resend, Priority: delivery.First}, uuid.New(), limiter.Manual},
		"re-sent in bulk":     {delivery.Delivery{ID: id, NextTrigger: delivery.Resend, Priority: delivery.Bulk}, uuid.Nil, limiter.Normal},
		"sent now, and probe": {delivery.Delivery{ID: id, NextTrigger: delivery.SendNow}, id, limiter.Probe},
	} {
		out := &postgres.Outgoing{Delivery: tt.d}
		out.Health.Probing = tt.probing
		if got := urgencyOf(out); got != tt.want {
			t.Errorf("%s: urgency %d, want %d", name, got, tt.want)
		}
	}
}

// What was cancelled while it waited for a slot is not sent, and gives the slot
// back.
func TestCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	to := newSink(t)
	hook := f.webhook(t, to.URL, limited(destination.Limits{MaxInFlight: 1}))
	v := f.wait(t, f.send(t, hook, 1)[0], is(delivery.Queued))
	out, err := f.executor.load(v.ID)
	if err != nil {
		t.Fatal(err)
	}
	j := job{id: v.JobID, deliveryID: v.ID, out: out, seen: time.Now().Add(-maxSnapshotAge - time.Millisecond)} // it has waited since
	if _, err := f.Cancel(t.Context(), v.ID, me); err != nil {
		t.Fatal(err)
	}
	f.occupy(t, hook.ID) // its turn
	if err := f.executor.workSlot(t.Context(), j, &slot{limiter: f.limiter, destinationID: hook.ID}); err != nil {
		t.Error(err)
	}
	f.wantNoneTaken(t)
	if came, _, _ := to.arrivals(); came != 0 {
		t.Errorf("%d came", came)
	}
}

// A panic on the way to a destination gives the slot back.
func TestPanicLeaksNoSlot(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Client = nil })
	id := f.send(t, f.webhook(t, "http://127.0.0.1:1/"), 1)[0]
	until(t, "it panicked", func() bool {
		return count(t, f, `SELECT count(*) FROM river_job WHERE state <> 'running' AND scheduled_at > created_at + interval '1 second'`) == 1
	})
	f.wantNoneTaken(t)
	if got := f.wait(t, id, is(delivery.Queued)); got.Made != 0 {
		t.Errorf("%d attempts, want none", got.Made)
	}
}

// Discard cancels what waits, whatever it waits for, and not what is in flight.
func TestDiscard(t *testing.T) {
	t.Parallel()
	f := start(t, patiently)
	to, other := newSink(t), newSink(t)
	hook := f.known(t, to, limited(destination.Limits{MaxInFlight: 3}))
	to.hang()
	quick := f.webhook(t, other.URL, func(d *destination.Destination) { d.State = destination.Paused })
	ids, kept := f.send(t, hook, 1200), f.send(t, quick, 5)
	until(t, "all but those in flight are held", func() bool { return f.heldFor(t, hook, delivery.Busy) == len(ids)-3 })
	var n int
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		var err error
		if _, err = tx.LockDestination(t.Context(), hook.ID); err != nil {
			return err
		}
		n, err = f.Discard(t.Context(), tx, hook.ID)
		return err
	})
	if err != nil || n != len(ids)-3 {
		t.Errorf("%d discarded, want %d: %v", n, len(ids)-3, err)
	}
	to.unblock()
	until(t, "those in flight are delivered", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE destination_id = $1 AND status = 'delivered'`, hook.ID) == 1+3
	})
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'cancelled' AND reason = 'by_person' AND attempts = 0`); n != len(ids)-3 {
		t.Errorf("%d cancelled, want %d", n, len(ids)-3)
	}
	f.waitAll(t, kept, delivery.Held)
	f.wantNoRepairs(t)
}

// A hold always says why, whatever happens to its destination meanwhile.
func TestHoldsAreRenamed(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
	want := func(r delivery.Reason) {
		t.Helper()
		f.soon(t, "held "+string(r), func() bool { return f.heldFor(t, hook, r) == len(ids) })
	}
	down.forget()
	want(delivery.Failing)
	f.turn(t, hook, destination.Paused)
	want(delivery.Paused)
	ids = append(ids, f.send(t, hook, 2)...)
	want(delivery.Paused)
	f.due(t, ids)
	f.dueProbe(t, hook)
	f.look(t)
	if came, _, _ := down.arrivals(); came != 0 {
		t.Errorf("%d probes while it is paused", came)
	}
	f.delayProbe(t, hook)
	f.turn(t, hook, destination.Active)
	want(delivery.Failing)
	exec(t, f, `UPDATE destinations SET settings = 'damaged'`)
	want(delivery.Misconfigured)
	change(t, f, hook)
	want(delivery.Failing)
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		return tx.DeleteDestination(t.Context(), hook.ID, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	f.soonAll(t, ids, delivery.Cancelled)
	if came, _, _ := down.arrivals(); came != 0 {
		t.Errorf("%d came", came)
	}
	f.wantNoRepairs(t)
}

// A process that only accepts sends nothing; one that is started later delivers
// what it has accepted.
func TestAPIOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	api := newDispatcher(t, db, together, func(c *Config) { c.Roles = []string{"api"} })
	api.run(t)
	to := newSink(t)
	ids := api.send(t, api.webhook(t, to.URL), 100)
	for range 3 {
		if _, err := api.db.FreeDueJobs(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if came, _, _ := to.arrivals(); came != 0 {
		t.Errorf("%d came", came)
	}
	newDispatcher(t, db, together).run(t)
	api.waitAll(t, ids, delivery.Delivered)
	to.wantOnce(t, ids)
}
