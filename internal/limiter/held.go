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

	// WhenIdle is for what found no room: the destination is looked at at once if it has
	// no attempt in flight, because then nobody will say that room appears.
	WhenIdle bool
}

// NoteHeld says that a destination has held deliveries.
func (l *Limiter) NoteHeld(id uuid.UUID, h Held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	s.held.note(h)
	s.noted.note(h)
	if h.Look || h.WhenIdle && s.inFlight == 0 {
		l.looks.add(s)
	}
}

func (b *beliefs) note(h Held) {
	b.any = true
	b.ahead = b.ahead || h.Ahead
	b.manual = b.manual || h.Manual
}

// Found is what a look at the table has found out about a destination's held
// deliveries, once its transaction is committed. Of what it does not know nothing new
// is believed.
type Found struct {
	NoneAhead  bool // none is left that goes before new ones
	NoneManual bool // none is left that a person asked for and that could go
	// None: none is left that could go now, but maybe what a person asked for. What may go
	// later is found by a timer (LookWhenCool), or by the look at all that is held.
	None bool
	More bool // there are more than one look takes
}

// BeginLook is called before the table is looked at. What is noted from then on is not
// undone by what the look finds, which may not have seen it.
func (l *Limiter) BeginLook(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states.find(id).noted = beliefs{}
}

// EndLook says what a look has found. It is not called after a look that was rolled
// back: then all is as it was believed before.
func (l *Limiter) EndLook(id uuid.UUID, f Found) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.states.find(id)
	if f.NoneManual {
		s.held.manual = s.noted.manual
	}
	if f.None || f.NoneAhead {
		s.held.ahead = s.noted.ahead
	}
	if f.None {
		s.held.any = s.held.manual || s.noted.any
	}
	if f.More {
		l.looks.add(s)
	}
	s.admitWaiting(l.now())
}

// HasManual reports whether a destination is believed to have held deliveries that a
// person asked for.
func (l *Limiter) HasManual(id uuid.UUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.states.find(id).held.manual
}

// Deleted says that a destination is deleted, and so has nothing held.
func (l *Limiter) Deleted(id uuid.UUID) {
	l.BeginLook(id)
	l.EndLook(id, Found{NoneManual: true, None: true})
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
		s.limit.narrow(s.inFlight, now)
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
