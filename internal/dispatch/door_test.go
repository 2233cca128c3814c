package dispatch

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// limit says what a destination's limits are.
func (s *slots) limit(id uuid.UUID, limits destination.Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lane(id, limits)
}

// calls counts those that were let in.
type calls struct {
	*slots
	noted   sync.Mutex
	made    int
	in      []int // in the order in which they were let in
	arrived []func()
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
			arrived := c.admit(ctx, wants, patience)
			c.noted.Lock()
			defer c.noted.Unlock()
			c.arrived = append(c.arrived, arrived)
			c.in = append(c.in, name)
		}()
		synctest.Wait()
	}
}

// arriveAll has what was let in stand in line.
func (c *calls) arriveAll(to uuid.UUID) {
	n := len(c.arrived)
	for range n {
		c.enter(to)
	}
	for _, arrived := range c.arrived[:n] {
		arrived()
	}
	c.arrived = c.arrived[n:]
	synctest.Wait()
}

func (c *calls) want(t *testing.T, what string, in int) {
	t.Helper()
	if got := c.inside(); got != in {
		t.Errorf("%s: %d calls were let in, want %d", what, got, in)
	}
}

// inside returns how many were let in.
func (c *calls) inside() int {
	synctest.Wait()
	c.noted.Lock()
	defer c.noted.Unlock()
	return len(c.in)
}

// filled returns slots of which a destination has as many calls as it can take, and
// how many that are.
func filled(t *testing.T, id uuid.UUID) (*calls, int) {
	t.Helper()
	c := &calls{slots: soleSlots(64)}
	c.learn(id, quickly)
	c.limit(id, atMost(16))
	c.call(t.Context(), 200, id)
	n := c.inside()
	if n < 16+worthwhile || n >= 200 {
		t.Fatalf("%d of 200 calls were let in, want what a moment takes", n)
	}
	return c, n
}

// A call waits while its destination has enough to do, and goes in as something
// comes out, the first first.
func TestDoor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := laneID(1)
		c, n := filled(t, id)
		c.arriveAll(id)
		c.want(t, "standing in line is not coming out", n)
		for i := range 5 {
			c.leave(id)
			c.want(t, "one came out", n+i+1)
		}
		if !slices.IsSorted(c.in) {
			t.Errorf("they were let in in the order %v", c.in)
		}
		other := c.learn(laneID(2), quickly)
		c.call(t.Context(), 1, other)
		c.want(t, "for another destination", n+6)
		ctx, cancel := context.WithCancel(t.Context())
		c.call(ctx, 1, id)
		c.want(t, "behind the others", n+6)
		cancel()
		c.want(t, "whose producer has left", n+7)
		expected := c.awaited(id)
		time.Sleep(patience) // in the bubble's time
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
func TestDoorAfterRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, n := filled(t, laneID(1))
		c.arrived[0]()
		c.want(t, "one was refused", n+1)
		time.Sleep(patience)
	})
}

// What is held goes before what comes new.
func TestDoorWhileHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id, held := laneID(1), true
		c := &calls{slots: newSlots(64, func() int { return 1 }, func(uuid.UUID) bool { return held }, time.Now)}
		c.learn(id, quickly)
		c.limit(id, atMost(16))
		c.call(t.Context(), 1, id)
		c.want(t, "nothing is at work", 1)
		c.arriveAll(id)
		c.call(t.Context(), 3, id)
		c.want(t, "there is room, but for others", 1)
		held = false
		c.released(id)
		c.want(t, "none is held", 4)
	})
}

// Where waiting is of no use nobody waits.
func TestDoorStandsOpen(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*slots, uuid.UUID){
		"nothing is known": func(s *slots, id uuid.UUID) { s.limit(id, atMost(16)) },
		"it is slow":       func(s *slots, id uuid.UUID) { s.learn(id, slowly); s.limit(id, atMost(16)) },
		"it has a rate":    func(s *slots, id uuid.UUID) { s.learn(id, quickly); s.limit(id, rated(1, 1)) },
		"it wants to be left": func(s *slots, id uuid.UUID) {
			s.learn(id, quickly)
			s.limit(id, atMost(16))
			s.shut(id, time.Now().Add(time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &calls{slots: soleSlots(64)}
				prepare(c.slots, laneID(1))
				c.call(t.Context(), 500, laneID(1))
				c.want(t, "all at once", 500)
			})
		})
	}
}

// A destination that was quick and no longer answers keeps nobody waiting.
func TestDoorOfTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := laneID(1)
		c, _ := filled(t, id)
		c.arriveAll(id)
		for range 16 {
			c.start(id)
		}
		c.limit(id, atMost(16))
		began := time.Now()
		for c.inside() < 200 {
			time.Sleep(guardEvery)
		}
		if waited := time.Since(began); waited > patience/2 {
			t.Errorf("the last of them waited %s", waited)
		}
	})
}
