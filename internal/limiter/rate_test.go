package limiter

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"belfry/internal/destination"
)

// The rate is kept by whoever sends: a burst, and then so many a second. Nobody
// who is refused uses any of it up.
func TestRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		perSecond float64
		burst     int
		replicas  int
		want      int // within ten seconds, from each replica
	}{
		{1, 1, 1, 11},
		{0.5, 5, 1, 10},
		{8, 1, 1, 81},
		{100, 20, 1, 1020},
		{100, 20, 4, 255},
		{3, 1, 3, 11},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(64, func() int { return tt.replicas }, time.Now)
			id, limits := idOf(1), rated(tt.perSecond, tt.burst)
			deadline := time.Now().Add(10 * time.Second)
			var sent atomic.Int64
			var wg sync.WaitGroup
			for range 8 { // that want to send all the time
				wg.Go(func() {
					for time.Now().Before(deadline) && int(sent.Load()) <= 2*tt.want {
						if !l.Acquire(t.Context(), id, limits, Normal) {
							time.Sleep(7 * time.Millisecond)
							continue
						}
						if time.Now().Before(deadline) {
							sent.Add(1)
						}
						l.free(id, time.Millisecond)
					}
				})
			}
			wg.Wait()
			if n := int(sent.Load()); n > tt.want || n < tt.want*9/10-1 {
				t.Errorf("%v a second by %d, burst %d: %d sent in 10 s, want %d", tt.perSecond, tt.replicas, tt.burst, n, tt.want)
			}
			l.wantTaken(t, 0)
		})
	}
}

// A rate can be set, changed and taken away at any time.
func TestRateChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := newLimiter(5000), idOf(1)
		ten := func(limits destination.Limits) (n int) {
			for range 10 {
				if l.grab(t.Context(), id, limits) {
					l.free(id, time.Millisecond)
					n++
				}
			}
			return n
		}
		for _, step := range []struct {
			what   string
			limits destination.Limits
			pause  time.Duration
			want   int
		}{
			{"no rate", atMost(1000), 0, 10},
			{"a rate", rated(1, 3), 0, 3},
			{"used up", rated(1, 3), 0, 0},
			{"a second later", rated(1, 3), time.Second, 1},
			{"a greater one counts from when it is set", rated(5, 10), time.Second, 1},
			{"a second later", rated(5, 10), time.Second, 5},
			{"a smaller burst", rated(5, 2), time.Minute, 2},
			{"no rate again", atMost(1000), 0, 10},
			{"and a rate again", rated(1, 1), 0, 1},
		} {
			time.Sleep(step.pause)
			if n := ten(step.limits); n != step.want {
				t.Errorf("%s: %d of ten sent, want %d", step.what, n, step.want)
			}
		}
		l.wantTaken(t, 0)
	})
}

// A probe goes out beyond the rate, and what goes next pays.
func TestProbeBeyondRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id, begin := newLimiter(64), idOf(1), time.Now()
		for range 5 {
			if !l.Acquire(t.Context(), id, rated(1, 1), Probe) || time.Since(begin) != 0 {
				t.Fatal("refused, or it waited")
			}
		}
		for range 5 {
			l.free(id, quickly)
		}
		time.Sleep(4 * time.Second)
		if l.grab(t.Context(), id, rated(1, 1)) {
			t.Error("nobody pays for what was probed")
		}
		time.Sleep(time.Second)
		if !l.grab(t.Context(), id, rated(1, 1)) {
			t.Error("it pays for ever")
		}
	})
}

// A token that will come in time is waited for; one that will not is refused at
// once and uses nothing up.
func TestRateWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, limits := newLimiter(64), rated(5, 1)
		id := l.learn(idOf(1), quickly)
		l.grabs(t.Context(), id, limits)
		type end struct {
			got   bool
			after time.Duration
		}
		begin, ends := time.Now(), make(chan end)
		for range 3 { // whoever is first
			go func() {
				got := l.Acquire(t.Context(), id, limits, Normal)
				ends <- end{got, time.Since(begin)}
			}()
		}
		for i, want := range []end{{false, 0}, {false, 0}, {true, 200 * time.Millisecond}} {
			if got := <-ends; got != want {
				t.Errorf("end %d is %+v, want %+v", i, got, want)
			}
		}
		l.wantTaken(t, 2)
		time.Sleep(200 * time.Millisecond)
		if !l.grab(t.Context(), id, limits) {
			t.Error("those that were refused used up what comes next")
		}
	})
}

// One whose work ends while it waits for its token gives the slot back. The token
// is lost: too slow is better than too fast.
func TestRateStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, limits := newLimiter(64), rated(5, 1)
		id := l.learn(idOf(1), quickly)
		l.grab(t.Context(), id, limits)
		ctx, stop := context.WithCancel(t.Context())
		stopped := l.taking(ctx, id, limits, Normal)
		l.wantTaken(t, 2)
		stop()
		if <-stopped {
			t.Error("it went after its end")
		}
		l.wantTaken(t, 1)
		time.Sleep(200 * time.Millisecond)
		if l.grab(t.Context(), id, limits) {
			t.Error("its token went to another")
		}
		time.Sleep(200 * time.Millisecond)
		if !l.grab(t.Context(), id, limits) {
			t.Error("more than its token is lost")
		}
	})
}

// When the next token comes is known, to whoever looks again by then, and there
// is one when it has come.
func TestTokenIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, id := New(64, func() int { return 2 }, time.Now), idOf(1)
		want := func(what string, limits destination.Limits, want time.Duration) {
			t.Helper()
			if got := l.tokenIn(id, limits); got < want-time.Microsecond || got > want+time.Microsecond {
				t.Errorf("%s: a token in %s, want %s", what, got, want)
			}
		}
		want("no rate", atMost(1), 0)
		want("nothing used", rated(10, 4), 0)
		for range 2 {
			l.Acquire(t.Context(), id, rated(10, 4), Probe)
		}
		want("half of the burst used up", rated(10, 4), 200*time.Millisecond)
		l.Acquire(t.Context(), id, rated(10, 4), Probe)
		want("one more", rated(10, 4), 400*time.Millisecond)
		time.Sleep(150 * time.Millisecond)
		want("later", rated(10, 4), 250*time.Millisecond)
		want("no rate any more", atMost(1), 0)
	})
	rapid.Check(t, func(r *rapid.T) {
		limits := rated(rapid.Float64Range(0.01, 10_000).Draw(r, "rate"), rapid.IntRange(1, 100).Draw(r, "burst"))
		uses := rapid.IntRange(1, 300).Draw(r, "uses")
		var early, late time.Duration
		synctest.Test(t, func(t *testing.T) {
			l, id := newLimiter(64), idOf(1)
			for range uses {
				l.Acquire(t.Context(), id, limits, Probe)
			}
			wait := l.tokenIn(id, limits)
			time.Sleep(wait * 99 / 100)
			early = l.tokenIn(id, limits)
			time.Sleep(wait - wait*99/100)
			late = l.tokenIn(id, limits)
			if wait <= 100*time.Microsecond {
				early = 1 // too short to tell
			}
		})
		if early == 0 || late != 0 {
			r.Errorf("%s missing before it was to come, and %s when it has", early, late)
		}
	})
}
