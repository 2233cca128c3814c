package limiter

import (
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// Jobs that are worked where they were made wait in their destination's backlog, each
// a few words in memory. A worker with a job from the queue waits in Acquire.

// JobsPerWorker is how many jobs, for each worker, may run or wait in a backlog.
const JobsPerWorker = 8

// probe is a job that probes. It waits for nothing but a worker.
type probe struct {
	state *state
	turn  func(got bool)
}

// Enqueue counts a job that is for a destination, and calls turn when there is a slot
// for it, at once or in its turn, or when it has waited for too long. A job that got a
// slot has no token yet: see AwaitToken. It ends with Finish, any other with Leave.
func (l *Limiter) Enqueue(id uuid.UUID, limits destination.Limits, u Urgency, turn func(got bool)) {
	l.mu.Lock()
	now := l.now()
	s := l.limited(id, limits)
	l.pool.enter(s)
	switch {
	case u == Probe && l.pool.running < l.pool.size:
		l.pool.running++
		l.pool.beginProbe(s, now)
		l.mu.Unlock()
		turn(true)
		return
	case u == Probe:
		l.pool.probes = append(l.pool.probes, probe{s, turn})
	case u == Normal && now.Before(s.coolsUntil):
		l.mu.Unlock()
		turn(false)
		return
	case s.workers.Len()+s.backlog.Len() == 0 && l.pool.running < l.pool.size && l.pool.hasSlot(s, now):
		l.pool.running++
		l.pool.begin(s, now)
		l.mu.Unlock()
		turn(true)
		return
	default:
		waiter{manual: u == Manual, since: now, turn: turn}.insert(&s.backlog)
		l.expireIn(s, BacklogWait)
		l.pool.takeTurns(s)
	}
	l.mu.Unlock()
}

// Finish says that a job is over that got a slot by Enqueue. It has given the slot
// back before.
func (l *Limiter) Finish(id uuid.UUID) {
	l.mu.Lock()
	now := l.now()
	l.pool.running--
	jobs := l.pool.feed(now)
	l.pool.leave(l.states.find(id), now)
	l.mu.Unlock()
	tell(jobs, true)
}

// expireIn has a backlog looked at after a time. l.mu is held.
func (l *Limiter) expireIn(s *state, wait time.Duration) {
	if !s.expiring {
		s.expiring = true
		time.AfterFunc(wait, func() { l.expire(s) })
	}
}

// expire sends the jobs away that have waited in a backlog for too long.
func (l *Limiter) expire(s *state) {
	l.mu.Lock()
	s.expiring = false
	var (
		late []waiter
		next = BacklogWait + 1
		now  = l.now()
	)
	for e := s.backlog.Front(); e != nil; {
		w, after := e.Value.(waiter), e.Next()
		left := BacklogWait - now.Sub(w.since)
		if left > 0 {
			next = min(next, left)
		} else {
			late = append(late, s.backlog.Remove(e).(waiter))
		}
		if left > 0 && !w.manual { // those behind it came later
			break
		}
		e = after
	}
	if s.backlog.Len() > 0 {
		l.expireIn(s, next)
	}
	l.mu.Unlock()
	tell(late, false)
}

// Drain sends all jobs away that wait in a backlog, or for a worker to probe with.
func (l *Limiter) Drain() {
	l.mu.Lock()
	var all []waiter
	for _, s := range l.states.byID {
		for s.backlog.Len() > 0 {
			all = append(all, s.backlog.Remove(s.backlog.Front()).(waiter))
		}
	}
	for _, p := range l.pool.probes {
		all = append(all, waiter{turn: p.turn})
	}
	l.pool.probes = nil
	l.mu.Unlock()
	tell(all, false)
}
