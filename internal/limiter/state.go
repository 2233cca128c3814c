package limiter

import (
	"container/list"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"belfry/internal/destination"
)

const (
	// initialLatency is how long an attempt is taken to last before one has ended.
	initialLatency = 100 * time.Millisecond

	maxStates = 10_000 // destinations remembered, beside those in use
)

// state is what is known of one destination. The limiter's mutex guards it.
type state struct {
	id     uuid.UUID
	recent *list.Element // its place in states.recent
	limits destination.Limits

	jobs     int       // that are here, until their attempt is recorded
	inFlight int       // attempts
	workers  list.List // of waiter: workers that wait for a slot
	backlog  list.List // of waiter: jobs that wait in memory and keep no worker busy
	expiring bool      // a timer looks at the backlog
	inTurns  bool      // it is in pool.turns

	latency    time.Duration // moving mean of what attempts took; 0: none has ended
	progressAt time.Time     // when an attempt ended, or the first of those in flight began

	bucket     *rate.Limiter // nil: no rate
	limit      adaptiveLimit // attempts in flight that it can take
	coolsUntil time.Time     // until when the destination asked to be left alone

	admissions   list.List // of *Admission: calls that wait until there is room
	watched      bool      // a timer looks at the admissions
	noAdmissions time.Time // until when no call waits
	expected     int       // deliveries of calls that were admitted, and have not arrived yet

	held  beliefs
	noted beliefs // the same, as far as it was noted since a look at the table began
}

// inUse reports whether forgetting the state would lose more than experience.
func (s *state) inUse() bool {
	return s.jobs > 0 || s.inFlight > 0 || s.workers.Len() > 0 || s.backlog.Len() > 0 ||
		s.admissions.Len() > 0 || s.expected > 0 || s.held != beliefs{}
}

// idle reports whether the destination has had no attempt for so long that a large limit
// says nothing any more.
func (s *state) idle(now time.Time) bool { return s.inFlight == 0 && now.Sub(s.progressAt) > idleReset }

// expectedLatency is how long an attempt is taken to last: as the last ones did, or
// for as long as none has ended.
func (s *state) expectedLatency(now time.Time) time.Duration {
	latency := s.latency
	if latency == 0 {
		latency = initialLatency
	}
	if s.inFlight > 0 {
		latency = max(latency, now.Sub(s.progressAt))
	}
	return latency
}

// learn says how long an attempt took; 0: none was made.
func (s *state) learn(took time.Duration, now time.Time) {
	if took == 0 || now.Before(s.coolsUntil) {
		return
	}
	s.progressAt = now
	if s.latency == 0 {
		s.latency = took
	}
	s.latency += (took - s.latency) / 8
}

// states are the destinations that are known. Those that were used longest ago are
// forgotten when there are too many.
type states struct {
	byID   map[uuid.UUID]*state
	recent list.List // of *state: the one that was used longest ago comes first
}

// find returns the state of a destination, which is new where none is known.
func (ss *states) find(id uuid.UUID) *state {
	if s, ok := ss.byID[id]; ok {
		ss.recent.MoveToBack(s.recent)
		return s
	}
	ss.evict()
	s := &state{id: id}
	s.recent = ss.recent.PushBack(s)
	ss.byID[id] = s
	return s
}

// evict makes room for one more state. It looks at a few states only. If all of these are
// in use, there are more than maxStates for a while.
func (ss *states) evict() {
	const most = 8
	for n := 0; n < most && len(ss.byID) >= maxStates; n++ {
		oldest := ss.recent.Front()
		if s := oldest.Value.(*state); s.inUse() {
			ss.recent.MoveToBack(oldest)
		} else {
			ss.recent.Remove(oldest)
			delete(ss.byID, s.id)
		}
	}
}

// waiter is told, once, whether it got a slot.
type waiter struct {
	manual bool // a person asked for it: it goes before all that no person asked for
	since  time.Time
	turn   func(got bool)
}

// before reports whether a waiter goes before another.
func (w waiter) before(other waiter) bool {
	if w.manual != other.manual {
		return w.manual
	}
	return w.since.Before(other.since)
}

// insert puts a waiter where it belongs, and returns its place.
func (w waiter) insert(in *list.List) *list.Element {
	for e := in.Back(); e != nil; e = e.Prev() {
		if !w.before(e.Value.(waiter)) {
			return in.InsertAfter(w, e)
		}
	}
	return in.PushFront(w)
}

// tell tells waiters whether they got a slot. No lock is held: they may come back at
// once.
func tell(waiters []waiter, got bool) {
	for _, w := range waiters {
		w.turn(got)
	}
}
