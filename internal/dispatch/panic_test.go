package dispatch

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/pgtest"
)

// faultyClock panics once, the next time but so many that it is asked.
type faultyClock struct{ left atomic.Int64 }

func (c *faultyClock) panicAfter(times int) { c.left.Store(int64(times) + 1) }

// panicked reports whether it did so, and disarms it.
func (c *faultyClock) panicked() bool { return c.left.Swap(0) <= 0 }

func (c *faultyClock) now() time.Time {
	if c.left.Load() > 0 && c.left.Add(-1) == 0 {
		panic("the clock is broken")
	}
	return time.Now()
}

// faulty has the executor ask a clock that breaks, for one destination that may have one
// attempt in flight.
func (f *fixture) faulty(t *testing.T, answer http.HandlerFunc) *faultyClock {
	t.Helper()
	c := &faultyClock{}
	f.executor.now = c.now
	f.webhook(t, receiver(t, answer).URL, func(d *destination.Destination) { d.Limits.MaxInFlight = 1 })
	return c
}

// wantNothingTaken checks that neither a slot nor room for a record has leaked.
func (f *fixture) wantNothingTaken(t *testing.T) {
	t.Helper()
	f.wantNoneTaken(t)
	if n := len(f.recorder.jobRecords); n != 0 {
		t.Errorf("%d records are reserved, want none", n)
	}
}

// Wherever a worker of the queue's panics on its way, it gives back what it took, and
// the job can be worked again.
func TestPanicOfAWorkerTakesNothingAlong(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), waits(0)).ready(t)
	clock := f.faulty(t, status(500, ""))
	d := f.accept(t, anAlert).Deliveries[0]
	for times, panicked := 0, true; panicked; times++ {
		func() {
			defer func() { _ = recover() }() // as River does
			clock.panicAfter(times)
			_ = f.work(t.Context(), d.JobID, d.ID)
		}()
		panicked = clock.panicked()
		f.wantNothingTaken(t)
		if t.Failed() {
			t.Fatalf("after a panic at call %d of the clock", times)
		}
	}
}

// Wherever a job panics that is worked where it was made, it gives back what it took,
// and its delivery is tried again.
func TestPanicOfALocalJobTakesNothingAlong(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	clock := f.faulty(t, status(200, ""))
	f.local.begin(t.Context())
	t.Cleanup(func() { f.local.stop(context.Background(), context.Background(), f.limiter.Drain) })
	for times, panicked := 0, true; panicked; times++ {
		clock.panicAfter(times)
		d := f.accept(t, anAlert).Deliveries[0]
		until(t, "the end of the job is written", func() bool { return count(t, f, `SELECT count(*) FROM river_job WHERE state = 'running'`) == 0 })
		until(t, "the work is over", func() bool { return f.executor.localCapacity() == limiter.JobsPerWorker*f.Workers })
		panicked = clock.panicked()
		f.wantNothingTaken(t)
		if t.Failed() {
			t.Fatalf("after a panic at call %d of the clock", times)
		}
		if panicked { // its job is snoozed
			_ = f.work(t.Context(), d.JobID, d.ID)
		}
		f.wait(t, d.ID, is(delivery.Delivered))
	}
}
