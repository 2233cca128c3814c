package limiter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []int{1, 3, 16, 1000} {
			l := newLimiter(4000)
			id := l.learn(idOf(1), quickly)
			l.takes(id, 2000)
			if n := l.grabs(t.Context(), id, atMost(limit)); n != limit {
				t.Errorf("%d in flight, want %d", n, limit)
			}
			l.free(id, quickly)
			if n := l.grabs(t.Context(), id, atMost(limit)); n != 1 {
				t.Errorf("limit %d: %d taken after one was freed, want 1", limit, n)
			}
			if n := l.grabs(t.Context(), id, atMost(limit+2)); n != 2 {
				t.Errorf("limit %d: %d taken after it was raised by 2", limit, n)
			}
			if l.grab(t.Context(), id, atMost(1)) {
				t.Errorf("limit %d: one more taken after it was lowered", limit)
			}
			l.wantTaken(t, limit+2)
		}
	})
}

// One of which nothing is known begins with a few, and has what it may have as
// soon as one attempt has ended. None has more than half of the workers, whatever
// its limit.
func TestFewAtFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		workers, limit int
		begin, known   int
	}{
		{1, 1000, 1, 1},
		{3, 1000, 1, 1},
		{16, 16, 1, 8},
		{16, 4, 1, 4},
		{127, 1000, 5, 63},
		{128, 1000, 5, 64},
		{256, 16, 10, 16},
		{256, 3, 3, 3},
		{256, 1000, 10, 128},
		{2000, 1000, 16, 1000},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, id := newLimiter(tt.workers), idOf(1)
			begin := l.grabs(t.Context(), id, atMost(tt.limit))
			l.free(id, 0) // none was made: nothing is known still
			again := l.grabs(t.Context(), id, atMost(tt.limit))
			if begin != tt.begin || again != 1 {
				t.Errorf("%+v: it begins with %d, and %d more for one that made none", tt, begin, again)
			}
			for _, took := range []time.Duration{quickly, slowly} {
				l.free(id, took)
				l.takes(id, 1000)
				if l.grabs(t.Context(), id, atMost(tt.limit)); l.pool.taken != tt.known {
					t.Errorf("%+v: it has %d once it is known to take %s", tt, l.pool.taken, took)
				}
			}
		})
	}
}

// What one destination may have shrinks as workers run out, so that many slow
// ones together leave some of the workers alone, and none of them goes without.
func TestManySlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(256)
		for n := range 21 {
			l.learn(idOf(n), slowly)
		}
		taken := map[int]int{}
		for more := true; more; {
			more = false
			for n := range 20 {
				if l.grab(t.Context(), idOf(n), atMost(16)) {
					taken[n]++
					more = true
				}
			}
		}
		if free := 256 - l.pool.taken; free < 48 || free > 64 {
			t.Errorf("20 destinations leave %d of 256 workers, want an eighth and a half more", free)
		}
		for n := range 20 {
			if taken[n] < 5 || taken[n] > 16 {
				t.Errorf("destination %d has %d", n, taken[n])
			}
		}
		if !l.grab(t.Context(), idOf(20), atMost(16)) {
			t.Error("another destination gets none")
		}
		// Alone again, one has all that it may have.
		for n := 1; n < 20; n++ {
			for range taken[n] {
				l.free(idOf(n), slowly)
			}
		}
		l.free(idOf(20), slowly)
		if n := taken[0] + l.grabs(t.Context(), idOf(0), atMost(16)); n != 16 {
			t.Errorf("alone, it has %d, want 16", n)
		}
	})
}

// However many slow destinations there are, most of the last eighth of the workers is not
// theirs. A quarter of it is for one attempt each of theirs, another for first tries of
// those that nobody knows, and all that is left for those that are known to be quick.
func TestLastEighth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ workers, tries, quick int }{{8, 0, 1}, {16, 1, 1}, {64, 2, 4}, {256, 8, 16}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(tt.workers)
			slow := func(n int) uuid.UUID { return idOf(1000 + n) }
			for n := range 400 {
				l.learn(slow(n), slowly)
				l.learn(idOf(n), quickly)
			}
			for n := range 400 {
				l.grabs(t.Context(), slow(n), atMost(16))
			}
			l.wantTaken(t, tt.workers-tt.workers/8+tt.workers/32)
			if l.grab(t.Context(), slow(399), atMost(16)) || l.grab(t.Context(), slow(0), atMost(16)) {
				t.Errorf("%+v: a slow destination got one of the last workers", tt)
			}
			tries := 0
			for n := range 400 { // of those that hang, maybe
				got := l.grabs(t.Context(), idOf(2000+n), atMost(16))
				if tries += got; got > 1 {
					t.Errorf("%+v: %d for one that nobody knows, want a first try", tt, got)
				}
			}
			quick := 0
			for n := range 400 {
				if l.pool.taken < l.pool.size {
					quick += l.grabs(t.Context(), idOf(n), atMost(1))
				}
			}
			if tries != tt.tries || quick != tt.quick {
				t.Errorf("%+v: %d first tries and %d for quick ones", tt, tries, quick)
			}
		})
	}
}

// However many destinations hang that nobody knows, those that are known to be
// quick find some workers.
func TestManyUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		quick := l.learn(idOf(0), quickly)
		for n := range 200 {
			l.grab(t.Context(), idOf(1+n), atMost(1000))
		}
		l.wantTaken(t, 60)
		time.Sleep(time.Minute)
		for range 4 {
			if !l.grab(t.Context(), quick, atMost(64)) {
				t.Fatal("a quick one found none")
			}
			l.free(quick, quickly)
		}
	})
}
