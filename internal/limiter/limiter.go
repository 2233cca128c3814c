// Package limiter decides in memory, for the attempts of one process, how much each
// destination gets: how many attempts are in flight, at what rate they begin, how
// many jobs wait in its backlog, and whether a call with new alerts waits a moment
// for room (admission). It also keeps what is believed about held deliveries, so
// that they are released when there is room for them. It has no database: what it
// knows may be lost at any time, and is then found out anew.
//
// A Limiter has one [pool] of workers and one [state] for each destination. One mutex
// guards all of them. An attempt's way: Enter and Acquire, or Enqueue, for a slot;
// AwaitToken for the rate; Release when it has ended; Leave or Finish when it is
// recorded.
package limiter

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

const (
	// WorkerWait is how long a worker waits for a slot of its destination. It bridges
	// the moments between one answer and the next. A destination that needs more has
	// what waits for it held.
	WorkerWait = 250 * time.Millisecond

	// BacklogWait is how long a job waits in the backlog, where it keeps no worker busy.
	BacklogWait = 4 * WorkerWait
)

// Limiter limits what this process sends to each destination. Its methods may be
// called by many goroutines.
type Limiter struct {
	replicas func() int // that share a destination's rate
	now      func() time.Time

	mu           sync.Mutex
	pool         pool
	states       states
	waitingCalls int // that wait for admission
	looks        looks
}

// New returns a limiter for a number of workers. replicas says how many processes share a
// destination's rate, this one included.
func New(workers int, replicas func() int, now func() time.Time) *Limiter {
	return &Limiter{
		replicas: replicas,
		now:      now,
		pool:     pool{size: workers},
		states:   states{byID: map[uuid.UUID]*state{}},
		looks:    looks{wake: make(chan struct{}, 1)},
	}
}

// Urgency says who goes first.
type Urgency int

// The urgencies of an attempt.
const (
	Normal Urgency = iota
	Manual         // a person asked for this very delivery: it goes before all others, within the limits
	Probe          // one at a time, to a destination that keeps failing: it goes whatever the limits say
)

// Enter counts a job that is for a destination, until Leave.
func (l *Limiter) Enter(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pool.enter(l.states.find(id))
}

// Leave says that a job is over that was counted by Enter, or whose turn did not come
// in the backlog.
func (l *Limiter) Leave(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pool.leave(l.states.find(id), l.now())
}

// limited returns a destination's state, with its limits of now. l.mu is held.
func (l *Limiter) limited(id uuid.UUID, limits destination.Limits) *state {
	s := l.states.find(id)
	s.limits = limits
	s.setRate(l.replicas(), l.now())
	return s
}

// Acquire waits for a slot, and then for the rate, for WorkerWait each at most. It reports
// whether the caller has got a slot, which the caller gives back with Release.
func (l *Limiter) Acquire(ctx context.Context, id uuid.UUID, limits destination.Limits, u Urgency) bool {
	l.mu.Lock()
	now := l.now()
	s := l.limited(id, limits)
	allowed := l.pool.allowed(s, now)
	first, mayWait := s.workers.Len() == 0 || u == Manual, s.workers.Len() < l.pool.mayWait(s, allowed, now)
	switch {
	case u == Probe:
		l.pool.beginProbe(s, now)
		l.mu.Unlock()
		return true
	case u == Normal && now.Before(s.coolsUntil):
		l.mu.Unlock()
		return false
	case first && l.pool.hasSlot(s, now):
		l.pool.begin(s, now)
		l.mu.Unlock()
		return l.AwaitToken(ctx, id)
	case !mayWait:
		l.mu.Unlock()
		return false
	}
	turn := make(chan bool, 1)
	place := waiter{manual: u == Manual, since: now, turn: func(got bool) { turn <- got }}.insert(&s.workers)
	l.pool.taken++
	l.mu.Unlock()
	return l.awaitTurn(ctx, s, place, turn) && l.AwaitToken(ctx, id)
}

// awaitTurn waits until Release hands a slot over.
func (l *Limiter) awaitTurn(ctx context.Context, s *state, place *list.Element, turn chan bool) bool {
	timer := time.NewTimer(WorkerWait)
	defer timer.Stop()
	select {
	case got := <-turn:
		return got
	case <-timer.C:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case got := <-turn: // in the same moment
		return got
	default:
	}
	s.workers.Remove(place)
	l.pool.taken--
	return false
}

// Outcome is what an attempt says about its destination.
type Outcome struct {
	Took    time.Duration // 0: no attempt was made
	Acked   bool
	TooMuch bool          // the destination says that it gets too much
	Strain  bool          // it did not answer in time, or says that it is not available
	Pause   time.Duration // for how long it asks to be left alone
}

// Release gives a slot back, and hands it to whoever has waited for longest.
func (l *Limiter) Release(id uuid.UUID, o Outcome) {
	l.mu.Lock()
	s, now := l.states.find(id), l.now()
	var away []waiter
	l.pool.heed(s, o, now) // before its slot goes to the next
	if o.Pause > 0 {
		away = l.pool.coolDown(s, now.Add(o.Pause))
	}
	s.inFlight--
	l.pool.taken--
	s.learn(o.Took, now)
	jobs := l.pool.handOver(s, now)
	l.mu.Unlock()
	tell(away, false)
	tell(jobs, true)
}

// Room returns how many more deliveries the destination can take from this process: as
// many as may be in flight, and as many as will have had their turn after a wait, less
// the jobs that are here already. A rate may leave less.
func (l *Limiter) Room(id uuid.UUID, limits destination.Limits, wait time.Duration) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	s := l.limited(id, limits)
	if now.Before(s.coolsUntil) {
		return 0
	}
	allowed := l.pool.allowed(s, now)
	room := allowed + l.pool.maxBacklog(s, allowed, wait, now)
	if s.bucket != nil {
		soon := s.bucket.TokensAt(now) + float64(s.bucket.Limit())*WorkerWait.Seconds()
		room = min(room, s.inFlight+max(0, int(soon)))
	}
	return room - s.jobs
}

// Taken returns how many workers send, or wait for a slot. It is for the tests of those
// who use a limiter: they hold that no slot leaks.
func (l *Limiter) Taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pool.taken
}
