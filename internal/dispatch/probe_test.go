package dispatch

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/pgtest"
)

// Two replicas together let one held delivery try at a time, when it is time,
// each in turn; no other attempt is spent. The first ack ends it all.
func TestProbe(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f, g := newDispatcher(t, db, hourly, together), newDispatcher(t, db, hourly, together)
	f.run(t)
	g.run(t)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
	f.due(t, ids)
	down.forget()

	for n := 1; n <= 5; n++ {
		f.dueProbe(t, hook)
		g.Nudge() // at the same moment
		until(t, "a probe", func() bool { return f.health(t, hook).Probes == n })
		if h := f.health(t, hook); h.NextProbeAt.Before(time.Now().Add(4*time.Second)) || h.Probing != uuid.Nil {
			t.Errorf("after probe %d the next is at %s: %+v", n, h.NextProbeAt, h)
		}
		f.delayProbe(t, hook)
		if came, _, most := down.arrivals(); came != n || most != 1 {
			t.Errorf("after probe %d %d came, %d at once", n, came, most)
		}
	}
	down.wantOnce(t, ids[:5])
	f.waitAll(t, ids, delivery.Held)
	if n := count(t, f, `SELECT sum(attempts) FROM deliveries`); n != len(ids)+5 {
		t.Errorf("%d attempts charged, want %d", n, len(ids)+5)
	}
	more := f.send(t, hook, 100)
	down.answer(http.StatusOK)
	f.dueProbe(t, hook)
	f.soonAll(t, append(more, ids[5:]...), delivery.Delivered)
	f.waitAll(t, ids[:5], delivery.Retrying) // each waits for a time of its own
	f.wantNoRepairs(t)
	g.wantNoRepairs(t)
}

// A probe whose job is gone gets another, and counts as held all along.
func TestReconcileKeepsHeldAt(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	exec(t, f, `
		INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
		VALUES ($1, 10, now(), now(), now())`, hook.ID)
	id := f.send(t, hook, 1)[0]
	exec(t, f, `UPDATE deliveries SET held_at = date_trunc('hour', now()) - interval '71 hours', due_at = now() - interval '2 minutes'`)
	before := f.wait(t, id, is(delivery.Held))
	f.look(t)
	probing := f.wait(t, id, is(delivery.Queued))
	exec(t, f, `DELETE FROM river_job`)
	f.reconcileNow(t)
	after := f.wait(t, id, is(delivery.Queued))
	if !probing.HeldAt.Equal(before.HeldAt) || !after.HeldAt.Equal(before.HeldAt) {
		t.Errorf("held since %s, probing since %s, repaired since %s", before.HeldAt, probing.HeldAt, after.HeldAt)
	}
	if after.JobID == probing.JobID || f.metricValue(t, "belfry_repairs_total") != 1 {
		t.Errorf("job %d became %d", probing.JobID, after.JobID)
	}
}

// A probe that fails at a destination that was mended meanwhile waits for its
// retry like any other: it is held no longer.
func TestProbeFailsAtAMendedDestination(t *testing.T) {
	t.Parallel()
	f := start(t, hourly, patiently)
	to := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, to.URL)
	ids := f.makeFailing(t, hook)
	f.due(t, ids[:1])
	to.forget()
	to.hang() // whoever comes now gets its 503 later
	f.dueProbe(t, hook)
	until(t, "a probe", func() bool { came, _, _ := to.arrivals(); return came == 1 })
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = $1 AND status = 'retrying' AND held_at IS NOT NULL`, ids[0]); n != 1 {
		t.Error("what probes does not count as held")
	}
	to.pass().answer(http.StatusOK)
	if _, err := f.SendNow(t.Context(), ids[1], me); err != nil {
		t.Fatal(err)
	}
	f.wait(t, ids[1], is(delivery.Delivered))
	f.untilHolding(t, hook, false)
	to.unblock()
	got := f.wait(t, ids[0], func(d delivery.Delivery) bool { return d.Attempts == 2 })
	if got.Status != delivery.Retrying || !got.HeldAt.IsZero() || got.LastCode != http.StatusServiceUnavailable {
		t.Errorf("%s, held since %s, after a %d", got.Status, got.HeldAt, got.LastCode)
	}
	if h := f.health(t, hook); h.Holding() || h.Failures != 1 || h.Probes != 0 || h.Probing != uuid.Nil {
		t.Errorf("%+v", h)
	}
	f.wantNoRepairs(t)
}

// A probe that never comes back lets another go once its time is up.
func TestLostProbe(t *testing.T) {
	t.Parallel()
	f := start(t, hourly, patiently)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
	f.due(t, ids)
	down.forget()
	down.hang()
	f.dueProbe(t, hook)
	until(t, "a probe", func() bool { came, _, _ := down.arrivals(); return came == 1 })
	lost := f.health(t, hook)
	if lost.Probing != ids[0] || lost.ProbeUntil.Before(time.Now().Add(f.AttemptTimeout)) {
		t.Errorf("the lease is %+v", lost)
	}
	for range 3 { // nobody else goes while it is out
		f.look(t)
	}
	if came, _, _ := down.arrivals(); came != 1 {
		t.Errorf("%d came while one probes", came)
	}
	exec(t, f, `UPDATE destination_health SET probe_until = now() - interval '1 second'`)
	f.soon(t, "another probe", func() bool { came, _, _ := down.arrivals(); return came == 2 })
	if h := f.health(t, hook); h.Probing != ids[1] {
		t.Errorf("%s probes, want %s", h.Probing, ids[1])
	}
	down.unblock()
	f.waitAll(t, ids, delivery.Held)
}

// A probe needs no room: it goes although others have taken all that there is, and
// its destination is slow.
func TestProbeNeedsNoRoom(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
	f.due(t, ids)
	exec(t, f, `UPDATE deliveries SET held_at = now() - interval '71 hours'`)
	down.forget()
	f.learn(t, hook, time.Hour)
	f.occupyAll(t)
	f.dueProbe(t, hook)
	until(t, "a probe", func() bool { return f.health(t, hook).Probes == 1 })
	f.delayProbe(t, hook)
	f.soonAll(t, ids, delivery.Held)
	down.wantOnce(t, ids[:1])
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE held_at > now() - interval '1 hour'`); n != 0 {
		t.Errorf("%d count as held only since the probe", n)
	}
	if h := f.health(t, hook); h.Probing != uuid.Nil {
		t.Errorf("nobody else may probe until %s", h.ProbeUntil)
	}
}
