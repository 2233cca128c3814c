package dispatch

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// A destination that says that it gets too much may have one attempt in flight from
// here, and more as it acks: one more for each round of acks, until it has as many
// as its limits say (additive increase, multiplicative decrease). What waits for it
// meanwhile is held, and spends nothing. Each process finds this out by itself; one
// that reads in the destination's health that another was told so, with Retry-After,
// begins with one as well.

// longPause is for how long a destination is left alone at least if it asks for it,
// however short the waits before retries are: what waits for it spends nothing.
const longPause = time.Minute

// pauseFor is how long this process leaves a destination alone for an answer, and
// whether that says that the destination gets too much at all: 429, or 503 with
// Retry-After. The health of the destination, which all replicas read, says the rest.
func pauseFor(r outbound.Result) (wait time.Duration, tooMuch bool) {
	switch r.StatusCode {
	case http.StatusTooManyRequests:
		return min(r.RetryAfter, ourFault), true
	case http.StatusServiceUnavailable:
		return min(r.RetryAfter, delivery.MaxUnavailable), r.RetryAfter > 0
	}
	return 0, false
}

// narrow lets a destination have one attempt in flight, until it acks.
func (s *slots) narrow(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(id).window = 1
}

// widen lets a destination that has acked have more in flight. s.mu is held.
func (l *lane) widen() {
	if l.window == 0 {
		return
	}
	if l.window += 1 / l.window; int(l.window) >= l.limits.MaxInFlight {
		l.window = 0
	}
}

// within is how many of the attempts that it is allowed a destination may have in
// flight after what it said. s.mu is held.
func (l *lane) within(allowed int) int {
	if l.window == 0 {
		return allowed
	}
	return min(allowed, int(l.window))
}

// opensIn is for how long this process still leaves a destination alone.
func (s *slots) opensIn(id uuid.UUID) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id).closed.Sub(s.now())
}
