package limiter

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"belfry/internal/destination"
)

// move is what somebody may do to a limiter, at any moment.
type move struct {
	Do      string
	N       int // which destination, which of those held, which of those stopped
	Limits  destination.Limits
	Urgency Urgency
	Elapses time.Duration // of a sleep, and of the attempt that is freed
}

var moves = rapid.Custom(func(t *rapid.T) move {
	m := move{
		Do:      rapid.SampledFrom([]string{"take", "take", "take", "free", "free", "sleep", "stop"}).Draw(t, "do"),
		N:       rapid.IntRange(0, 3).Draw(t, "n"),
		Limits:  atMost(rapid.IntRange(1, 5).Draw(t, "limit")),
		Urgency: rapid.SampledFrom([]Urgency{Normal, Normal, Normal, Normal, Normal, Normal, Normal, Normal, Manual, Probe}).Draw(t, "urgency"),
		Elapses: rapid.SampledFrom([]time.Duration{0, time.Millisecond, 50 * time.Millisecond, WorkerWait, time.Second}).Draw(t, "elapses"),
	}
	if rapid.Bool().Draw(t, "rated") {
		m.Limits.RatePerSecond = rapid.SampledFrom([]float64{1, 10, 100}).Draw(t, "rate")
		m.Limits.Burst = rapid.IntRange(1, 5).Draw(t, "burst")
	}
	return m
})

// user makes moves, and knows what it holds.
type user struct {
	l     *Limiter
	mu    sync.Mutex
	holds []uuid.UUID // one for each slot
	stops []context.CancelFunc
	tasks sync.WaitGroup
}

func (u *user) make(m move) {
	switch m.Do {
	case "take":
		ctx, stop := context.WithCancel(context.Background())
		u.stops = append(u.stops, stop)
		u.tasks.Go(func() {
			if u.l.Acquire(ctx, idOf(1+m.N), m.Limits, m.Urgency) {
				u.mu.Lock()
				u.holds = append(u.holds, idOf(1+m.N))
				u.mu.Unlock()
			}
		})
	case "free":
		if id := u.drop(m.N); id != uuid.Nil {
			u.l.free(id, m.Elapses)
		}
	case "sleep":
		time.Sleep(m.Elapses)
	case "stop":
		if len(u.stops) > 0 {
			u.stops[m.N%len(u.stops)]()
		}
	}
	synctest.Wait()
}

// drop returns the destination of a slot that is no longer held, if there is one.
func (u *user) drop(n int) (id uuid.UUID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.holds) > 0 {
		n %= len(u.holds)
		id = u.holds[n]
		u.holds = slices.Delete(u.holds, n, n+1)
	}
	return id
}

// check compares with what is held: nobody leaks a slot, or has one that is not
// there. One that waits for its token has a slot and does not know it yet.
func (u *user) check() error {
	u.l.mu.Lock()
	defer u.l.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	taken, inFlight := 0, 0
	for _, s := range u.l.states.byID {
		if s.inFlight < 0 {
			return fmt.Errorf("%d in flight", s.inFlight)
		}
		inFlight += s.inFlight
		taken += s.inFlight + s.workers.Len()
	}
	if taken != u.l.pool.taken || inFlight < len(u.holds) {
		return fmt.Errorf("%d taken, %d in flight, %d held; the states have %d", u.l.pool.taken, inFlight, len(u.holds), taken)
	}
	return nil
}

// play makes moves, and in the end gives everything back.
func (u *user) play(moves []move) error {
	for i, m := range moves {
		u.make(m)
		if err := u.check(); err != nil {
			return fmt.Errorf("after move %d: %w", i, err)
		}
	}
	for _, stop := range u.stops {
		defer stop()
	}
	time.Sleep(time.Minute) // nobody waits any more
	u.tasks.Wait()
	for id := u.drop(0); id != uuid.Nil; id = u.drop(0) {
		u.l.free(id, time.Millisecond)
	}
	if err := u.check(); err != nil || u.l.pool.taken != 0 {
		return fmt.Errorf("in the end: %d taken, %w", u.l.pool.taken, err)
	}
	return nil
}

func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		u := &user{l: newLimiter(rapid.SampledFrom([]int{1, 4, 16, 64}).Draw(r, "workers"))}
		list := rapid.SliceOfN(moves, 1, 60).Draw(r, "moves")
		var err error
		synctest.Test(t, func(*testing.T) { err = u.play(list) })
		if err != nil {
			r.Fatal(err)
		}
	})
}

// Many goroutines at once, in real time: for the race detector.
func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	l := newLimiter(64)
	var inFlight [4]atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 300 {
				n := (i + j) % len(inFlight)
				limits := atMost(8)
				if (i+j)%3 == 0 { // the rate is set and taken away all the time
					limits.RatePerSecond, limits.Burst = 1e6, 1e6
				}
				u := Normal
				if n == 3 {
					u = Urgency(j % 3)
				}
				l.Room(idOf(n), limits, WorkerWait/2)
				if !l.Acquire(t.Context(), idOf(n), limits, u) {
					continue
				}
				if now := inFlight[n].Add(1); n != 3 && now > 8 {
					t.Errorf("%d in flight, want at most 8", now)
				}
				inFlight[n].Add(-1)
				l.free(idOf(n), time.Microsecond)
			}
		})
	}
	wg.Wait()
	l.wantTaken(t, 0)
}
