package limiter

import (
	"container/list"
	"time"

	"github.com/google/uuid"
)

// A destination that says that it gets too much may have one attempt in flight from
// here, and more as it acks: one more for each round of acks, until it has as many
// as its limits say (additive increase, multiplicative decrease). What waits for it
// meanwhile is held, and spends nothing. Each process finds this out by itself; one
// that reads in the destination's health that another was told so begins with one as
// well.

// Narrow lets a destination have one attempt in flight, until it acks.
func (l *Limiter) Narrow(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states.find(id).window = 1
}

// widen lets a destination that has acked have more in flight.
func (s *state) widen() {
	if s.window == 0 {
		return
	}
	if s.window += 1 / s.window; int(s.window) >= s.limits.MaxInFlight {
		s.window = 0
	}
}

// congestionLimit is how many of the attempts that it is allowed a destination may have in
// flight after what it said.
func (s *state) congestionLimit(allowed int) int {
	if s.window == 0 {
		return allowed
	}
	return min(allowed, int(s.window))
}

// coolDown leaves a destination alone until a time, but for what a person asks for.
// Workers that wait for it are sent away at once, and the jobs to send away are
// returned. Then one begins with the destination as if nothing were known.
func (p *pool) coolDown(s *state, until time.Time) (away []waiter) {
	s.latency = 0
	if until.After(s.coolsUntil) {
		s.coolsUntil = until
	}
	for _, w := range removeNormal(&s.workers) {
		p.taken--
		w.turn(false)
	}
	return removeNormal(&s.backlog)
}

// removeNormal takes those out of a list that nobody asked for.
func removeNormal(in *list.List) (removed []waiter) {
	for e := in.Front(); e != nil; {
		next := e.Next()
		if w := e.Value.(waiter); !w.manual {
			in.Remove(e)
			removed = append(removed, w)
		}
		e = next
	}
	return removed
}
