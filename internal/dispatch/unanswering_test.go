package dispatch

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// hourly are waits that do not pass by themselves.
var hourly = waits(time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour)

func (f *fixture) health(t testing.TB, to destination.Destination) delivery.Health {
	t.Helper()
	found, err := f.db.Healths(t.Context(), []uuid.UUID{to.ID})
	if err != nil {
		t.Fatal(err)
	}
	return found[to.ID]
}

func (f *fixture) untilAnswering(t testing.TB, to destination.Destination, want bool) {
	t.Helper()
	what := "answering"
	if !want {
		what = "not answering"
	}
	until(t, what, func() bool { return f.health(t, to).Answering() == want })
}

// fails lets so many deliveries fail, once each.
func (f *fixture) fails(t testing.TB, to destination.Destination, n int) []uuid.UUID {
	t.Helper()
	ids := f.send(t, to, n)
	until(t, "each tried once", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND made = 1`, ids) == n
	})
	return ids
}

// trip makes a destination that fails one that does not answer, and puts its
// probes off. It returns the deliveries that it took, which are all held and
// wait for another hour.
func (f *fixture) trip(t testing.TB, to destination.Destination) []uuid.UUID {
	t.Helper()
	ids := append(f.fails(t, to, 1), f.fails(t, to, 9)...)
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '31 seconds' WHERE destination_id = $1`, to.ID)
	ids = append(ids, f.fails(t, to, 1)...)
	f.untilAnswering(t, to, false)
	f.delayProbe(t, to)
	f.soonAll(t, ids, delivery.Held)
	return ids
}

// delayProbe lets nobody probe for an hour, dueProbe lets one try now.
func (f *fixture) delayProbe(t testing.TB, to destination.Destination) {
	t.Helper()
	exec(t, f, `UPDATE destination_health SET next_probe_at = now() + interval '1 hour' WHERE destination_id = $1 AND not_answering_since IS NOT NULL`, to.ID)
}

func (f *fixture) dueProbe(t testing.TB, to destination.Destination) {
	t.Helper()
	exec(t, f, `UPDATE destination_health SET next_probe_at = now() - interval '1 second' WHERE destination_id = $1 AND not_answering_since IS NOT NULL`, to.ID)
	f.Nudge()
}

// due lets the waits of deliveries be over, in their order.
func (f *fixture) due(t testing.TB, ids []uuid.UUID) {
	t.Helper()
	exec(t, f, `
		UPDATE deliveries
		SET due_at = now() - interval '1 minute' + array_position($1::uuid[], id) * interval '1 second'
		WHERE id = ANY($1) AND due_at IS NOT NULL`, ids)
}

// Many failures, of several deliveries, over a while: then it does not answer,
// what waits for it is held, and so is what comes.
func TestNotAnswering(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.fails(t, hook, 12)
	if h := f.health(t, hook); !h.Answering() || h.Failures != 12 || len(h.FailedDeliveries) != 3 || h.LastCode != 503 {
		t.Errorf("after 12 failures at once: %+v", h)
	}
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '31 seconds'`)
	ids = append(ids, f.fails(t, hook, 1)...)
	f.untilAnswering(t, hook, false)
	f.soonAll(t, ids, delivery.Held)
	if n := f.heldFor(t, hook, delivery.NotAnswering); n != len(ids) {
		t.Errorf("%d held, want %d", n, len(ids))
	}
	born := f.accept(t, anAlert).Deliveries[0]
	if born.Status != delivery.Held || born.Reason != delivery.NotAnswering || born.JobID != 0 || born.HeldAt.IsZero() {
		t.Errorf("born %s %s with job %d, held since %s", born.Status, born.Reason, born.JobID, born.HeldAt)
	}
	down.wantOnce(t, ids)
	f.wantNoRepairs(t)
}

// One alert that a destination cannot digest, however often it fails, says
// nothing of the destination.
func TestOneBadAlertIsNotDown(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusInternalServerError)
	hook := f.webhook(t, down.URL)
	ids := f.fails(t, hook, 2)
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '1 day'`)
	for n := 2; n <= 10; n++ {
		for _, id := range ids {
			if _, err := f.SendNow(t.Context(), id, me); err != nil {
				t.Fatal(err)
			}
			f.wait(t, id, func(d delivery.Delivery) bool { return d.Attempts == n })
		}
	}
	if h := f.health(t, hook); !h.Answering() || h.Failures != 20 {
		t.Errorf("%+v", h)
	}
}

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
	ids := f.trip(t, hook)
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

// What a person asks for goes out all the same, and a test too. Neither shows
// that the destination is down, nor takes the turn of a probe.
func TestNotAnsweringAndPeople(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.trip(t, hook)
	before := f.health(t, hook)
	down.forget()

	a, _, err := f.Test(t.Context(), hook, alert.Low, alert.Rule, me)
	if err != nil || a.StatusCode != 503 {
		t.Errorf("test: %d, %v", a.StatusCode, err)
	}
	if diff := cmp.Diff(before, f.health(t, hook)); diff != "" {
		t.Errorf("a test changed it (-want +got)\n%s", diff)
	}
	if _, err := f.SendNow(t.Context(), ids[0], me); err != nil {
		t.Fatal(err)
	}
	got := f.wait(t, ids[0], func(d delivery.Delivery) bool { return d.Status == delivery.Held && d.Attempts == 2 })
	if got.Reason != delivery.NotAnswering || got.NextTrigger != delivery.Automatic {
		t.Errorf("sent now: %+v", got.Delivery)
	}
	if _, err := f.Resend(t.Context(), ids[1], 0, false, me); err != nil {
		t.Fatal(err)
	}
	f.wait(t, ids[1], func(d delivery.Delivery) bool { return d.Status == delivery.Held && d.Attempts == 1 && d.Run == 2 })
	if came, _, _ := down.arrivals(); came != 3 {
		t.Errorf("%d came, want 3", came)
	}
	h := f.health(t, hook)
	if h.Probes != 0 || !h.NextProbeAt.Equal(before.NextProbeAt) || h.Failures != before.Failures+2 {
		t.Errorf("%+v", h)
	}
	down.answer(http.StatusOK)
	if _, err := f.SendNow(t.Context(), ids[2], me); err != nil {
		t.Fatal(err)
	}
	f.wait(t, ids[2], is(delivery.Delivered))
	f.untilAnswering(t, hook, true)
	f.soonAll(t, append(ids[:2:2], ids[3:]...), delivery.Retrying)
	f.wantNoRepairs(t)
}

// Held for too long it fails, but only for not answering, and only while that is
// so.
func TestExpire(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.trip(t, hook)
	exec(t, f, `UPDATE deliveries SET held_at = now() - interval '72 hours' - interval '1 second' WHERE id = ANY($1)`, ids[:3])
	exec(t, f, `UPDATE deliveries SET held_at = now() - interval '72 hours' + interval '1 minute' WHERE id = ANY($1)`, ids[3:])
	if err := f.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids[:3], delivery.Failed)
	f.waitAll(t, ids[3:], delivery.Held)
	if got := f.wait(t, ids[0], is(delivery.Failed)); got.Reason != delivery.Expired || got.Attempts != 1 {
		t.Errorf("%+v", got.Delivery)
	}
	// A probe in between does not begin the time anew.
	f.due(t, ids[3:4])
	f.dueProbe(t, hook)
	until(t, "a probe", func() bool { return f.health(t, hook).Probes == 1 })
	f.delayProbe(t, hook)
	exec(t, f, `UPDATE deliveries SET held_at = held_at - interval '2 minutes' WHERE id = $1`, ids[3])
	if err := f.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wait(t, ids[3], is(delivery.Failed))
}

func TestExpireOnlyWhatIsNotAnswered(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 4)
	setState(t, f, hook, destination.Active)
	exec(t, f, `
		INSERT INTO destination_health (destination_id, failures, failing_since, not_answering_since, next_probe_at)
		VALUES ($1, 10, now(), now(), now() + interval '1 hour')`, hook.ID)
	for i, r := range []delivery.Reason{delivery.Paused, delivery.Busy, delivery.Misconfigured, delivery.NotAnswering} {
		exec(t, f, `UPDATE deliveries SET reason = $2, held_at = now() - interval '1 year' WHERE id = $1`, ids[i], r)
	}
	if err := f.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids[:3], delivery.Held)
	f.waitAll(t, ids[3:], delivery.Failed)
}

// What was held for a destination that did not answer expires only while that is
// what holds it, although nobody has renamed or released it yet.
func TestExpireOnlyWhileItDoesNotAnswer(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	const well = `UPDATE destination_health SET failures = 0, failing_since = NULL, not_answering_since = NULL, next_probe_at = NULL`
	for name, tt := range map[string]struct {
		change string
		want   delivery.Status
	}{
		"still":                {`SELECT 1`, delivery.Failed},
		"it answers":           {well + ` WHERE destination_id = $1`, delivery.Held},
		"it was never tried":   {`DELETE FROM destination_health WHERE destination_id = $1`, delivery.Held},
		"it is paused":         {`UPDATE destinations SET state = 'paused' WHERE id = $1`, delivery.Held},
		"it is deleted":        {`UPDATE destinations SET deleted_at = now() WHERE id = $1`, delivery.Held},
		"it is not to be held": {`UPDATE destinations SET hold_not_answering = false WHERE id = $1`, delivery.Held},
	} {
		hook := f.webhook(t, newSink(t).URL)
		exec(t, f, `
			INSERT INTO destination_health (destination_id, failures, failing_since, not_answering_since, next_probe_at)
			VALUES ($1, 10, now(), now(), now() + interval '1 hour')`, hook.ID)
		ids := f.send(t, hook, 3)
		exec(t, f, `UPDATE deliveries SET held_at = now() - interval '73 hours' WHERE id = ANY($1)`, ids)
		if tt.change != `SELECT 1` {
			exec(t, f, tt.change, hook.ID)
		}
		if err := f.expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = $2`, ids, tt.want); n != len(ids) {
			t.Errorf("%s: %d of %d are %s", name, n, len(ids), tt.want)
		}
	}
}

// A probe whose job is gone gets another, and counts as held all along.
func TestReconcileKeepsHeldAt(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	exec(t, f, `
		INSERT INTO destination_health (destination_id, failures, failing_since, not_answering_since, next_probe_at)
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
	ids := f.trip(t, hook)
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
	f.untilAnswering(t, hook, true)
	to.unblock()
	got := f.wait(t, ids[0], func(d delivery.Delivery) bool { return d.Attempts == 2 })
	if got.Status != delivery.Retrying || !got.HeldAt.IsZero() || got.LastCode != http.StatusServiceUnavailable {
		t.Errorf("%s, held since %s, after a %d", got.Status, got.HeldAt, got.LastCode)
	}
	if h := f.health(t, hook); !h.Answering() || h.Failures != 1 || h.Probes != 0 || h.Probing != uuid.Nil {
		t.Errorf("%+v", h)
	}
	f.wantNoRepairs(t)
}

// What two replicas sum up, at the same time and for the same destinations, is
// what they have counted: no test, and nothing that was cancelled meanwhile.
func TestStatsOfTwoReplicas(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db, hourly, together, patiently, workers(128)).ready(t)
	g := newDispatcher(t, db, hourly, together, patiently, workers(128)).ready(t)
	to := newSink(t).hang()
	hooks := []destination.Destination{f.webhook(t, to.URL), f.webhook(t, to.URL)}
	var all sync.WaitGroup
	sends := func(n int) {
		t.Helper()
		_, already, _ := to.arrivals()
		for i, id := range append(f.send(t, hooks[0], n), g.send(t, hooks[1], n)...) {
			by := []*fixture{f, g}[i%2]
			by.slots.learn(hooks[i/n].ID, quickly)
			v := f.wait(t, id, is(delivery.Queued))
			all.Go(func() { _ = by.work(context.Background(), v.JobID, id) }) // snoozes, mostly
		}
		until(t, "all are there", func() bool { _, present, _ := to.arrivals(); return present == already+2*n })
	}
	sends(10)
	to.answer(http.StatusServiceUnavailable)
	sends(6)
	came := to.ids()
	for _, id := range []string{came[0], came[len(came)-1]} {
		if _, err := f.Cancel(t.Context(), uuid.MustParse(id), me); err != nil {
			t.Fatal(err)
		}
	}
	to.unblock()
	if _, _, err := g.Test(t.Context(), hooks[0], alert.Low, alert.Rule, me); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if n, m := f.metricValue(t, "belfry_attempts_total"), g.metricValue(t, "belfry_attempts_total"); n != 16 || m != 16 {
		t.Errorf("%v and %v attempts, want 16 each", n, m)
	}
	var total delivery.Stats
	for _, h := range hooks {
		stats, err := f.db.Stats(t.Context(), []uuid.UUID{h.ID}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		got, timed := delivery.Sum(stats[h.ID], time.Time{}), 0
		for _, n := range got.Durations {
			timed += int(n)
		}
		const counted = `SELECT count(*) FROM attempts WHERE destination_id = $1 AND counted AND trigger <> 'test' AND (class = 'acked') = $2`
		acked, failed := count(t, f, counted, h.ID, true), count(t, f, counted, h.ID, false)
		if got.Acked != acked || got.Failed != failed || timed != acked+failed {
			t.Errorf("sums are %d acked, %d failed, %d timed; want %d, %d and all", got.Acked, got.Failed, timed, acked, failed)
		}
		total = delivery.Sum([]delivery.Stats{total, got}, time.Time{})
	}
	if total.Acked != 2*10-1 || total.Failed != 2*6-1 {
		t.Errorf("%d acked and %d failed, want 19 and 11", total.Acked, total.Failed)
	}
}

// Whoever does not want it has nothing held, and who no longer wants it has it
// released.
func TestHoldNotAnsweringIsASetting(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	limits := destination.DefaultLimits()
	limits.HoldNotAnswering = false
	never := f.webhook(t, down.URL, limited(limits))
	f.fails(t, never, 20)
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '1 day'`)
	f.fails(t, never, 5)
	if h := f.health(t, never); !h.Answering() || h.Failures != 25 {
		t.Errorf("%+v", h)
	}
	until(t, "all wait for a retry", func() bool { return count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'retrying'`) == 25 })

	hook := f.webhook(t, down.URL)
	ids := f.trip(t, hook)
	hook.Limits.HoldNotAnswering = false
	change(t, f, hook)
	f.soonAll(t, ids, delivery.Retrying)
	if h := f.health(t, hook); !h.Answering() || h.Failures != 0 {
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
	ids := f.trip(t, hook)
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
	ids := f.trip(t, hook)
	f.due(t, ids)
	exec(t, f, `UPDATE deliveries SET held_at = now() - interval '71 hours'`)
	down.forget()
	f.slots.learn(hook.ID, time.Hour)
	f.slots.fill(0)
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
