package dispatch

import (
	"net/http"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
)

// longPause is for how long a destination is left alone at least if it asks for it,
// however short the waits before retries are: what waits for it spends nothing.
const longPause = time.Minute

// outcomeOf is what the limiter is told of an answer. What ended on our side, or in a
// panic, says nothing of how quick the destination is.
func outcomeOf(r outbound.Result) limiter.Outcome {
	pause, tooMuch := pauseFor(r)
	took := max(r.Duration, 1)
	if r.Class == "" || r.Class == outbound.Interrupted {
		took = 0
	}
	return limiter.Outcome{Took: took, Acked: r.Class == outbound.Acked, TooMuch: tooMuch, Pause: pause}
}

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
