package inbound

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Why a body was not taken.
var (
	ErrTooLarge = errors.New("the body is too large")
	ErrTooSlow  = errors.New("the body came too slowly")
	ErrFull     = errors.New("too many bodies are on their way")
	ErrBroken   = errors.New("the body broke off before its end")
)

// Bodies bound what a [Budget] gives out.
type Bodies struct {
	Small, Large int64 // bytes of all small bodies together, and of all others; the latter fit the largest body
	AtOnce       int   // bodies that are being read
	Waiting      int   // bodies that wait for room
	MaxWait      time.Duration
	Grace        time.Duration // after it a body must have come with Floor bytes a second from its start
	Floor        int64
	Now          func() time.Time
}

const (
	smallBody = 64 << 10 // up to here a body is small
	step      = 4 << 10  // what a body of unknown length begins with; it doubles

	// While a caller waits for room, a body that is this much behind this rate (bytes a
	// second) gives way.
	briskRate    = 1 << 20
	lateness     = 500 * time.Millisecond
	pushOutEvery = 100 * time.Millisecond

	manyCallers = 1000 // beyond so many, those that have nothing are forgotten

	maxInOrder = 32 // up to so many are served in order of arrival; of more the newest goes first
)

// Budget is the room for bodies, from before they are read until their requests are
// answered. Small bodies have a part of their own, and no caller gets more than three
// quarters of anything. While there is no room, a caller waits for a while, and bodies
// that stall give way. When too many wait, the oldest is refused, because its caller has
// most likely gone or never meant to finish.
type Budget struct {
	bounds Bodies

	mu      sync.Mutex
	used    [2]int64            // small, large
	callers map[string]*share   // who has some of it
	reading map[*Taken]struct{} // bodies that are on their way
	waiting []*waiter           // oldest first
	pushed  time.Time           // when bodies that stall were last pushed out
}

// share is what one caller has.
type share struct {
	used    [2]int64
	reading int
	waiting int
}

func (s *share) none() bool { return s.used == [2]int64{} && s.reading == 0 && s.waiting == 0 }

// waiter is a body that waits for room.
type waiter struct {
	t     *Taken
	n     int64
	ready chan bool // whether there is
}

// NewBudget returns an empty budget.
func NewBudget(bounds Bodies) *Budget {
	return &Budget{bounds: bounds, callers: map[string]*share{}, reading: map[*Taken]struct{}{}}
}

func (b *Budget) share(caller string) *share {
	s := b.callers[caller]
	if s == nil {
		s = new(share)
		b.callers[caller] = s
	}
	return s
}

// part returns which part a body of n bytes is paid from.
func part(n int64) int {
	if n <= smallBody {
		return 0
	}
	return 1
}

// lacks says what is missing for a body to have n bytes: room, or a place among the
// bodies that are read at a time. own: because its own caller has too much.
type lacks struct{ room, place, own bool }

func (b *Budget) lacks(t *Taken, n int64) lacks {
	p, s := part(n), b.share(t.caller)
	bounds := [2]int64{b.bounds.Small, b.bounds.Large}
	more := n
	if p == part(t.held) {
		more -= t.held
	}
	_, begun := b.reading[t]
	ownRoom := s.used[p]+more > bounds[p]/4*3
	ownPlace := !begun && s.reading >= max(1, b.bounds.AtOnce/4*3)
	return lacks{
		room:  ownRoom || b.used[p]+more > bounds[p],
		place: ownPlace || !begun && len(b.reading) >= b.bounds.AtOnce,
		own:   ownRoom || ownPlace,
	}
}

// give lets a body have n bytes.
func (b *Budget) give(t *Taken, n int64) {
	s := b.share(t.caller)
	b.used[part(t.held)] -= t.held
	s.used[part(t.held)] -= t.held
	t.held = n
	b.used[part(n)] += n
	s.used[part(n)] += n
	if _, begun := b.reading[t]; !begun {
		b.reading[t] = struct{}{}
		s.reading++
		t.began = b.bounds.Now()
	}
}

// reserve waits until a body can have n bytes in all.
func (b *Budget) reserve(ctx context.Context, t *Taken, n int64) error {
	b.mu.Lock()
	if b.lacks(t, n) == (lacks{}) {
		b.give(t, n)
		b.mu.Unlock()
		return nil
	}
	w := &waiter{t: t, n: n, ready: make(chan bool, 1)}
	b.enqueue(w)
	b.mu.Unlock()

	longest, again := time.NewTimer(b.bounds.MaxWait), time.NewTicker(pushOutEvery)
	defer longest.Stop()
	defer again.Stop()
	for {
		select {
		case ok := <-w.ready:
			if !ok {
				return ErrFull
			}
			return nil
		case <-again.C:
			b.pushOut()
		case <-longest.C:
			return b.leave(w, ErrFull)
		case <-ctx.Done():
			return b.leave(w, ctx.Err())
		}
	}
}

// enqueue has a body wait. Beyond the bound, of a caller's first, the oldest goes.
func (b *Budget) enqueue(w *waiter) {
	s := b.share(w.t.caller)
	switch {
	case s.waiting >= max(1, b.bounds.Waiting/4*3):
		i := slices.IndexFunc(b.waiting, func(o *waiter) bool { return o.t.caller == w.t.caller })
		b.dequeue(i, false)
	case len(b.waiting) >= b.bounds.Waiting:
		b.dequeue(0, false)
	}
	b.waiting = append(b.waiting, w)
	b.share(w.t.caller).waiting++
	w.t.waits = true
}

func (b *Budget) dequeue(i int, ok bool) {
	w := b.waiting[i]
	b.waiting = slices.Delete(b.waiting, i, i+1)
	b.share(w.t.caller).waiting--
	w.t.waits = false
	b.tidy(w.t.caller)
	w.ready <- ok
}

// leave gives up waiting, if it is not over already.
func (b *Budget) leave(w *waiter, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, w); i >= 0 {
		b.dequeue(i, false)
		return err
	}
	if <-w.ready {
		return nil
	}
	return ErrFull
}

// admit gives room to those that wait, as far as there is some. The lock is held.
func (b *Budget) admit() {
	newest := len(b.waiting) > maxInOrder
	for i := 0; i < len(b.waiting); {
		at := i
		if newest {
			at = len(b.waiting) - 1 - i
		}
		w := b.waiting[at]
		if b.lacks(w.t, w.n) != (lacks{}) {
			i++
			continue
		}
		b.give(w.t, w.n)
		b.dequeue(at, true)
	}
}

// pushOut ends bodies that stall, latest first, until there is as much room as the
// waiting bodies want. Bodies that were ended and have not given their room back yet
// count. Every waiting body calls it, but only one call in a while does anything, so
// that the cost does not grow with the square of how many wait.
func (b *Budget) pushOut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.bounds.Now()
	if now.Sub(b.pushed) < pushOutEvery/2 {
		return
	}
	b.pushed = now
	var late []*Taken
	for t := range b.reading {
		if t.ended || t.late(now) > lateness && !t.waits {
			late = append(late, t)
		}
	}
	slices.SortFunc(late, func(x, y *Taken) int {
		if x.ended != y.ended {
			return map[bool]int{true: -1, false: 1}[x.ended]
		}
		return cmp.Compare(y.late(now), x.late(now))
	})
	for _, w := range b.waiting {
		wants := b.lacks(w.t, w.n)
		if wants == (lacks{}) {
			continue
		}
		need := int64(1) // any body has a place
		if wants.room {
			need = w.n
		}
		for free, i := int64(0), 0; free < need && i < len(late); {
			t := late[i]
			if wants.room && part(t.held) != part(w.n) || wants.own && t.caller != w.t.caller {
				i++
				continue
			}
			free += max(t.held, 1)
			t.end()
			late = slices.Delete(late, i, i+1)
		}
	}
}

// done counts a body as read, unless it had to give way.
func (b *Budget) done(t *Taken) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.ended {
		return ErrTooSlow
	}
	b.stopReading(t)
	if len(b.waiting) > 0 {
		b.admit()
	}
	return nil
}

func (b *Budget) stopReading(t *Taken) {
	if _, ok := b.reading[t]; ok {
		delete(b.reading, t)
		b.share(t.caller).reading--
	}
}

// release takes all back that a body had.
func (b *Budget) release(t *Taken) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopReading(t)
	b.used[part(t.held)] -= t.held
	b.share(t.caller).used[part(t.held)] -= t.held
	t.held = 0
	b.tidy(t.caller)
	if len(b.waiting) > 0 {
		b.admit()
	}
}

// tidy forgets a caller that has nothing, once there are many to remember.
func (b *Budget) tidy(caller string) {
	if len(b.callers) > manyCallers && b.share(caller).none() {
		delete(b.callers, caller)
	}
}
