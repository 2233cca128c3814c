package dispatch

import (
	"container/list"
	"context"
	"time"

	"github.com/google/uuid"
)

// Calls with alerts for destinations that are quick wait at the door while these
// have more before them than they can take at once. One that is slow, or has a rate,
// or does not answer keeps no call waiting: what is for it is held. And a call waits
// for its own destinations only.

// worthwhile is how many deliveries a destination takes in a sixteenth of a second that
// is worth waiting for.
const worthwhile = 32

// caller is a call that waits at a door.
type caller struct {
	wants map[uuid.UUID]int // deliveries, by destination
	in    chan struct{}
	at    *lane
	place *list.Element
	early bool // it went in before its turn
}

// admit returns when there is room for a call's deliveries, or soon, and counts
// them as expected until they have arrived.
func (s *slots) admit(ctx context.Context, wants map[uuid.UUID]int, wait time.Duration) (arrived func()) {
	c := &caller{wants: wants, in: make(chan struct{})}
	s.mu.Lock()
	s.knock(c, s.now())
	waits := c.at != nil
	s.mu.Unlock()
	if waits {
		s.await(ctx, c, wait)
	}
	return func() { s.arrive(c) }
}

func (s *slots) await(ctx context.Context, c *caller, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-c.in:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.at != nil { // not let in in the same moment
		c.at.door.Remove(c.place)
		c.at, c.early = nil, true
	}
}

// knock lets a call in, or has it wait at the door of a lane that is full. s.mu is
// held.
func (s *slots) knock(c *caller, now time.Time) {
	for id, n := range c.wants {
		if l := s.find(id); s.full(id, l, n, now) {
			c.at, c.place = l, l.door.PushBack(c)
			s.guard(l)
			return
		}
	}
	s.let(c)
}

func (s *slots) let(c *caller) {
	c.at = nil
	for id, n := range c.wants {
		s.find(id).expected += n
	}
	close(c.in)
}

// guard looks at a lane's door from time to time: one where nothing comes out any
// more keeps nobody waiting. s.mu is held.
func (s *slots) guard(l *lane) {
	if l.guarded {
		return
	}
	l.guarded = true
	time.AfterFunc(guardEvery, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.guarded = false
		if s.letIn(l, s.now()); l.door.Len() > 0 {
			s.guard(l)
		}
	})
}

const guardEvery = patience / 10

// full reports whether it is worth waiting until the lane can take so many, or all
// it ever can. What is held goes first. s.mu is held.
func (s *slots) full(id uuid.UUID, l *lane, n int, now time.Time) bool {
	if l.took == 0 || l.bucket != nil || now.Before(l.closed) || l.present+l.expected == 0 {
		return false
	}
	allowed := s.allowed(l, now)
	line := s.inLine(l, allowed, patience/6, now)
	if line < worthwhile {
		return false
	}
	return s.held(id) || allowed+line-l.present-l.expected < min(n, allowed+line)
}

// letIn lets those in who wait at a lane's door, as far as there is room. s.mu is
// held.
func (s *slots) letIn(l *lane, now time.Time) {
	for e := l.door.Front(); e != nil; e = l.door.Front() {
		c := e.Value.(*caller)
		l.door.Remove(e)
		if s.knock(c, now); c.at == l {
			l.door.MoveToFront(c.place) // its turn it keeps
			return
		}
	}
}

// awaited is how many deliveries are expected, for which there was room.
func (s *slots) awaited(id uuid.UUID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id).expected
}

// arrive says that a call's deliveries are stored, or refused.
func (s *slots) arrive(c *caller) {
	if c.early {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for id, n := range c.wants {
		l := s.find(id)
		l.expected -= n
		s.letIn(l, now)
	}
}

// released says that a destination has no held deliveries any more.
func (s *slots) released(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letIn(s.find(id), s.now())
}
