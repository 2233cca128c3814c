package dispatch

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
	"belfry/internal/limiter"
)

// quickly is what a destination takes that is known to be quick.
const quickly = 10 * time.Millisecond

// learn lets one attempt take so long: from then on the destination is known.
func (f *fixture) learn(t testing.TB, to destination.Destination, took time.Duration) {
	t.Helper()
	f.occupy(t, to.ID)
	f.limiter.Release(to.ID, limiter.Outcome{Took: took})
}

// occupy takes a slot of a destination whatever the limits say.
func (f *fixture) occupy(t testing.TB, id uuid.UUID) {
	t.Helper()
	if !f.limiter.Acquire(t.Context(), id, destination.Limits{MaxInFlight: 1}, limiter.Probe) {
		t.Fatal("no slot")
	}
}

// occupyAll has other destinations take all workers.
func (f *fixture) occupyAll(t testing.TB) {
	t.Helper()
	for f.limiter.Taken() < f.Workers {
		f.occupy(t, uuid.New())
	}
}

// wantNoneTaken checks that no slot has leaked.
func (f *fixture) wantNoneTaken(t testing.TB) {
	t.Helper()
	if n := f.limiter.Taken(); n != 0 {
		t.Errorf("%d workers taken, want none", n)
	}
}

// grabs takes the slots of a destination that there are without waiting, and returns
// how many.
func (f *fixture) grabs(t testing.TB, to destination.Destination) (n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for f.limiter.Acquire(ctx, to.ID, to.Limits, limiter.Normal) {
		n++
	}
	return n
}

// limit has all components of a dispatcher that is not started use a limiter.
func (f *fixture) limit(by *limiter.Limiter) {
	f.limiter, f.transitions.limiter, f.ingest.limiter, f.holds.limiter = by, by, by, by
}
