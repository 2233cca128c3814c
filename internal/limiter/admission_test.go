package limiter

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// calls counts those that were admitted.
type calls struct {
	*Limiter
	noted   sync.Mutex
	made    int
	in      []int // in the order in which they were admitted
	callers []*Admission
}

// call has calls come one after the other, each with one delivery to each.
func (c *calls) call(ctx context.Context, n int, to ...uuid.UUID) {
	for range n {
		name := c.made
		c.made++
		wants := map[uuid.UUID]int{}
		for _, id := range to {
			wants[id] = 1
		}
		go func() {
			caller := c.Admit(ctx, wants, WorkerWait)
			c.noted.Lock()
			defer c.noted.Unlock()
			c.callers = append(c.callers, caller)
			c.in = append(c.in, name)
		}()
		synctest.Wait()
	}
}

// arriveAll has all that was admitted arrive as jobs.
func (c *calls) arriveAll(to uuid.UUID) {
	synctest.Wait()
	c.noted.Lock()
	callers := c.callers
	c.callers = nil
	c.noted.Unlock()
	for _, caller := range callers {
		c.Enter(to)
		caller.Arrived()
	}
	synctest.Wait()
}

// awaited is how many deliveries are expected.
func (c *calls) awaited(id uuid.UUID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states.find(id).expected
}

func (c *calls) want(t *testing.T, what string, in int) {
	t.Helper()
	if got := c.inside(); got != in {
		t.Errorf("%s: %d calls were admitted, want %d", what, got, in)
	}
}

// inside returns how many were admitted.
func (c *calls) inside() int {
	synctest.Wait()
	c.noted.Lock()
	defer c.noted.Unlock()
	return len(c.in)
}

// filled returns calls of which a destination has as many as it can take, and
// how many that are.
func filled(t *testing.T, id uuid.UUID) (*calls, int) {
	t.Helper()
	c := &calls{Limiter: newLimiter(64)}
	c.learn(id, quickly)
	c.limit(id, atMost(16))
	c.call(t.Context(), 200, id)
	n := c.inside()
	if n < 16+minBacklog || n >= 200 {
		t.Fatalf("%d of 200 calls were admitted, want what a moment takes", n)
	}
	return c, n
}

// A call waits while its destination has enough to do, and goes in as something
// comes out, the first first.
func TestAdmission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		c, n := filled(t, id)
		c.arriveAll(id)
		c.want(t, "what waits has not come out", n)
		for i := range 5 {
			c.Leave(id)
			c.want(t, "one came out", n+i+1)
		}
		if !slices.IsSorted(c.in) {
			t.Errorf("they were admitted in the order %v", c.in)
		}
		other := c.learn(idOf(2), quickly)
		c.call(t.Context(), 1, other)
		c.want(t, "for another destination", n+6)
		ctx, cancel := context.WithCancel(t.Context())
		c.call(ctx, 1, id)
		c.want(t, "behind the others", n+6)
		cancel()
		c.want(t, "whose producer has left", n+7)
		expected := c.awaited(id)
		time.Sleep(WorkerWait) // in the bubble's time
		c.want(t, "nobody waits for longer", 202)
		if got := c.awaited(id); got != expected {
			t.Errorf("%d are expected, want %d: for others there is no room", got, expected)
		}
		c.arriveAll(id)
		if got := c.awaited(id) + c.awaited(other); got != 0 {
			t.Errorf("all have arrived, and %d are expected", got)
		}
	})
}

// A call of which nothing arrives makes room when it is over.
func TestAdmissionAfterRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, n := filled(t, idOf(1))
		c.callers[0].Arrived()
		c.want(t, "one was refused", n+1)
		time.Sleep(WorkerWait)
	})
}

// Where a call has waited in vain, the next do not try.
func TestAdmissionInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		c, n := filled(t, id)
		waiting := 200 - n
		time.Sleep(WorkerWait)
		c.want(t, "they have waited", n+waiting)
		c.call(t.Context(), 5, id)
		c.want(t, "there is still no room", 205)
		time.Sleep(admissionCooldown)
		c.call(t.Context(), 5, id)
		c.want(t, "it is worth a try again", 205)
		time.Sleep(WorkerWait)
	})
}

// One that wants much does not keep those behind it, who want little; and there is
// room only for as many as may be at work here at all.
func TestAdmissionOfBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		c, n := filled(t, id)
		batch := make(chan *Admission)
		go func() { batch <- c.Admit(t.Context(), map[uuid.UUID]int{id: n}, time.Hour) }()
		synctest.Wait()
		c.arriveAll(id)
		for i := range 3 {
			c.Leave(id)
			c.want(t, "one came out", n+i+1)
		}
		time.Sleep(WorkerWait) // the others go in
		c.arriveAll(id)
		for range 200 - 3 {
			c.Leave(id)
		}
		big := <-batch
		if !big.Has(id) || c.awaited(id) != n {
			t.Errorf("room for the batch: %v, and %d are expected, want %d", big.Has(id), c.awaited(id), n)
		}
		big.Arrived()
		all := c.Admit(t.Context(), map[uuid.UUID]int{id: JobsPerWorker * 64 * 2}, time.Hour)
		if all.Has(id) {
			t.Error("there is room for more than may be at work here")
		}
	})
}

// A call that wants little passes one before it that wants more than there is room for.
func TestAdmissionPassesLargeCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		_, n := filled(t, id)
		c := &calls{Limiter: newLimiter(64)}
		c.learn(id, quickly)
		c.limit(id, atMost(16))
		for range n {
			c.Enter(id)
		}
		large := make(chan *Admission, 1)
		go func() { large <- c.Admit(t.Context(), map[uuid.UUID]int{id: 20}, WorkerWait) }()
		synctest.Wait()
		c.call(t.Context(), 1, id)
		c.want(t, "there is no room", 0)
		c.Leave(id)
		c.want(t, "there is room for one", 1)
		if len(large) > 0 {
			t.Error("there is no room for twenty")
		}
		time.Sleep(WorkerWait)
	})
}

// Most of the calls that may be under way are for those that wait for nothing.
func TestAdmissionOfManyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		c, n := filled(t, id)
		waiting := 200 - n
		c.call(t.Context(), maxWaitingCalls-waiting, id)
		c.want(t, "all wait", n)
		expected := c.awaited(id)
		c.call(t.Context(), 3, id)
		c.want(t, "there is no room to wait", n+3)
		if got := c.awaited(id); got != expected {
			t.Errorf("%d are expected, want %d", got, expected)
		}
		time.Sleep(WorkerWait)
		c.want(t, "they have waited", n+3+maxWaitingCalls)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.waitingCalls != 0 {
			t.Errorf("%d calls are said to wait", c.waitingCalls)
		}
	})
}

// What is held goes before what comes new.
func TestAdmissionWhileHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		c := &calls{Limiter: newLimiter(64)}
		c.NoteHeld(id, Held{Ahead: true})
		c.learn(id, quickly)
		c.limit(id, atMost(16))
		c.call(t.Context(), 3, id)
		c.want(t, "there is room, but for others", 0)
		c.look(id, Found{NoneAhead: true})
		c.want(t, "none is held", 3)
	})
}

// Where waiting is of no use nobody waits.
func TestAdmissionAtOnce(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*Limiter, uuid.UUID){
		"nothing is known": func(l *Limiter, id uuid.UUID) { l.limit(id, atMost(16)) },
		"it is slow":       func(l *Limiter, id uuid.UUID) { l.learn(id, slowly); l.limit(id, atMost(16)) },
		"it has a rate":    func(l *Limiter, id uuid.UUID) { l.learn(id, quickly); l.limit(id, rated(1, 1)) },
		"it wants to be left": func(l *Limiter, id uuid.UUID) {
			l.learn(id, quickly)
			l.limit(id, atMost(16))
			l.coolUntil(id, time.Now().Add(time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &calls{Limiter: newLimiter(64)}
				prepare(c.Limiter, idOf(1))
				c.call(t.Context(), 500, idOf(1))
				c.want(t, "all at once", 500)
				if n := c.awaited(idOf(1)); n != 0 {
					t.Errorf("there is room for %d, want none: what the backlog cannot take is held", n)
				}
			})
		})
	}
}

// A destination that was quick and no longer answers keeps nobody waiting.
func TestAdmissionWhereNothingComesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := idOf(1)
		c, _ := filled(t, id)
		c.arriveAll(id)
		for range 16 {
			c.start(id)
		}
		c.limit(id, atMost(16))
		began := time.Now()
		for c.inside() < 200 {
			time.Sleep(admissionCheck)
		}
		if waited := time.Since(began); waited > WorkerWait/2 {
			t.Errorf("the last of them waited %s", waited)
		}
	})
}
