package dispatch

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"belfry/internal/destination"
)

const (
	// patience is how long a worker waits for its destination to have room. It
	// bridges the moments between one answer and the next; a destination that
	// needs more has what waits for it held.
	patience = 250 * time.Millisecond

	// unknown is how long an attempt is taken to last before one has been seen.
	unknown = 100 * time.Millisecond

	maxLanes = 10_000 // destinations remembered, but for those in use
)

// slots says how many attempts may be in flight to each destination from this
// process. What one may have shrinks as the workers run out, so that many slow
// destinations cannot take all of them together; and the last eighth is not for
// slow ones at all.
type slots struct {
	workers  int
	replicas func() int // that share a destination's rate
	now      func() time.Time

	mu    sync.Mutex
	taken int // workers that send or wait for a slot
	lanes map[uuid.UUID]*lane
}

// lane is one destination's share.
type lane struct {
	limits   destination.Limits
	inFlight int
	waiters  list.List     // of chan struct{}, first come, first served
	took     time.Duration // moving mean of what attempts took
	last     time.Time     // when one ended, or the first of those in flight began
	bucket   *rate.Limiter // nil: no rate
}

func newSlots(workers int, replicas func() int, now func() time.Time) *slots {
	return &slots{workers: workers, replicas: replicas, now: now, lanes: map[uuid.UUID]*lane{}}
}

// lane returns a destination's share, with its limits of now.
func (s *slots) lane(id uuid.UUID, limits destination.Limits) *lane {
	l, ok := s.lanes[id]
	if !ok {
		if len(s.lanes) >= maxLanes {
			for other, idle := range s.lanes {
				if idle.inFlight == 0 && idle.waiters.Len() == 0 {
					delete(s.lanes, other)
				}
			}
		}
		l = &lane{}
		s.lanes[id] = l
	}
	l.limits = limits
	l.setRate(s.replicas(), s.now())
	return l
}

// setRate gives this process its part of the destination's rate.
func (l *lane) setRate(replicas int, now time.Time) {
	if l.limits.RatePerSecond <= 0 {
		l.bucket = nil
		return
	}
	limit := rate.Limit(l.limits.RatePerSecond / float64(max(1, replicas)))
	burst := max(1, l.limits.Burst/max(1, replicas))
	switch {
	case l.bucket == nil:
		l.bucket = rate.NewLimiter(limit, burst)
	case l.bucket.Limit() != limit || l.bucket.Burst() != burst:
		l.bucket.SetLimitAt(now, limit)
		l.bucket.SetBurstAt(now, burst)
	}
}

// pace is how long an attempt is taken to last: as the last ones did, or for as
// long as none has ended.
func (l *lane) pace(now time.Time) time.Duration {
	took := l.took
	if took == 0 {
		took = unknown
	}
	if l.inFlight > 0 {
		took = max(took, now.Sub(l.last))
	}
	return took
}

// allowed is how many attempts the destination may have in flight.
func (s *slots) allowed(l *lane, now time.Time) int {
	others := s.taken - l.inFlight - l.waiters.Len()
	if l.pace(now) >= patience && s.taken >= s.workers-s.workers/8 {
		return 0
	}
	return max(1, l.limits.MaxInFlight*(s.workers-others)/s.workers)
}

// waiting is how many workers may wait for the destination: as many as will have
// had their turn before patience ends, and not when workers are scarce.
func (s *slots) waiting(l *lane, allowed int, now time.Time) int {
	if s.taken >= s.workers/2 {
		return 0
	}
	return min(int(int64(allowed)*int64(patience)/int64(l.pace(now)))/2, s.workers/4)
}

// room is how many deliveries that are due the destination can take from here:
// those in flight and those that may wait for them.
func (s *slots) room(id uuid.UUID, limits destination.Limits) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	l := s.lane(id, limits)
	allowed := s.allowed(l, now)
	room := allowed + s.waiting(l, allowed, now)
	if l.bucket != nil {
		soon := float64(l.bucket.Limit()) * patience.Seconds()
		room = min(room, l.inFlight+max(0, int(math.Ceil(l.bucket.TokensAt(now)+soon))))
	}
	return room
}

// take waits for a slot as long as that makes sense, and reports whether it got
// one. forced takes it in any case: a person asked. The caller gives the slot
// back with free.
func (s *slots) take(ctx context.Context, id uuid.UUID, limits destination.Limits, forced bool) bool {
	s.mu.Lock()
	now := s.now()
	l := s.lane(id, limits)
	allowed := s.allowed(l, now)
	if forced || l.inFlight < allowed && l.waiters.Len() == 0 {
		s.begin(l, now)
		s.mu.Unlock()
		return forced && l.spend(now) || s.awaitToken(ctx, l, id)
	}
	if l.waiters.Len() >= s.waiting(l, allowed, now) {
		s.mu.Unlock()
		return false
	}
	turn := make(chan struct{})
	place := l.waiters.PushBack(turn)
	s.taken++
	s.mu.Unlock()
	return s.awaitTurn(ctx, l, place, turn) && s.awaitToken(ctx, l, id)
}

// begin counts one more in flight. s.mu is held.
func (s *slots) begin(l *lane, now time.Time) {
	if l.inFlight == 0 {
		l.last = now
	}
	l.inFlight++
	s.taken++
}

// awaitTurn waits until free hands a slot over.
func (s *slots) awaitTurn(ctx context.Context, l *lane, place *list.Element, turn chan struct{}) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-turn:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-turn: // in the same moment
		return true
	default:
	}
	l.waiters.Remove(place)
	s.taken--
	return false
}

// spend takes a token without waiting for it, for what cannot wait.
func (l *lane) spend(now time.Time) bool {
	if l.bucket != nil {
		l.bucket.ReserveN(now, 1)
	}
	return true
}

// awaitToken waits for what the destination's rate allows, holding a slot, and
// gives the slot back if that takes too long.
func (s *slots) awaitToken(ctx context.Context, l *lane, id uuid.UUID) bool {
	s.mu.Lock()
	bucket := l.bucket
	s.mu.Unlock()
	if bucket == nil {
		return true
	}
	now := s.now()
	token := bucket.ReserveN(now, 1)
	if wait := token.DelayFrom(now); wait > 0 {
		if wait <= patience {
			select {
			case <-time.After(wait):
				return true
			case <-ctx.Done():
			}
		}
		token.CancelAt(now)
		s.free(id, 0)
		return false
	}
	return true
}

// free gives a slot back after an attempt that took so long, 0 if none was made,
// and hands it to whoever waits.
func (s *slots) free(id uuid.UUID, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[id]
	now := s.now()
	l.inFlight--
	s.taken--
	if took > 0 {
		l.last = now
		if l.took == 0 {
			l.took = took
		}
		l.took += (took - l.took) / 8
	}
	for l.waiters.Len() > 0 && l.inFlight < s.allowed(l, now) {
		turn := l.waiters.Remove(l.waiters.Front()).(chan struct{})
		close(turn)
		s.taken--
		s.begin(l, now)
	}
}
