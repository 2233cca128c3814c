package limiter

import (
	"container/list"
	"time"

	"github.com/google/uuid"
)

// A destination that says that it gets too much may have one attempt in flight from this
// process, and one more for each round of acks, until it has as many as its limits say
// (additive increase, multiplicative decrease). What waits for it meanwhile is held, and
// spends nothing. Each process counts for itself. A process that reads in the
// destination's health that another process was told so begins with one as well.

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

// congestionLimit is how many attempts a destination may have in flight, of those allowed,
// after it said that it gets too much.
func (s *state) congestionLimit(allowed int) int {
	if s.window == 0 {
		return allowed
	}
	return min(allowed, int(s.window))
}

// coolDown leaves a destination alone until a time, except for what a person asks for.
// Workers that wait for it are sent away at once, and the jobs to send away are returned.
// Afterwards the destination is treated as if nothing were known of it.
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

// removeNormal takes all waiters out of a list that no person asked for.
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
