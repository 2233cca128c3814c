package limiter

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// What a destination may have in flight falls to one with each answer that it is too
// much, and grows by one for each round of acks, up to its limit.
func TestWindow(t *testing.T) {
	t.Parallel()
	l := newLimiter(64)
	id, limits := uuid.New(), destination.Limits{MaxInFlight: 8}
	ended, end := context.WithCancel(t.Context())
	end() // nobody waits
	// inFlight takes all the slots that there are, and gives them back.
	inFlight := func(free func()) (n int) {
		for l.Acquire(ended, id, limits, Normal) {
			n++
		}
		for range n {
			free()
		}
		return n
	}
	plain := func() { l.free(id, time.Millisecond) }
	acked := func() { l.Release(id, Outcome{Took: time.Millisecond, Acked: true}) }
	inFlight(plain)
	if n := inFlight(plain); n != 8 {
		t.Fatalf("%d in flight at first, want 8", n)
	}
	for range 3 {
		l.Narrow(id)
		for want := 1; want <= 8; want++ {
			if n := inFlight(plain); n != want {
				t.Fatalf("%d in flight, want %d", n, want)
			}
			acks := 0 // a round of them
			for ; acks < want+1 && l.states.byID[id].limit.now(8) == want; acks++ {
				l.Acquire(t.Context(), id, limits, Normal)
				acked()
			}
			if want < 8 && acks < want {
				t.Fatalf("one more than %d in flight after %d acks, want a round of them", want, acks)
			}
		}
		if n := inFlight(acked); n != 8 {
			t.Fatalf("%d in flight in the end, want 8", n)
		}
	}
}

// A destination that asks to be left alone is, at once, by all who wait for it,
// but for what a person asks for. Afterwards one begins with it anew.
func TestCoolDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(256)}
		id, other := l.learn(idOf(1), quickly), l.learn(idOf(2), quickly)
		l.enqueue(id, atMost(16), 1)
		l.enqueue(other, atMost(1), 11, 12)
		l.grabs(t.Context(), id, atMost(16))
		l.enqueue(id, atMost(16), 2, 3)
		worker := l.taking(t.Context(), id, atMost(16), Normal)
		person := l.taking(t.Context(), id, atMost(16), Manual)
		l.want(t, "before", []int{1, 11}, nil)
		l.coolUntil(id, time.Now().Add(500*time.Millisecond))
		synctest.Wait()
		if l.want(t, "it asks", nil, []int{2, 3}); len(worker) != 1 || <-worker {
			t.Error("a worker waits still, or got a slot")
		}
		l.enqueue(id, atMost(16), 4)
		if l.want(t, "while it is left alone", nil, []int{4}); l.grab(t.Context(), id, atMost(16)) {
			t.Error("a worker got a slot")
		}
		if n := l.Room(id, atMost(16), WorkerWait); n != 0 {
			t.Errorf("room for %d", n)
		}
		for range 7 { // until fewer are in flight than one begins with
			l.free(id, quickly)
		}
		synctest.Wait()
		if len(person) != 1 || !<-person {
			t.Error("what a person asked for got no slot")
		}
		for range 16 - 7 + 1 {
			l.free(id, 0)
		}
		time.Sleep(500 * time.Millisecond)
		for n := range 16 {
			l.enqueue(id, atMost(16), 20+n)
		}
		if n := len(l.got); n != 256/24 {
			t.Errorf("one begins with %d, want %d", n, 256/24)
		}
	})
}

// An answer that says all of it at once is heeded before its slot goes to the next.
func TestReleaseHeedsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(256)}
		id := l.learn(idOf(1), quickly)
		l.grabs(t.Context(), id, atMost(4))
		l.enqueue(id, atMost(4), 1)
		l.enqueueAs(Manual, id, atMost(4), 2)
		l.Release(id, Outcome{Took: quickly, TooMuch: true, Pause: time.Second})
		l.want(t, "three are in flight still, and one may be", nil, []int{1})
		for range 2 {
			l.free(id, quickly)
		}
		l.want(t, "one is", nil, nil)
		l.free(id, quickly)
		l.want(t, "none is", []int{2}, nil)
		if n := l.Room(id, atMost(4), WorkerWait); n != 0 {
			t.Errorf("room for %d while it is left alone", n)
		}
	})
}
