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

func (f *fixture) untilHolding(t testing.TB, to destination.Destination, want bool) {
	t.Helper()
	what := "its deliveries are held"
	if !want {
		what = "its deliveries are not held"
	}
	until(t, what, func() bool { return f.health(t, to).Holding() == want })
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

// makeFailing makes a destination that fails one that keeps failing, and puts its
// probes off. It returns the deliveries that it took, which are all held and
// wait for another hour.
func (f *fixture) makeFailing(t testing.TB, to destination.Destination) []uuid.UUID {
	t.Helper()
	ids := append(f.fails(t, to, 1), f.fails(t, to, 9)...)
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '31 seconds' WHERE destination_id = $1`, to.ID)
	ids = append(ids, f.fails(t, to, 1)...)
	f.untilHolding(t, to, true)
	f.delayProbe(t, to)
	f.soonAll(t, ids, delivery.Held)
	return ids
}

// delayProbe lets nobody probe for an hour, dueProbe lets one try now.
func (f *fixture) delayProbe(t testing.TB, to destination.Destination) {
	t.Helper()
	exec(t, f, `UPDATE destination_health SET next_probe_at = now() + interval '1 hour' WHERE destination_id = $1 AND held_since IS NOT NULL`, to.ID)
}

func (f *fixture) dueProbe(t testing.TB, to destination.Destination) {
	t.Helper()
	exec(t, f, `UPDATE destination_health SET next_probe_at = now() - interval '1 second' WHERE destination_id = $1 AND held_since IS NOT NULL`, to.ID)
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

// Many failures, of several deliveries, over a while: then it keeps failing,
// what waits for it is held, and so is what comes.
func TestFailing(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.fails(t, hook, 12)
	if h := f.health(t, hook); h.Holding() || h.Failures != 12 || len(h.FailedDeliveries) != 3 || h.LastCode != 503 {
		t.Errorf("after 12 failures at once: %+v", h)
	}
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '31 seconds'`)
	ids = append(ids, f.fails(t, hook, 1)...)
	f.untilHolding(t, hook, true)
	f.soonAll(t, ids, delivery.Held)
	if n := f.heldFor(t, hook, delivery.Failing); n != len(ids) {
		t.Errorf("%d held, want %d", n, len(ids))
	}
	born := f.accept(t, anAlert).Deliveries[0]
	if born.Status != delivery.Held || born.Reason != delivery.Failing || born.JobID != 0 || born.HeldAt.IsZero() {
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
	if h := f.health(t, hook); h.Holding() || h.Failures != 20 {
		t.Errorf("%+v", h)
	}
}

// What a person asks for goes out all the same, and a test too. Neither shows
// that the destination is down, nor takes the turn of a probe.
func TestFailingAndPeople(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
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
	if got.Reason != delivery.Failing || got.NextTrigger != delivery.Automatic {
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
	f.untilHolding(t, hook, false)
	f.soonAll(t, append(ids[:2:2], ids[3:]...), delivery.Retrying)
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
			by.learn(t, hooks[i/n], quickly)
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
func TestHoldFailingIsASetting(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	limits := destination.DefaultLimits()
	limits.HoldFailing = false
	never := f.webhook(t, down.URL, limited(limits))
	f.fails(t, never, 20)
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '1 day'`)
	f.fails(t, never, 5)
	if h := f.health(t, never); h.Holding() || h.Failures != 25 {
		t.Errorf("%+v", h)
	}
	until(t, "all wait for a retry", func() bool { return count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'retrying'`) == 25 })

	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
	hook.Limits.HoldFailing = false
	change(t, f, hook)
	f.soonAll(t, ids, delivery.Retrying)
	if h := f.health(t, hook); h.Holding() || h.Failures != 0 {
		t.Errorf("%+v", h)
	}
	f.wantNoRepairs(t)
}
