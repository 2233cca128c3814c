package limiter

import (
	"context"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

// setRate gives this process its part of the destination's rate.
func (s *state) setRate(replicas int, now time.Time) {
	if s.limits.RatePerSecond <= 0 {
		s.bucket = nil
		return
	}
	limit := rate.Limit(s.limits.RatePerSecond / float64(max(1, replicas)))
	burst := max(1, s.limits.Burst/max(1, replicas))
	switch {
	case s.bucket == nil:
		s.bucket = rate.NewLimiter(limit, burst)
	case s.bucket.Limit() != limit || s.bucket.Burst() != burst:
		s.bucket.SetLimitAt(now, limit)
		s.bucket.SetBurstAt(now, burst)
	}
}

// tokenIn is how long it takes until the destination's rate allows another attempt: 0
// without a rate.
func (s *state) tokenIn(now time.Time) time.Duration {
	if s.bucket == nil {
		return 0
	}
	missing := 1 - s.bucket.TokensAt(now)
	wait := time.Duration(missing / float64(s.bucket.Limit()) * float64(time.Second))
	if wait < time.Microsecond { // a bucket counts in fractions
		return 0
	}
	return wait
}

// AwaitToken waits, in a slot that the caller holds, until the destination's rate allows an
// attempt. If that would take longer than WorkerWait, AwaitToken gives the slot back and
// reports false.
func (l *Limiter) AwaitToken(ctx context.Context, id uuid.UUID) bool {
	l.mu.Lock()
	s, now := l.states.find(id), l.now()
	wait := s.tokenIn(now)
	if wait <= WorkerWait && s.bucket != nil {
		s.bucket.ReserveN(now, 1)
	}
	l.mu.Unlock()
	switch {
	case wait == 0:
		return true
	case wait > WorkerWait:
		l.Release(id, Outcome{})
		return false
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done(): // the token is lost, which errs on the slow side
		l.Release(id, Outcome{})
		return false
	}
}
