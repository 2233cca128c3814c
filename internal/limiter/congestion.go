package limiter

import (
	"container/list"
	"time"

	"github.com/google/uuid"
)

// A destination that says that it gets too much may have one attempt in flight from this
// process, and one more for each round of acks. What waits for it meanwhile is held, and
// spends nothing. Each process counts for itself. A process that reads in the
// destination's health that another process was told so begins with one as well.

// Narrow lets a destination have one attempt in flight, until it acks.
func (l *Limiter) Narrow(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	s.limit.narrow(s.inFlight, l.now())
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
