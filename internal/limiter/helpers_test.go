package limiter

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// Time stands still in these tests until everybody waits, and then leaps: that a
// wait is over is seen exactly.

func atMost(n int) destination.Limits { return destination.Limits{MaxInFlight: n} }

func rated(perSecond float64, burst int) destination.Limits {
	return destination.Limits{MaxInFlight: 1000, RatePerSecond: perSecond, Burst: burst}
}

func newLimiter(workers int) *Limiter {
	return New(workers, func() int { return 1 }, time.Now)
}

// idOf names a destination.
func idOf(n int) uuid.UUID { return uuid.UUID{14: byte(n >> 8), 15: byte(n)} }

// learn lets one attempt take so long: from then on the destination is known.
func (l *Limiter) learn(id uuid.UUID, took time.Duration) uuid.UUID {
	l.start(id)
	l.free(id, took)
	return id
}

// takes has a destination known to take so many attempts at a time.
func (l *Limiter) takes(id uuid.UUID, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states.find(id).limit.limit = float64(n)
}

// start takes a slot whatever the rules say.
func (l *Limiter) start(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pool.begin(l.limited(id, atMost(1)), l.now())
}

// limit says what a destination's limits are.
func (l *Limiter) limit(id uuid.UUID, limits destination.Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limited(id, limits)
}

// What a destination takes that is known to be quick, or to be slow.
const (
	quickly = 10 * time.Millisecond
	slowly  = time.Second
)

// grabs takes slots, as many as there are without waiting.
func (l *Limiter) grabs(ctx context.Context, id uuid.UUID, limits destination.Limits) (n int) {
	for l.grab(ctx, id, limits) {
		n++
	}
	return n
}

// grab takes a slot if there is one at once.
func (l *Limiter) grab(ctx context.Context, id uuid.UUID, limits destination.Limits) bool {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return l.tokenIn(id, limits) == 0 && l.Acquire(ctx, id, limits, Normal)
}

// fill has others take all workers but so many.
func (l *Limiter) fill(free int) {
	for n := range l.pool.size - free - l.pool.taken {
		l.start(idOf(10_000 + n))
	}
}

// taking takes a slot in the background.
func (l *Limiter) taking(ctx context.Context, id uuid.UUID, limits destination.Limits, u Urgency) <-chan bool {
	got := make(chan bool, 1)
	go func() { got <- l.Acquire(ctx, id, limits, u) }()
	synctest.Wait()
	return got
}

// wantTaken checks that nothing has leaked.
func (l *Limiter) wantTaken(t testing.TB, want int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	inFlight, waiting := 0, 0
	for _, s := range l.states.byID {
		inFlight += s.inFlight
		waiting += s.workers.Len()
	}
	if l.pool.taken != want || inFlight+waiting != want {
		t.Errorf("%d workers taken, %d in flight, %d wait; want %d taken", l.pool.taken, inFlight, waiting, want)
	}
}

// free gives back a slot after an attempt that took so long; 0: none was made.
func (l *Limiter) free(id uuid.UUID, took time.Duration) { l.Release(id, Outcome{Took: took}) }

// tokenIn is how long it takes until the rate allows another attempt.
func (l *Limiter) tokenIn(id uuid.UUID, limits destination.Limits) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limited(id, limits).tokenIn(l.now())
}

// coolUntil has a destination left alone until a time.
func (l *Limiter) coolUntil(id uuid.UUID, until time.Time) {
	l.mu.Lock()
	away := l.pool.coolDown(l.states.find(id), until)
	l.mu.Unlock()
	tell(away, false)
}
