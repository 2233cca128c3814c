package dispatch

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/pgtest"
)

// While attempts cannot be written, no more tests are sent than have room for their
// records; the others hear that, and nothing was sent for them.
func TestTestsHaveRoom(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, func(c *Config) { c.AttemptTimeout = 500 * time.Millisecond })
	s := newSink(t)
	hook := f.webhook(t, s.URL)
	release := pgtest.Lock(t, f.db, "LOCK TABLE attempts IN SHARE MODE")
	var (
		people  sync.WaitGroup
		refused atomic.Int32
	)
	for range maxTests + 5 {
		people.Go(func() {
			_, _, err := f.Test(t.Context(), hook, alert.Low, alert.Rule, me)
			switch {
			case errors.Is(err, ErrUnavailable):
				refused.Add(1)
			case err != nil:
				t.Error(err)
			}
		})
	}
	until(t, "five are refused", func() bool { return refused.Load() == 5 })
	until(t, "all others are there", func() bool { came, _, _ := s.arrivals(); return came == maxTests })
	release()
	people.Wait()
	if n := count(t, f, `SELECT count(*) FROM attempts WHERE trigger = 'test'`); n != maxTests {
		t.Errorf("%d attempts are stored, want %d", n, maxTests)
	}
	if n := len(f.recorder.testRecords) + len(f.recorder.jobRecords); n != 0 {
		t.Errorf("%d places for records were not given back", n)
	}
}

// No job sends anything before there is room for its record.
func TestJobsHaveRoom(t *testing.T) {
	t.Parallel()
	f := start(t, workers(4))
	s := newSink(t)
	hook := f.webhook(t, s.URL)
	queued := f.cancelled(t, hook, 1)
	for range cap(f.recorder.jobRecords) {
		f.recorder.reserve(t.Context())
	}
	ids := append(queued, f.send(t, hook, 1)...)
	f.resendAll(t, queued)
	until(t, "one has its slot", func() bool { return f.limiter.Taken() >= 1 })
	for range 3 {
		f.look(t)
	}
	if came, _, _ := s.arrivals(); came != 0 {
		t.Errorf("%d came", came)
	}
	for range cap(f.recorder.jobRecords) {
		f.recorder.free()
	}
	f.soonAll(t, ids, delivery.Delivered)
	s.wantOnce(t, ids)
}
