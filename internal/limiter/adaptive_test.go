package limiter

import (
	"container/heap"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// receiver says how long it takes for an attempt that begins beside so many others, and
// what comes of it.
type receiver func(beside int) Outcome

// steady answers after a time, however many there are.
func steady(took time.Duration) receiver {
	return func(int) Outcome { return Outcome{Took: took, Acked: true} }
}

// workersOf answers after a time as long as it has a worker of its own for each attempt;
// then they wait for each other.
func workersOf(n int, took time.Duration) receiver {
	return func(beside int) Outcome {
		return Outcome{Took: took * time.Duration(max(n, beside+1)) / time.Duration(n), Acked: true}
	}
}

// attempts are those under way, by when they end.
type attempts []attempt

type attempt struct {
	ends time.Time
	out  Outcome
}

func (a attempts) Len() int           { return len(a) }
func (a attempts) Less(i, j int) bool { return a[i].ends.Before(a[j].ends) }
func (a attempts) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *attempts) Push(x any)        { *a = append(*a, x.(attempt)) }
func (a *attempts) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// heldBack has a destination get as much as there is room for, as one that has held
// deliveries, and returns its limit in the end.
func (l *Limiter) heldBack(id uuid.UUID, took, lasts time.Duration) int {
	var under attempts
	l.NoteHeld(id, Held{})
	for until := time.Now().Add(lasts); time.Now().Before(until); {
		for range l.Room(id, atMost(256), WorkerWait/8) {
			l.Enqueue(id, atMost(256), Normal, func(got bool) {
				if got {
					heap.Push(&under, attempt{time.Now().Add(took), Outcome{Took: took, Acked: true}})
				} else {
					l.Leave(id)
				}
			})
		}
		next := heap.Pop(&under).(attempt)
		time.Sleep(time.Until(next.ends))
		l.Release(id, next.out)
		l.Finish(id)
	}
	for len(under) > 0 {
		next := heap.Pop(&under).(attempt)
		time.Sleep(time.Until(next.ends))
		l.Release(id, Outcome{})
		l.Finish(id)
	}
	return l.InFlight(id, atMost(256)).Limit
}

// What is held for want of room is a reason to try a larger limit, also where nothing
// waits in memory since the receiver is slow.
func TestHeldIsAReasonForMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if n := newLimiter(256).heldBack(idOf(1), 2*time.Second, 2*time.Minute); n != 128 {
			t.Errorf("the limit is %d after two minutes, want 128", n)
		}
	})
}

// However large the limits of others have become: a slow destination and one that nobody
// knows get an attempt.
func TestLargeLimitsLeaveWorkers(t *testing.T) {
	t.Parallel()
	for _, others := range []int{2, 5, 40} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(256)
			slow := l.learn(idOf(1), slowly)
			taken := 0
			for more := true; more; {
				more = false
				for n := range others {
					id := idOf(100 + n)
					if l.states.byID[id] == nil {
						l.takes(l.learn(id, quickly), 128)
					}
					if l.grab(t.Context(), id, atMost(256)) {
						taken, more = taken+1, true
					}
				}
			}
			if !l.grab(t.Context(), slow, atMost(256)) {
				t.Errorf("%d others have %d workers: a slow destination got none", others, taken)
			}
			if !l.grab(t.Context(), idOf(2), atMost(256)) {
				t.Errorf("%d others have %d workers: one that nobody knows got none", others, taken)
			}
			if taken < 200 {
				t.Errorf("%d others have %d workers only", others, taken)
			}
		})
	}
}

// flood has a destination get as much as it may for a time, and returns how many are in
// flight then and how many it acked.
func (l *Limiter) flood(id int, ceiling int, r receiver, lasts time.Duration) (inFlight, acked int) {
	var under attempts
	var waiting atomic.Int32 // those that waited for too long are sent away by a timer
	begin := func(got bool) {
		waiting.Add(-1)
		if got {
			o := r(len(under))
			heap.Push(&under, attempt{time.Now().Add(o.Took), o})
		} else {
			l.Leave(idOf(id))
		}
	}
	until := time.Now().Add(lasts)
	for time.Now().Before(until) {
		for waiting.Load() < 32 {
			waiting.Add(1)
			l.Enqueue(idOf(id), atMost(ceiling), Normal, begin)
		}
		inFlight = len(under)
		next := heap.Pop(&under).(attempt)
		time.Sleep(time.Until(next.ends))
		if next.out.Acked {
			acked++
		}
		l.Release(idOf(id), next.out)
		l.Finish(idOf(id))
	}
	for len(under) > 0 {
		next := heap.Pop(&under).(attempt)
		time.Sleep(time.Until(next.ends))
		l.Release(idOf(id), Outcome{})
		l.Finish(idOf(id))
	}
	return inFlight, acked
}

// Slots do not help a destination whose rate is used up.
func TestRateIsNoReasonForMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(256)
		id := l.learn(idOf(1), 200*time.Millisecond)
		l.limit(id, rated(40, 1))
		l.AwaitToken(t.Context(), id)
		l.mu.Lock()
		defer l.mu.Unlock()
		s := l.states.byID[id]
		s.inFlight = 16
		if l.pool.hasSlot(s, time.Now()) || s.limit.round.full {
			t.Error("its limit is taken for what holds it back")
		}
		s.bucket = nil
		if l.pool.hasSlot(s, time.Now()) || !s.limit.round.full {
			t.Error("without a rate it is not")
		}
		s.inFlight = 0
	})
}

// Many attempts that were in flight together fail for one limit: a destination that gets
// too much once is not kept from more for a minute.
func TestOneLimitFailsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(256)
		id := l.learn(idOf(1), 200*time.Millisecond)
		n := l.grabs(t.Context(), id, atMost(256))
		for i := range n {
			o := Outcome{Took: time.Millisecond, TooMuch: true}
			if i == n/2 {
				o = Outcome{} // one that was never sent
			}
			l.Release(id, o)
		}
		limit := l.states.byID[id].limit
		if limit.now(256) != 1 || limit.trialGap != minTrialPause || limit.before != 0 {
			t.Errorf("after %d that were too much: %+v", n, limit)
		}
	})
}

// A destination that refuses what is beyond twenty is brought to refuse it ever more
// seldom, in whichever way it says so.
func TestLimitsThatDidNoGoodAreTriedSeldom(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]Outcome{
		"429": {Took: time.Millisecond, TooMuch: true},
		"503": {Took: time.Millisecond, Strain: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			refused := 0
			_, acked := newLimiter(256).flood(1, 256, func(beside int) Outcome {
				if beside < 20 {
					return Outcome{Took: 200 * time.Millisecond, Acked: true}
				}
				refused++
				return refusal
			}, 2*time.Minute)
			// Sixteen at a time would be 9,600.
			if acked < 9000 || refused > 60 {
				t.Errorf("%s: %d acks and %d refusals in two minutes", name, acked, refused)
			}
		})
	}
}

// Acks of attempts that were begun before the limit fell raise it no more than failures
// lower it.
func TestOldAcksRaiseNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(256)
		id := l.learn(idOf(1), 200*time.Millisecond)
		l.takes(id, 60)
		acked := Outcome{Took: 200 * time.Millisecond, Acked: true}
		n := l.grabs(t.Context(), id, atMost(256))
		l.Release(id, Outcome{Took: time.Millisecond, TooMuch: true})
		for range n - 1 {
			l.Release(id, acked)
		}
		if now := l.InFlight(id, atMost(256)); n != 60 || now.Limit != 1 || now.Lowered != TooMuch {
			t.Errorf("after %d acks of before: %+v", n-1, now)
		}
		for range 2 {
			l.Acquire(t.Context(), id, atMost(256), Normal)
			l.Release(id, acked)
		}
		if now := l.InFlight(id, atMost(256)); now.Limit != 2 {
			t.Errorf("after two more: %+v", now)
		}
	})
}

// The limit follows what a receiver can take: up to the ceiling, to what it has workers
// for, or nowhere where more only wait for each other.
func TestLimitFollows(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, tt := range map[string]struct {
		receiver   receiver
		ceiling    int
		lasts      time.Duration
		least, max int // in flight in the end
	}{
		"200 ms, whatever comes":   {steady(200 * time.Millisecond), 256, 5 * time.Second, 128, 128}, // half of the workers
		"200 ms, and a ceiling":    {steady(200 * time.Millisecond), 40, 5 * time.Second, 40, 40},
		"one at a time":            {steady(200 * time.Millisecond), 1, 5 * time.Second, 1, 1},
		"few workers of its own":   {workersOf(4, 50*time.Millisecond), 256, time.Minute, 12, 24},
		"sixty workers of its own": {workersOf(60, 100*time.Millisecond), 256, time.Minute, 48, 96},
		"now 0 and now 400 ms": {func(int) Outcome {
			return Outcome{Took: 1 + time.Duration(random.Int64N(int64(400*time.Millisecond))), Acked: true}
		}, 256, 30 * time.Second, 64, 128},
		"half of it refused":        {func(n int) Outcome { return Outcome{Took: 50 * time.Millisecond, Acked: n%2 == 0} }, 256, time.Minute, 16, 16},
		"what is beyond 18 refused": {func(n int) Outcome { return Outcome{Took: 50 * time.Millisecond, Acked: n < 18} }, 256, time.Minute, 16, 24},
		"one in twenty hangs": {func(int) Outcome {
			if random.IntN(20) == 0 {
				return Outcome{Took: 15 * time.Second, Strain: true}
			}
			return Outcome{Took: 100 * time.Millisecond, Acked: true}
		}, 256, 3 * time.Minute, 16, 128},
		"all of it refused, and quick": {func(int) Outcome { return Outcome{Took: time.Millisecond} }, 256, 5 * time.Second, 16, 16},
		"no answer in time":            {func(int) Outcome { return Outcome{Took: 15 * time.Second, Strain: true} }, 256, 3 * time.Minute, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(256)
				got, acked := l.flood(1, tt.ceiling, tt.receiver, tt.lasts)
				if got < tt.least || got > tt.max {
					t.Errorf("%d in flight after %s and %d acks, want %d to %d", got, tt.lasts, acked, tt.least, tt.max)
				}
			})
		})
	}
}

// A limit that was raised falls when the destination becomes slower, by half when one
// attempt, or many that were in flight together, got no answer in time, and to one when
// it says that it is too much. After a quiet time it begins anew.
func TestLimitFalls(t *testing.T) {
	t.Parallel()
	good := steady(100 * time.Millisecond)
	for name, tt := range map[string]struct {
		then       func(t *testing.T, l *Limiter)
		why        Lowered
		least, max int
	}{
		"slower": {func(_ *testing.T, l *Limiter) { l.flood(1, 256, steady(500*time.Millisecond), 2*time.Second) }, GotSlower, 16, 120},
		"one without an answer": {func(t *testing.T, l *Limiter) {
			l.grabs(t.Context(), idOf(1), atMost(256))
			l.Release(idOf(1), Outcome{Took: 15 * time.Second, Strain: true})
		}, "", 128, 256},
		"all without an answer": {func(t *testing.T, l *Limiter) {
			for range l.grabs(t.Context(), idOf(1), atMost(256)) {
				l.Release(idOf(1), Outcome{Took: 15 * time.Second, Strain: true})
			}
		}, NoAnswer, 64, 128},
		"too much": {func(t *testing.T, l *Limiter) {
			l.grabs(t.Context(), idOf(1), atMost(256))
			l.Release(idOf(1), Outcome{Took: time.Second, TooMuch: true})
		}, TooMuch, 1, 1},
		"a quiet time": {func(_ *testing.T, l *Limiter) {
			time.Sleep(idleReset + time.Second)
			if n := l.InFlight(idOf(1), atMost(256)).Limit; n != 16 {
				t.Errorf("the limit is shown as %d", n)
			}
			l.learn(idOf(1), 100*time.Millisecond)
		}, "", 16, 16},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(256)
				l.flood(1, 256, good, 5*time.Second)
				limit := &l.states.byID[idOf(1)].limit
				if n := limit.now(256); n < 128 {
					t.Fatalf("the limit is %d at first", n)
				}
				tt.then(t, l)
				if n := limit.now(256); n < tt.least || n > tt.max || limit.lowered != tt.why {
					t.Errorf("the limit is %d and fell as of %q, want %d to %d and %q", n, limit.lowered, tt.least, tt.max, tt.why)
				}
				if fell := !limit.fellAt.IsZero(); fell != (tt.why != "") {
					t.Errorf("it says when it fell: %t", fell)
				}
			})
		})
	}
}
