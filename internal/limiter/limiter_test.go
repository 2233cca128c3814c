package limiter

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"belfry/internal/destination"
)

// What a person asks for goes before all others, within the limits. It waits for
// its turn, but not when workers are scarce.
func TestManual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		id := l.learn(idOf(1), quickly)
		if n := l.grabs(t.Context(), id, atMost(4)); n != 4 {
			t.Fatalf("%d in flight, want 4", n)
		}
		other := l.taking(t.Context(), id, atMost(4), Normal)
		time.Sleep(time.Millisecond)
		var asks []<-chan bool
		for range 2 {
			asks = append(asks, l.taking(t.Context(), id, atMost(4), Manual))
			time.Sleep(time.Millisecond)
		}
		l.wantTaken(t, 4+3)
		for n, turn := range append(asks, other) {
			l.free(id, quickly)
			synctest.Wait()
			if len(turn) != 1 || !<-turn {
				t.Errorf("%d did not get the slot that came free", n)
			}
		}
		l.wantTaken(t, 4)
		begin := time.Now()
		if l.Acquire(t.Context(), id, atMost(4), Manual) || time.Since(begin) != WorkerWait {
			t.Errorf("it knew after %s that there is none", time.Since(begin))
		}
	})
	synctest.Test(t, func(t *testing.T) { // and within the rate
		l, id, begin := newLimiter(64), idOf(1), time.Now()
		for n, want := range []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond} {
			if !l.Acquire(t.Context(), id, rated(5, 1), Manual) || time.Since(begin) != want {
				t.Errorf("%d: refused, or after %s", n, time.Since(begin))
			}
			l.free(id, quickly)
		}
		if begin = time.Now(); l.Acquire(t.Context(), id, rated(1, 1), Manual) || time.Since(begin) != 0 {
			t.Errorf("it waited %s for a rate that is used up", time.Since(begin))
		}
	})
	for _, tt := range []struct {
		free int
		wait time.Duration
	}{{9, WorkerWait}, {8, 0}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(64)
			id := l.learn(idOf(1), quickly)
			l.grab(t.Context(), id, atMost(1))
			l.fill(tt.free)
			begin := time.Now()
			if l.Acquire(t.Context(), id, atMost(1), Manual) || time.Since(begin) != tt.wait {
				t.Errorf("with %d workers left it waited %s, want %s", tt.free, time.Since(begin), tt.wait)
			}
			if other := l.learn(idOf(2), quickly); !l.Acquire(t.Context(), other, atMost(1), Manual) {
				t.Error("what a person asks for got less than another would")
			}
		})
	}
}

// A probe goes when nothing else does: its destination is slow and has all that
// it may have, and there are no workers.
func TestProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		id, limits := l.learn(idOf(1), slowly), rated(1, 1)
		limits.MaxInFlight = 1
		l.grab(t.Context(), id, limits)
		l.fill(0)
		begin := time.Now()
		for _, u := range []Urgency{Normal, Manual} {
			if l.Acquire(t.Context(), id, limits, u) {
				t.Errorf("urgency %d got a slot", u)
			}
		}
		for range 3 {
			if !l.Acquire(t.Context(), id, limits, Probe) {
				t.Error("refused")
			}
		}
		if l.wantTaken(t, 67); time.Since(begin) != 0 {
			t.Errorf("it waited %s", time.Since(begin))
		}
		for range 4 {
			l.free(id, slowly)
		}
		l.wantTaken(t, 63)
	})
}

// Who waits is served in turn, as soon as there is room, and nobody overtakes.
func TestWorkersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		id := l.learn(idOf(1), quickly)
		l.grabs(t.Context(), id, atMost(4))
		begin := time.Now()
		var waiting []<-chan bool
		for range 4 {
			waiting = append(waiting, l.taking(t.Context(), id, atMost(4), Normal))
		}
		l.wantTaken(t, 8)
		time.Sleep(100 * time.Millisecond)
		for i, turn := range waiting {
			select {
			case <-turn:
				t.Fatalf("waiter %d got a slot that was not there", i)
			default:
			}
			l.free(id, 10*time.Millisecond)
			synctest.Wait()
			select {
			case ok := <-turn:
				if !ok {
					t.Errorf("waiter %d gave up", i)
				}
			default:
				t.Errorf("a slot is free, and waiter %d, whose turn it is, has not got it", i)
			}
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("handed over after %s", took)
		}
		l.wantTaken(t, 4)
	})
}

// A waiter does not wait for longer than WorkerWait, nor after its work has ended,
// and then leaves nothing behind.
func TestWorkersGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		id := l.learn(idOf(1), quickly)
		l.grabs(t.Context(), id, atMost(4))
		begin := time.Now()
		waiting := l.taking(t.Context(), id, atMost(4), Normal)
		ctx, cancel := context.WithCancel(t.Context())
		stopped := l.taking(ctx, id, atMost(4), Normal)
		time.Sleep(time.Millisecond)
		cancel()
		if <-stopped || time.Since(begin) != time.Millisecond {
			t.Errorf("the one that was stopped gave up after %s", time.Since(begin))
		}
		if <-waiting || time.Since(begin) != WorkerWait {
			t.Errorf("gave up after %s, want %s", time.Since(begin), WorkerWait)
		}
		l.wantTaken(t, 4)
		l.free(id, time.Millisecond)
		if n := l.grabs(t.Context(), id, atMost(4)); n != 1 {
			t.Errorf("%d slots after one was freed, want 1", n)
		}
	})
}

// No more wait than will have their turn, none when the destination is slow, and
// none when workers are scarce.
func TestHowManyWorkersWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		workers, limit, others int
		took                   time.Duration
		may, wait              int
	}{
		"quick":                       {256, 4, 0, 25 * time.Millisecond, 20, 20},
		"half of the workers":         {256, 40, 0, time.Millisecond, 128, 128},
		"until an eighth is left":     {256, 100, 0, time.Millisecond, 128, 124},
		"nobody knows":                {256, 100, 0, 0, 12, 12},
		"too slow":                    {256, 4, 0, time.Second, 0, 0},
		"one at a time, and not fast": {256, 1, 0, 126 * time.Millisecond, 0, 0},
		"an eighth is almost left":    {256, 4, 218, 25 * time.Millisecond, 10, 4},
		"seven eighths are taken":     {256, 4, 222, 25 * time.Millisecond, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, id := newLimiter(tt.workers), idOf(1)
			if tt.took > 0 {
				l.learn(id, tt.took)
				l.takes(id, tt.limit)
			}
			l.fill(tt.workers - tt.others)
			l.grabs(t.Context(), id, atMost(tt.limit))
			l.mu.Lock()
			s := l.states.byID[id]
			may := l.pool.mayWait(s, l.pool.allowed(s, time.Now()), time.Now())
			l.mu.Unlock()
			for range tt.may + 10 {
				l.taking(t.Context(), id, atMost(tt.limit), Normal)
			}
			l.mu.Lock()
			wait := s.workers.Len()
			l.mu.Unlock()
			if may != tt.may || wait != tt.wait {
				t.Errorf("%s: %d may wait and %d do, want %d and %d", name, may, wait, tt.may, tt.wait)
			}
			time.Sleep(WorkerWait)
		})
	}
}

// Room is what a release may hand out: what goes at once, and what will have gone
// before WorkerWait ends, in whole deliveries.
func TestRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(64), idOf(1)
		want := func(what string, limits destination.Limits, want int) {
			t.Helper()
			if n := l.Room(id, limits, WorkerWait/2); n != want {
				t.Errorf("%s: room for %d, want %d", what, n, want)
			}
		}
		want("nobody knows", atMost(4), 2+2)
		l.learn(id, 50*time.Millisecond)
		want("nobody at it", atMost(4), 4+10)
		l.grabs(t.Context(), id, atMost(4))
		want("all in flight, which count as room", atMost(4), 4+10)
		time.Sleep(4 * WorkerWait)
		want("it is slow", atMost(4), 4)
		id = l.learn(idOf(2), time.Minute)
		l.takes(id, 1000)
		want("a rate, and what comes before WorkerWait ends", rated(8, 20), 22)
		want("no half deliveries", rated(3, 1), 1)
		want("a slow rate", rated(0.1, 1), 1)
		l.Acquire(t.Context(), id, rated(0.1, 1), Probe)
		want("used up", rated(0.1, 1), 1)
		want("used up, and another comes in time", rated(5, 1), 1+1)
		want("no rate, half of the workers", atMost(1000), 32)
		want("full", rated(8, 5), 1+7)
		for range 3 {
			l.Enter(id)
		}
		want("beside three at work", rated(8, 5), 1+7-3)
		want("beside three at work, and no rate", atMost(16), 16-3)
		for range 3 {
			l.Leave(id)
		}
		l.fill(8)
		want("a quarter of the last eighth for a slow one", atMost(16), 1)
		l.fill(6)
		want("no workers for a slow one", atMost(16), 0)
		want("nor with a rate", rated(8, 5), 0)
	})
}
