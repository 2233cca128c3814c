package dispatch

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

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

// A 429 is heeded before it is recorded: what waits in the backlog is not sent after it.
func TestTooManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	to := newSink(t)
	hook := f.known(t, to, limited(destination.Limits{MaxInFlight: 1}))
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
	unlimited := time.Now() // what this machine takes for as many, at present
	f.waitAll(t, f.send(t, f.webhook(t, newSink(t).URL), 205), delivery.Delivered)
	machine := time.Since(unlimited)
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
	if took := time.Since(begin); took > 5*time.Second+4*machine {
		t.Errorf("it took %s, want about 1.5 s and what the machine takes without limits, %s", took, machine)
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
	if err := f.Cluster.Heartbeat(t.Context()); err != nil { // g knew at once
		t.Fatal(err)
	}
	if f.Cluster.Replicas() != 2 || g.Cluster.Replicas() != 2 {
		t.Fatalf("they count %d and %d", f.Cluster.Replicas(), g.Cluster.Replicas())
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
		t.Errorf("%d released: four in flight, and a backlog of four for each worker", n)
	}
	to.unblock()
	f.waitAll(t, ids, delivery.Delivered)
	if _, _, most := to.arrivals(); most > 4 {
		t.Errorf("%d at once, want at most 4", most)
	}
	to.wantOnce(t, ids)
	f.wantNoRepairs(t)
}
