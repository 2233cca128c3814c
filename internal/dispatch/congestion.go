package dispatch

import (
	"net/http"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
)

// longPause bounds the pause that a destination may ask for, where all waits before retries
// are shorter. What waits for it spends nothing.
const longPause = time.Minute

// outcomeOf is what the limiter is told of an answer. An attempt that our own side cut
// short, or that panicked, does not show how quick the destination is.
func outcomeOf(r outbound.Result) limiter.Outcome {
	pause, tooMuch := pauseFor(r)
	took := max(r.Duration, 1)
	if r.Class == "" || r.Class == outbound.Interrupted {
		took = 0
	}
	return limiter.Outcome{
		Took: took, Acked: r.Class == outbound.Acked, TooMuch: tooMuch, Pause: pause,
		Strain: r.Class == outbound.Timeout || r.StatusCode == http.StatusServiceUnavailable,
	}
}

// pauseFor is how long this process leaves a destination alone after an answer, and whether
// the answer says that the destination gets too much: 429, or 503 with Retry-After. A
// longer pause stands in the health of the destination, which all replicas read.
func pauseFor(r outbound.Result) (wait time.Duration, tooMuch bool) {
	switch r.StatusCode {
	case http.StatusTooManyRequests:
		return min(r.RetryAfter, ourFault), true
	case http.StatusServiceUnavailable:
		return min(r.RetryAfter, delivery.MaxUnavailable), r.RetryAfter > 0
	}
	return 0, false
}
