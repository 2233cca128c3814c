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

// worthwhile is how many deliveries a destination takes in the time that its line
// is to last which make it quick: some 800 a second.
const worthwhile = 32

// hopeless is for how long nobody waits at a door where somebody has waited in vain.
const hopeless = time.Second

// caller is a call that comes to the doors of its destinations.
type caller struct {
	wants map[uuid.UUID]int  // deliveries, by destination
	room  map[uuid.UUID]bool // where there was room for them
	in    chan struct{}
	at    *lane // where it waits, and for which destination
	atID  uuid.UUID
	place *list.Element
}

// has reports whether there was room for the call's deliveries to a destination:
// then they need not be held, whatever the line looks like now.
func (c *caller) has(id uuid.UUID) bool { return c != nil && c.room[id] }

// admit returns when there is room for a call's deliveries, or soon. Where there is,
// they are expected until the call is said to have arrived.
func (s *slots) admit(ctx context.Context, wants map[uuid.UUID]int, wait time.Duration) *caller {
	c := &caller{wants: wants, room: map[uuid.UUID]bool{}, in: make(chan struct{})}
	s.mu.Lock()
	now := s.now()
	s.knock(c, now)
	if c.at != nil && (wait == 0 || s.atDoors == maxAtDoors || now.Before(c.at.hopeless)) {
		s.skip(c)
	}
	waits := c.at != nil
	if waits {
		s.atDoors++
	}
	s.mu.Unlock()
	if waits {
		s.await(ctx, c, wait)
	}
	return c
}

// maxAtDoors leaves most of the calls that may be under way at once to those that
// wait for nothing.
const maxAtDoors = 256

// skip has a call go in before its turn: what there is no room for is held.
func (s *slots) skip(c *caller) {
	c.at.door.Remove(c.place)
	c.at = nil
}

func (s *slots) await(ctx context.Context, c *caller, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	inVain := false
	select {
	case <-c.in:
	case <-timer.C:
		inVain = true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atDoors--
	if c.at == nil { // let in, be it in the same moment
		return
	}
	if inVain {
		c.at.hopeless = s.now().Add(hopeless)
	}
	s.skip(c)
}

// knock lets a call in, or has it wait at the door of a lane that is full. s.mu is
// held.
func (s *slots) knock(c *caller, now time.Time) {
	for id, n := range c.wants {
		l := s.find(id)
		if kept, room := s.door(id, l, n, now); kept && !room {
			c.at, c.atID, c.place = l, id, l.door.PushBack(c)
			s.guard(l)
			return
		}
	}
	c.at = nil
	for id, n := range c.wants {
		l := s.find(id)
		if _, room := s.door(id, l, n, now); room {
			c.room[id] = true
			l.expected += n
			s.inside += n
		}
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

// door reports whether it is worth waiting for a lane, and whether it has room for
// so many. What is held because it is busy goes first. s.mu is held.
func (s *slots) door(id uuid.UUID, l *lane, n int, now time.Time) (kept, room bool) {
	if l.took == 0 || l.bucket != nil || now.Before(l.closed) {
		return false, false
	}
	allowed := s.allowed(l, now)
	line := s.inLine(l, allowed, patience/6, now)
	if line < worthwhile {
		return false, false
	}
	queued, here := s.queued(id), l.present+l.expected
	fits := here+n <= allowed+line || here == 0 && n <= manyAtOnce
	return queued || here > 0, fits && !queued && s.inside+n <= maxDirect*s.workers
}

// letIn lets those in who wait at a lane's door and for whom there is room: not only
// the first, who may want much of it. s.mu is held.
func (s *slots) letIn(l *lane, now time.Time) {
	e := l.door.Front()
	for left := 0; e != nil && left < 8; {
		c, next := e.Value.(*caller), e.Next()
		if kept, room := s.door(c.atID, l, c.wants[c.atID], now); kept && !room {
			left++
		} else {
			l.door.Remove(e)
			s.knock(c, now) // there may be another door
		}
		e = next
	}
}

// arrive says that a call's deliveries are stored, or refused.
func (s *slots) arrive(c *caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for id := range c.room {
		l := s.find(id)
		l.expected -= c.wants[id]
		s.inside -= c.wants[id]
		s.letIn(l, now)
	}
}

// released says that a destination has no held deliveries any more.
func (s *slots) released(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letIn(s.find(id), s.now())
}
