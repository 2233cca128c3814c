package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// A destination that hangs gets as many requests as it may have at once, and no
// more. What else is for it waits without a job, in nobody's way, and goes out
// once it answers.
func TestHangingDestination(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, workers(32))
	down, up := newSink(t), newSink(t)
	slow := f.known(t, down, limited(destination.Limits{MaxInFlight: 4}))
	quick := f.known(t, up)
	down.hang()
	waiting := f.send(t, slow, 200)
	until(t, "all but those in flight are held", func() bool { return f.heldFor(t, slow, delivery.Busy) == 196 })
	made := f.jobsMade(t)

	others := f.send(t, quick, 50)
	f.waitAll(t, others, delivery.Delivered)
	if came, present, _ := down.arrivals(); came != 4 || present != 4 {
		t.Errorf("%d requests came, %d are there, want 4 that are", came, present)
	}
	if n := f.jobsMade(t) - made; n > 150 {
		t.Errorf("%d jobs made for 50 deliveries: what is held must not go round in circles", n)
	}

	down.unblock()
	f.waitAll(t, waiting, delivery.Delivered)
	if _, _, most := down.arrivals(); most > 4 {
		t.Errorf("%d requests at once, want at most 4", most)
	}
	down.wantOnce(t, waiting)
	up.wantOnce(t, others)
	if n := count(t, f, `SELECT count(*) FROM attempts`); n != 252 {
		t.Errorf("%d attempts, want one for each", n)
	}
	f.wantNoRepairs(t)
}

// A destination that hangs, and of which nothing is known, gets one request for
// each 24 workers and no more.
func TestHangingUnknownDestination(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, workers(128))
	down := newSink(t).hang()
	ids := f.send(t, f.webhook(t, down.URL), 100)
	until(t, "five are there", func() bool { _, present, _ := down.arrivals(); return present == 5 })
	until(t, "the others are held", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'held' AND reason = 'busy'`) == 95
	})
	for range 3 {
		f.look(t)
	}
	if _, _, most := down.arrivals(); most != 5 {
		t.Errorf("%d at once, want 5", most)
	}
	down.unblock()
	f.waitAll(t, ids, delivery.Delivered)
	down.wantOnce(t, ids)
	f.wantNoRepairs(t)
}

// However many destinations hang that nobody knows, some workers are left for the
// one that is known to answer.
func TestManyHangingDestinations(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, workers(32))
	down, up := newSink(t).hang(), newSink(t)
	quick := f.known(t, up)
	for range 40 {
		f.send(t, f.webhook(t, down.URL), 5)
	}
	until(t, "as many hang as may", func() bool { _, present, _ := down.arrivals(); return present == 30 })
	others := f.send(t, quick, 50)
	f.waitAll(t, others, delivery.Delivered)
	up.wantOnce(t, others)
	if _, _, most := down.arrivals(); most != 30 {
		t.Errorf("%d of 32 workers hung, want at most 30", most)
	}
	down.unblock()
	until(t, "all delivered", func() bool { return count(t, f, `SELECT count(*) FROM deliveries WHERE status <> 'delivered'`) == 0 })
	if n := count(t, f, `SELECT count(*) FROM attempts`); n != 251 {
		t.Errorf("%d attempts, want one for each", n)
	}
	f.wantNoRepairs(t)
}

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
	exec(t, f, `UPDATE destination_health SET failures = 10, failing_since = now(), not_answering_since = now(), next_probe_at = now()`)
	born("it does not answer", other, 2, 2, delivery.NotAnswering)
	setState(t, f, other, destination.Paused)
	born("it is paused", other, 2, 2, delivery.Paused)
}

// A look is worth it for whom there is room: what is only noted waits for that.
func TestHolding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, id, other := newHolding(), laneID(1), laneID(2)
		want := func(what string, want ...uuid.UUID) {
			t.Helper()
			synctest.Wait()
			awake := false
			select {
			case <-h.wake:
				awake = true
			default:
			}
			if got := h.take(); !slices.Equal(got, want) || awake != (len(want) > 0) {
				t.Errorf("%s: awake %t, to be looked at %v, want %v", what, awake, got, want)
			}
		}
		h.freed(id)
		want("nothing is held")
		h.note(id)
		want("noted")
		h.freed(other)
		want("there is room at another")
		h.freed(id)
		want("there is room", id)
		want("it has been looked at")
		h.add(other)
		h.add(id)
		h.add(other)
		want("added", id, other)
		h.empty(id)
		h.freed(id)
		want("nothing is held any more")
		h.lookIn(id, time.Second)
		h.lookIn(id, time.Millisecond)
		time.Sleep(time.Second - 1)
		want("not yet")
		time.Sleep(time.Nanosecond)
		want("in time", id)
		time.Sleep(time.Hour)
		want("once")
		h.lookIn(id, 0)
		want("and again", id)
	})
}

// What finds no slot is noted, and does not wake the release: it would come back
// at once, and go round in circles.
func TestParkWakesNobody(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	ids := f.send(t, hook, 2)
	f.slots.take(t.Context(), hook.ID, hook.Limits, probe)
	f.slots.take(t.Context(), hook.ID, hook.Limits, probe)
	v := f.wait(t, ids[0], is(delivery.Queued))
	if err := f.work(t.Context(), v.JobID, v.ID); err != nil {
		t.Fatal(err)
	}
	if got := f.wait(t, ids[0], is(delivery.Held)); got.Reason != delivery.Busy || got.JobID != 0 {
		t.Errorf("held %s with job %d", got.Reason, got.JobID)
	}
	if due := f.held.take(); len(due) != 0 {
		t.Errorf("%v is looked at", due)
	}
	f.freed(hook.ID)
	if due := f.held.take(); !slices.Equal(due, []uuid.UUID{hook.ID}) {
		t.Errorf("%v is looked at when there is room", due)
	}
}

// Who gets a slot although there is no room.
func TestUrgency(t *testing.T) {
	t.Parallel()
	id := laneID(1)
	for name, tt := range map[string]struct {
		d       delivery.Delivery
		probing uuid.UUID
		want    urgency
	}{
		"by itself":           {delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}, uuid.Nil, usual},
		"another probes":      {delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}, laneID(2), usual},
		"it probes":           {delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}, id, probe},
		"sent now":            {delivery.Delivery{ID: id, NextTrigger: delivery.SendNow, Priority: delivery.First}, uuid.Nil, asked},
		"re-sent":             {delivery.Delivery{ID: id, NextTrigger: delivery.Resend, Priority: delivery.First}, laneID(2), asked},
		"re-sent in bulk":     {delivery.Delivery{ID: id, NextTrigger: delivery.Resend, Priority: delivery.Bulk}, uuid.Nil, usual},
		"sent now, and probe": {delivery.Delivery{ID: id, NextTrigger: delivery.SendNow}, id, probe},
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
	hook := f.webhook(t, to.URL, limited(atMost(1)))
	f.slots.learn(hook.ID, quickly)
	f.slots.start(hook.ID)
	v := f.wait(t, f.send(t, hook, 1)[0], is(delivery.Queued))
	ended := make(chan error)
	go func() { ended <- f.work(context.Background(), v.JobID, v.ID) }()
	until(t, "it waits", func() bool {
		f.slots.mu.Lock()
		defer f.slots.mu.Unlock()
		return f.slots.taken == 2
	})
	if _, err := f.Cancel(t.Context(), v.ID, me); err != nil {
		t.Fatal(err)
	}
	<-time.After(stale + 20*time.Millisecond) // before patience ends
	f.slots.free(hook.ID, quickly)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.slots.wantTaken(t, 0)
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
	f.slots.wantTaken(t, 0)
	if got := f.wait(t, id, is(delivery.Queued)); got.Made != 0 {
		t.Errorf("%d attempts, want none", got.Made)
	}
}

// When there is room again, first attempts go before retries, and these before
// re-sends in bulk.
func TestReleaseInOrder(t *testing.T) {
	t.Parallel()
	f := start(t)
	to := newSink(t)
	hook := f.webhook(t, to.URL, limited(destination.Limits{MaxInFlight: 1}))
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 30)
	bulk, late, first := ids[:10], ids[10:20], ids[20:]
	exec(t, f, `UPDATE deliveries SET priority = 4 WHERE id = ANY($1)`, bulk)
	exec(t, f, `UPDATE deliveries SET priority = 2 WHERE id = ANY($1)`, late)
	f.turn(t, hook, destination.Active)
	f.waitAll(t, ids, delivery.Delivered)
	to.wantOnce(t, ids)
	place := map[string]int{}
	for i, id := range to.ids() {
		place[id] = i
	}
	mean := func(ids []uuid.UUID) (sum float64) {
		for _, id := range ids {
			sum += float64(place[id.String()]) / float64(len(ids))
		}
		return sum
	}
	// A few are on their way together and may change places.
	if f, l, b := mean(first), mean(late), mean(bulk); f > 7 || l < 10 || l > 19 || b < 22 {
		t.Errorf("mean places %v, %v and %v; want about 4.5, 14.5 and 24.5", f, l, b)
	}
}

// Each release takes first attempts, then retries, then re-sends in bulk, and of
// these only what half of the room takes.
func TestReleaseShares(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 4}))
	f.slots.learn(hook.ID, 2*time.Second) // it is slow: there is room for four
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 12)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	exec(t, f, `UPDATE deliveries SET priority = 4 WHERE id = ANY($1)`, ids[:5])
	exec(t, f, `UPDATE deliveries SET priority = 2 WHERE id = ANY($1)`, ids[5:9])
	setState(t, f, hook, destination.Active)
	for i, want := range [][]uuid.UUID{
		{ids[9], ids[10], ids[11], ids[5]},
		{ids[6], ids[7], ids[8]},
		ids[0:2],
		ids[2:4],
		ids[4:5],
		{},
	} {
		if err := f.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		const released = `SELECT count(*) FROM deliveries WHERE status = 'queued'`
		if n := count(t, f, released+` AND id = ANY($1)`, want); n != len(want) || n != count(t, f, released) {
			t.Errorf("release %d: %d of %d, and %d in all", i, n, len(want), count(t, f, released))
		}
		exec(t, f, `
			UPDATE deliveries
			SET status = 'delivered', job_id = NULL, due_at = NULL, held_at = NULL, first_ack_at = now(), finished_at = now()
			WHERE status = 'queued'`)
	}
}

// When the rate is what leaves no room, the release looks again in time for the
// next token, although nobody gives a slot back.
func TestReleaseLooksAgain(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 4, RatePerSecond: 2, Burst: 1}))
	setState(t, f, hook, destination.Paused)
	f.send(t, hook, 2)
	setState(t, f, hook, destination.Active)
	<-f.held.wake // for what was accepted
	f.held.take()
	begin := time.Now()
	f.slots.take(t.Context(), hook.ID, hook.Limits, usual)
	f.slots.free(hook.ID, quickly)
	if err := f.release(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	if n := f.heldFor(t, hook, delivery.Paused); n != 2 {
		t.Errorf("%d held, want both: there is no token yet", n)
	}
	until(t, "it looks again", func() bool { return len(f.held.wake) > 0 })
	if took := time.Since(begin); took < 500*time.Millisecond-patience {
		t.Errorf("it looks again after %s, and no token comes so soon", took)
	}
	if due := f.held.take(); !slices.Equal(due, []uuid.UUID{hook.ID}) {
		t.Errorf("%v is looked at", due)
	}
	until(t, "one is released", func() bool {
		if err := f.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		return f.heldFor(t, hook, delivery.Paused) == 1
	})
}

// Re-sends in bulk go out too where there is room for one at a time only.
func TestBulkOneAtATime(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 1}))
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 5)
	exec(t, f, `UPDATE deliveries SET priority = 4`)
	setState(t, f, hook, destination.Active)
	f.slots.learn(hook.ID, time.Second) // it is slow
	for range ids {
		if err := f.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		if n := count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'queued'`); n != 1 {
			t.Fatalf("%d released, want one", n)
		}
		exec(t, f, `
			UPDATE deliveries
			SET status = 'delivered', job_id = NULL, due_at = NULL, held_at = NULL, first_ack_at = now(), finished_at = now()
			WHERE status = 'queued'`)
	}
}

// A destination that asks to be left alone is, by everything that waits for it,
// and by nothing else.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Millisecond, 2*time.Hour))
	busy, other := newSink(t).answer(http.StatusTooManyRequests, "Retry-After", "3600"), newSink(t)
	hook, quick := f.webhook(t, busy.URL), f.webhook(t, other.URL)
	asked := f.send(t, hook, 1)
	got := f.wait(t, asked[0], is(delivery.Retrying))
	if until := time.Until(got.DueAt); until < 50*time.Minute {
		t.Errorf("it is due in %s, although it was asked for an hour", until)
	}
	more := f.send(t, hook, 50)
	f.waitAll(t, f.send(t, quick, 50), delivery.Delivered)
	until(t, "held", func() bool { return f.heldFor(t, hook, delivery.Busy) == 50 })
	for range 3 {
		f.look(t)
	}
	if came, _, _ := busy.arrivals(); came != 1 {
		t.Errorf("%d came, want none after the first", came)
	}
	busy.answer(http.StatusOK)
	if _, err := f.SendNow(t.Context(), more[0], me); err != nil {
		t.Fatal(err)
	}
	f.wait(t, more[0], is(delivery.Delivered))
	exec(t, f, `UPDATE destination_health SET slow_until = now() - interval '1 second'`)
	f.soonAll(t, more, delivery.Delivered)
	f.wait(t, asked[0], is(delivery.Retrying))
	busy.wantOnce(t, append(more, asked...))
	f.wantNoRepairs(t)
}

// A 429 is heeded before it is recorded: what waits in line is not sent after it.
func TestTooManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	to := newSink(t)
	hook := f.known(t, to, limited(atMost(1)))
	first, _, _ := to.arrivals()
	to.answer(http.StatusTooManyRequests, "Retry-After", "3600")
	f.send(t, hook, 100)
	until(t, "held", func() bool { return f.heldFor(t, hook, delivery.Busy) == 99 })
	if came, _, _ := to.arrivals(); came != first+1 {
		t.Errorf("%d came, want one", came-first)
	}
	f.wantNoRepairs(t)
}

// wantRate checks that no more came in any stretch of time than the rate allows.
func (s *sink) wantRate(t testing.TB, perSecond float64, burst int) {
	t.Helper()
	times := s.times()
	slices.SortFunc(times, time.Time.Compare)
	for i := range times {
		for j := i; j < len(times); j++ {
			took := times[j].Sub(times[i])
			// What was sent earlier may arrive later, and so nearer to the next: how
			// much, is up to the machine.
			allowed := perSecond*(took+500*time.Millisecond).Seconds() + float64(burst)
			if n := j - i + 1; float64(n) > allowed+1e-6 {
				t.Fatalf("%d came within %s, want at most %.1f", n, took, allowed)
			}
		}
	}
}

// Each destination's rate is kept, all that waits gets there as fast as it allows,
// and what waits does not go round in circles.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	f := start(t, workers(64))
	type rate struct {
		destination.Limits
		n  int
		to *sink
	}
	var (
		rates []rate
		all   []uuid.UUID
	)
	before, begin := f.jobsMade(t), time.Now()
	for _, r := range []struct {
		perSecond float64
		burst, n  int
	}{{2, 1, 4}, {8, 1, 13}, {15, 5, 28}, {100, 10, 160}} { // which take 1.5 s
		limits, to := destination.Limits{MaxInFlight: 16, RatePerSecond: r.perSecond, Burst: r.burst}, newSink(t)
		rates = append(rates, rate{limits, r.n, to})
		all = append(all, f.send(t, f.webhook(t, to.URL, limited(limits)), r.n)...)
	}
	f.waitAll(t, all, delivery.Delivered)
	if took := time.Since(begin); took > 6*time.Second {
		t.Errorf("it took %s, want about 1.5 s", took)
	}
	came := 0
	for _, r := range rates {
		r.to.wantRate(t, r.RatePerSecond, r.Burst)
		if n, _, _ := r.to.arrivals(); n != r.n {
			t.Errorf("%v a second: %d came, want %d", r.RatePerSecond, n, r.n)
		}
		came += r.n
	}
	if n := f.jobsMade(t) - before; n > 3*came {
		t.Errorf("%d jobs made for %d deliveries", n, came)
	}
	f.wantNoRepairs(t)
}

// Two replicas share a destination's rate.
func TestRateLimitTogether(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f, g := newDispatcher(t, db, together), newDispatcher(t, db, together)
	f.run(t)
	g.run(t)
	if err := f.beat(t.Context()); err != nil { // g knew at once
		t.Fatal(err)
	}
	if f.workers() != 2 || g.workers() != 2 {
		t.Fatalf("they count %d and %d", f.workers(), g.workers())
	}
	to := newSink(t)
	hook := f.webhook(t, to.URL, limited(destination.Limits{MaxInFlight: 16, RatePerSecond: 40, Burst: 8}))
	ids := f.send(t, hook, 60)
	f.waitAll(t, ids, delivery.Delivered)
	to.wantOnce(t, ids)
	to.wantRate(t, 40, 8)
	f.wantNoRepairs(t)
	g.wantNoRepairs(t)
}

// What a pause held goes out as fast as the destination takes it, and no faster.
func TestResumeIsPaced(t *testing.T) {
	t.Parallel()
	f := start(t, patiently)
	to := newSink(t)
	hook := f.known(t, to, limited(destination.Limits{MaxInFlight: 4}))
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 100)
	if n := f.heldFor(t, hook, delivery.Paused); n != 100 {
		t.Errorf("%d held, want all", n)
	}
	to.hang()
	f.turn(t, hook, destination.Active)
	until(t, "four are there", func() bool { _, present, _ := to.arrivals(); return present == 4 })
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'queued'`); n > 4+4*16 {
		t.Errorf("%d released: four in flight, and a line of four for each worker", n)
	}
	to.unblock()
	f.waitAll(t, ids, delivery.Delivered)
	if _, _, most := to.arrivals(); most > 4 {
		t.Errorf("%d at once, want at most 4", most)
	}
	to.wantOnce(t, ids)
	f.wantNoRepairs(t)
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
	ids := f.trip(t, hook)
	want := func(r delivery.Reason) {
		t.Helper()
		f.soon(t, "held "+string(r), func() bool { return f.heldFor(t, hook, r) == len(ids) })
	}
	down.forget()
	want(delivery.NotAnswering)
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
	want(delivery.NotAnswering)
	exec(t, f, `UPDATE destinations SET settings = 'damaged'`)
	want(delivery.Misconfigured)
	change(t, f, hook)
	want(delivery.NotAnswering)
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

// What is held does not go round in circles because another replica could take
// it, but is full.
func TestHangingBesideAFullReplica(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), patiently, workers(32), together)
	exec(t, f, `INSERT INTO instances (id, started_at, seen_at, version, roles) VALUES ('full', now(), now() + interval '1 hour', 'x', '{worker}')`)
	f.run(t)
	until(t, "it knows of the other", func() bool { return f.workers() == 2 })
	down, up := newSink(t), newSink(t)
	slow := f.known(t, down, limited(destination.Limits{MaxInFlight: 4}))
	quick := f.known(t, up)
	down.hang()
	f.send(t, slow, 100)
	until(t, "four are there", func() bool { _, present, _ := down.arrivals(); return present == 4 })
	made, n := f.jobsMade(t), 0
	for ; n < 40; n++ {
		f.waitAll(t, f.send(t, quick, 1), delivery.Delivered)
	}
	if made := f.jobsMade(t) - made; made > 2*n+50 {
		t.Errorf("%d jobs made for %d deliveries", made, n)
	}
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

// A stop ends also what waits for a slot, in time, and charges nothing for it.
func TestStopWhileManyWait(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db, patiently, workers(64))
	to := newSink(t)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hook := f.known(t, to, limited(destination.Limits{MaxInFlight: 4})) // to be quick, so that many wait
	to.hang()
	ids := f.send(t, hook, 100)
	until(t, "four are there", func() bool { _, present, _ := to.arrivals(); return present == 4 })
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	begin := time.Now()
	if err := f.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stop took %s", took)
	}
	f.slots.wantTaken(t, 0)
	if n := count(t, f, `SELECT count(*) FROM attempts WHERE delivery_id = ANY($1) AND counted`, ids); n != 0 {
		t.Errorf("%d attempts charged", n)
	}
	if n := count(t, f, `SELECT count(*) FROM river_job WHERE state = 'running'`); n != 0 {
		t.Errorf("%d jobs still run", n)
	}
	to.unblock()
	next := newDispatcher(t, db)
	next.run(t)
	next.waitAll(t, ids, delivery.Delivered)
	next.wantNoRepairs(t)
}

// A context too large to be kept in memory while its delivery waits is sent whole
// when its turn comes.
func TestLargeContextWhenReleased(t *testing.T) {
	t.Parallel()
	f := start(t)
	bodies := make(chan []byte, 2)
	hook := f.webhook(t, receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}).URL)
	setState(t, f, hook, destination.Paused)
	want := map[string]bool{}
	for _, n := range []int{postgres.MaxKept - 20, postgres.MaxKept + 1} {
		context := fmt.Sprintf(`{"much":"%s"}`, strings.Repeat("x", n))
		want[context] = true
		f.accept(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertContext":%s}`, context))
	}
	until(t, "both are held", func() bool { return f.heldFor(t, hook, delivery.Paused) == 2 })
	setState(t, f, hook, destination.Active)
	until(t, "both came", func() bool { return len(bodies) == 2 })
	for range 2 {
		var got struct {
			Context json.RawMessage `json:"alertContext"`
		}
		if err := json.Unmarshal(<-bodies, &got); err != nil {
			t.Fatal(err)
		}
		if !want[string(got.Context)] {
			t.Errorf("a context of %d bytes came, which nobody sent", len(got.Context))
		}
		delete(want, string(got.Context))
	}
}
