package limiter

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// Held deliveries wait in the database. What is believed about them here only saves time:
// once a second the releasing side asks the table anyway.

// maxLookDelay is the longest time after which a destination is looked at again by a
// timer. What takes longer is left to the regular look at the table.
const maxLookDelay = time.Minute

// beliefs is what the releasing side believes about a destination.
type beliefs struct {
	any    bool // it has held deliveries
	ahead  bool // some of them go before any new one
	manual bool // some of them a person asked for
	due    bool // it is to be looked at now
	timed  bool // it is to be looked at in a while
}

// looks are the destinations to look at.
type looks struct {
	due  []uuid.UUID
	wake chan struct{}
}

func (k *looks) add(s *state) {
	if !s.held.due {
		s.held.due = true
		k.due = append(k.due, s.id)
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Held says what is held for a destination, beside what is known already.
type Held struct {
	Ahead  bool // it goes before any new delivery
	Manual bool // a person asked for it
	Look   bool // there may be room for it now: the destination is looked at at once, not only when room appears
}

// NoteHeld says that a destination has held deliveries.
func (l *Limiter) NoteHeld(id uuid.UUID, h Held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	s.held.any = true
	s.held.ahead = s.held.ahead || h.Ahead
	s.held.manual = s.held.manual || h.Manual
	if h.Look {
		l.looks.add(s)
	}
}

// NoneAhead says that a destination has no held deliveries that go before new ones.
func (l *Limiter) NoneAhead(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	s.held.ahead = false
	s.admitWaiting(l.now())
}

// NoneHeld says that a destination has nothing held that could go, but maybe what a
// person asked for.
func (l *Limiter) NoneHeld(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	s.held.ahead, s.held.any = false, s.held.manual
	s.admitWaiting(l.now())
}

// TakeManual reports whether a destination is believed to have held deliveries that a
// person asked for, and forgets it. Whoever leaves some says so with NoteHeld.
func (l *Limiter) TakeManual(id uuid.UUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	manual := s.held.manual
	s.held.manual = false
	return manual
}

// Deleted says that a destination is deleted, and so has nothing held.
func (l *Limiter) Deleted(id uuid.UUID) {
	l.TakeManual(id)
	l.NoneHeld(id)
}

// Freed says that a destination may have room again: it is looked at if it has held
// deliveries.
func (l *Limiter) Freed(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.states.find(id); s.held.any {
		l.looks.add(s)
	}
}

// LookWhenRated looks at a destination again when its rate allows another attempt.
func (l *Limiter) LookWhenRated(id uuid.UUID, limits destination.Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.limited(id, limits)
	l.lookIn(s, max(WorkerWait/4, s.tokenIn(l.now())-WorkerWait))
}

// LookWhenCool looks at a destination again when the time is over for which it asked to be
// left alone. It may have asked this process, or another one: slowUntil is what its health
// says. Until then it may have one attempt in flight, as if it had asked this process.
func (l *Limiter) LookWhenCool(id uuid.UUID, slowUntil time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, now := l.states.find(id), l.now()
	if wait := max(s.coolsUntil.Sub(now), slowUntil.Sub(now)); wait > 0 && wait <= maxLookDelay {
		l.lookIn(s, wait)
	}
	if now.Before(slowUntil) {
		s.window = 1
	}
}

// lookIn looks at a destination after a time, or when an earlier such look is due. l.mu
// is held.
func (l *Limiter) lookIn(s *state, wait time.Duration) {
	if s.held.timed {
		return
	}
	s.held.timed = true
	time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		s.held.timed = false
		l.looks.add(s)
	})
}

// Looks has something in it when there are destinations to look at.
func (l *Limiter) Looks() <-chan struct{} { return l.looks.wake }

// TakeLooks returns the destinations to look at, in the order in which the database
// sorts them, and forgets that they are.
func (l *Limiter) TakeLooks() []uuid.UUID {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := l.looks.due
	l.looks.due = nil
	for _, id := range ids {
		l.states.find(id).held.due = false
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}
