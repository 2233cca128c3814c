package limiter

import (
	"testing"
	"testing/synctest"
	"time"
)

// A destination that hangs is slow as soon as it has hung for a while, although
// no attempt has ended; one that answered slowly is slow until it has answered
// quickly for a while.
func TestExpectedLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(8), idOf(1)
		l.grab(t.Context(), id, atMost(8))
		expected := func() time.Duration { return l.states.byID[id].expectedLatency(time.Now()) }
		if got := expected(); got != initialLatency {
			t.Errorf("latency of one just begun is %s, want %s", got, initialLatency)
		}
		time.Sleep(10 * time.Second)
		if got := expected(); got != 10*time.Second {
			t.Errorf("latency of one that hangs is %s, want 10s", got)
		}
		l.free(id, 10*time.Second)
		time.Sleep(time.Hour) // nobody is at it
		if got := expected(); got != 10*time.Second {
			t.Errorf("latency is %s, want 10s", got)
		}
		for range 100 {
			l.grab(t.Context(), id, atMost(8))
			time.Sleep(time.Millisecond)
			l.free(id, time.Millisecond)
		}
		if got := expected(); got > 2*time.Millisecond {
			t.Errorf("latency is %s after many quick answers", got)
		}
		l.grab(t.Context(), id, atMost(8))
		l.free(id, 0) // no attempt was made
		if got := expected(); got > 2*time.Millisecond || got == 0 {
			t.Errorf("latency is %s after no attempt", got)
		}
	})
}

// Destinations nobody is at are forgotten when there are too many, and no other.
func TestStatesAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		busy := l.learn(idOf(0), quickly)
		l.grab(t.Context(), busy, atMost(2))
		loading := idOf(3 * maxStates) // a job of it is at work, and has no slot yet
		l.Enter(loading)
		for n := range 2 * maxStates {
			id := idOf(n + 1)
			if !l.grab(t.Context(), id, atMost(2)) {
				t.Fatal("no slot")
			}
			l.free(id, time.Millisecond)
			if len(l.states.byID) > maxStates {
				t.Fatalf("%d remembered", len(l.states.byID))
			}
		}
		if n := l.grabs(t.Context(), busy, atMost(2)); n != 1 {
			t.Errorf("%d taken besides the one in flight, want 1", n)
		}
		if n := l.Room(loading, atMost(2), WorkerWait/2); n != 2+2-1 {
			t.Errorf("room for %d more where one is at work, want 3", n)
		}
		l.wantTaken(t, 2)
	})
}

// The destinations that were used longest ago are forgotten first; where too many are
// in use all of these are kept.
func TestStatesInUseAreKept(t *testing.T) {
	t.Parallel()
	l := newLimiter(64)
	quick := l.learn(idOf(0), quickly)
	for n := range 3 * maxStates {
		l.limit(idOf(1+n), atMost(1))
		l.limit(quick, atMost(16))
	}
	if s := l.states.byID[quick]; s == nil || s.latency == 0 {
		t.Error("what is known of a destination in use is forgotten")
	}
	for n := range maxStates + 100 {
		l.Enter(idOf(1 + n))
	}
	if n := len(l.states.byID); n < maxStates+100 {
		t.Errorf("%d are known, fewer than are in use", n)
	}
	for n := range maxStates + 100 {
		l.Leave(idOf(1 + n))
	}
	for n := range 200 {
		l.limit(idOf(40_000+n), atMost(1))
	}
	if n := len(l.states.byID); n > maxStates {
		t.Errorf("%d are remembered, more than there should be", n)
	}
}
