package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"belfry/internal/destination"
)

// Time stands still in these tests until everybody waits, and then leaps: that a
// wait is over is seen exactly.

func atMost(n int) destination.Limits { return destination.Limits{MaxInFlight: n} }

func rated(perSecond float64, burst int) destination.Limits {
	return destination.Limits{MaxInFlight: 1000, RatePerSecond: perSecond, Burst: burst}
}

func soleSlots(workers int) *slots {
	return newSlots(workers, func() int { return 1 }, noneQueued, time.Now)
}

func noneQueued(uuid.UUID) bool { return false }

// laneID names a destination.
func laneID(n int) uuid.UUID { return uuid.UUID{14: byte(n >> 8), 15: byte(n)} }

// learn lets one attempt take so long: from then on the destination is known.
func (s *slots) learn(id uuid.UUID, took time.Duration) uuid.UUID {
	s.start(id)
	s.free(id, took)
	return id
}

// start takes a slot whatever the rules say.
func (s *slots) start(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin(s.lane(id, atMost(1)), s.now())
}

// What a destination takes that is known to be quick, or to be slow.
const (
	quickly = 10 * time.Millisecond
	slowly  = time.Second
)

// grabs takes slots, as many as there are without waiting.
func (s *slots) grabs(ctx context.Context, id uuid.UUID, limits destination.Limits) (n int) {
	for s.grab(ctx, id, limits) {
		n++
	}
	return n
}

// grab takes a slot if there is one at once.
func (s *slots) grab(ctx context.Context, id uuid.UUID, limits destination.Limits) bool {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return s.tokenIn(id, limits) == 0 && s.take(ctx, id, limits, usual)
}

// fill has others take all workers but so many.
func (s *slots) fill(free int) {
	for n := range s.workers - free - s.taken {
		s.start(laneID(10_000 + n))
	}
}

// taking takes a slot in the background.
func (s *slots) taking(ctx context.Context, id uuid.UUID, limits destination.Limits, u urgency) <-chan bool {
	got := make(chan bool, 1)
	go func() { got <- s.take(ctx, id, limits, u) }()
	synctest.Wait()
	return got
}

// wantTaken checks that nothing has leaked.
func (s *slots) wantTaken(t testing.TB, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	inFlight, waiting := 0, 0
	for _, l := range s.lanes {
		inFlight += l.inFlight
		waiting += l.waiters.Len()
	}
	if s.taken != want || inFlight+waiting != want {
		t.Errorf("%d workers taken, %d in flight, %d wait; want %d taken", s.taken, inFlight, waiting, want)
	}
}

func TestSlotsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []int{1, 3, 16, 1000} {
			s := soleSlots(4000)
			id := s.learn(laneID(1), quickly)
			if n := s.grabs(t.Context(), id, atMost(limit)); n != limit {
				t.Errorf("%d in flight, want %d", n, limit)
			}
			s.free(id, quickly)
			if n := s.grabs(t.Context(), id, atMost(limit)); n != 1 {
				t.Errorf("limit %d: %d taken after one was freed, want 1", limit, n)
			}
			if n := s.grabs(t.Context(), id, atMost(limit+2)); n != 2 {
				t.Errorf("limit %d: %d taken after it was raised by 2", limit, n)
			}
			if s.grab(t.Context(), id, atMost(1)) {
				t.Errorf("limit %d: one more taken after it was lowered", limit)
			}
			s.wantTaken(t, limit+2)
		}
	})
}

// One of which nothing is known begins with a few, and has what it may have as
// soon as one attempt has ended. None has more than half of the workers, whatever
// its limit.
func TestSlotsBegin(t *testing.T) {
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
		{2000, 1000, 83, 1000},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, id := soleSlots(tt.workers), laneID(1)
			begin := s.grabs(t.Context(), id, atMost(tt.limit))
			s.free(id, 0) // none was made: nothing is known still
			again := s.grabs(t.Context(), id, atMost(tt.limit))
			if begin != tt.begin || again != 1 {
				t.Errorf("%+v: it begins with %d, and %d more for one that made none", tt, begin, again)
			}
			for _, took := range []time.Duration{quickly, slowly} {
				s.free(id, took)
				if s.grabs(t.Context(), id, atMost(tt.limit)); s.taken != tt.known {
					t.Errorf("%+v: it has %d once it is known to take %s", tt, s.taken, took)
				}
			}
		})
	}
}

// What one destination may have shrinks as workers run out, so that many slow
// ones together leave a good part of the workers alone.
func TestSlotsShrink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(256)
		for n := range 21 {
			s.learn(laneID(n), slowly)
		}
		taken := map[int]int{}
		for more := true; more; {
			more = false
			for n := range 20 {
				if s.grab(t.Context(), laneID(n), atMost(16)) {
					taken[n]++
					more = true
				}
			}
		}
		if free := 256 - s.taken; free < 100 {
			t.Errorf("20 destinations leave %d of 256 workers, want at least 100", free)
		}
		for n := range 20 {
			if taken[n] < 5 || taken[n] > 16 {
				t.Errorf("destination %d has %d", n, taken[n])
			}
		}
		if !s.grab(t.Context(), laneID(20), atMost(16)) {
			t.Error("another destination gets none")
		}
		// Alone again, one has all that it may have.
		for n := 1; n < 20; n++ {
			for range taken[n] {
				s.free(laneID(n), slowly)
			}
		}
		s.free(laneID(20), slowly)
		if n := taken[0] + s.grabs(t.Context(), laneID(0), atMost(16)); n != 16 {
			t.Errorf("alone, it has %d, want 16", n)
		}
	})
}

// However many slow destinations there are, the last eighth of the workers is not
// theirs. Half of it is for first tries of those that nobody knows, one each, and
// all that is left for those that are known to be quick.
func TestSlotsLastEighth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ workers, tries, quick int }{{8, 0, 1}, {16, 1, 1}, {64, 4, 4}, {256, 16, 16}} {
		synctest.Test(t, func(t *testing.T) {
			s := soleSlots(tt.workers)
			slow := func(n int) uuid.UUID { return laneID(1000 + n) }
			for n := range 400 {
				s.learn(slow(n), slowly)
				s.learn(laneID(n), quickly)
			}
			for n := range 400 {
				s.grabs(t.Context(), slow(n), atMost(16))
			}
			s.wantTaken(t, tt.workers-tt.workers/8)
			if s.grab(t.Context(), slow(399), atMost(16)) || s.grab(t.Context(), slow(0), atMost(16)) {
				t.Errorf("%+v: a slow destination got one of the last workers", tt)
			}
			tries := 0
			for n := range 400 { // of those that hang, maybe
				got := s.grabs(t.Context(), laneID(2000+n), atMost(16))
				if tries += got; got > 1 {
					t.Errorf("%+v: %d for one that nobody knows, want a first try", tt, got)
				}
			}
			quick := 0
			for n := range 400 {
				if s.taken < s.workers {
					quick += s.grabs(t.Context(), laneID(n), atMost(1))
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
func TestSlotsManyUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(64)
		quick := s.learn(laneID(0), quickly)
		for n := range 200 {
			s.grab(t.Context(), laneID(1+n), atMost(1000))
		}
		s.wantTaken(t, 60)
		time.Sleep(time.Minute)
		for range 4 {
			if !s.grab(t.Context(), quick, atMost(64)) {
				t.Fatal("a quick one found none")
			}
			s.free(quick, quickly)
		}
	})
}

// A destination that hangs is slow as soon as it has hung for a while, although
// no attempt has ended; one that answered slowly is slow until it has answered
// quickly for a while.
func TestSlotsPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := soleSlots(8), laneID(1)
		s.grab(t.Context(), id, atMost(8))
		pace := func() time.Duration { return s.lanes[id].pace(time.Now()) }
		if got := pace(); got != unknown {
			t.Errorf("pace of one just begun is %s, want %s", got, unknown)
		}
		time.Sleep(10 * time.Second)
		if got := pace(); got != 10*time.Second {
			t.Errorf("pace of one that hangs is %s, want 10s", got)
		}
		s.free(id, 10*time.Second)
		time.Sleep(time.Hour) // nobody is at it
		if got := pace(); got != 10*time.Second {
			t.Errorf("pace is %s, want 10s", got)
		}
		for range 100 {
			s.grab(t.Context(), id, atMost(8))
			time.Sleep(time.Millisecond)
			s.free(id, time.Millisecond)
		}
		if got := pace(); got > 2*time.Millisecond {
			t.Errorf("pace is %s after many quick answers", got)
		}
		s.grab(t.Context(), id, atMost(8))
		s.free(id, 0) // no attempt was made
		if got := pace(); got > 2*time.Millisecond || got == 0 {
			t.Errorf("pace is %s after no attempt", got)
		}
	})
}

// What a person asks for goes before all others, within the limits. It waits for
// its turn, but not when workers are scarce.
func TestSlotsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(64)
		id := s.learn(laneID(1), quickly)
		if n := s.grabs(t.Context(), id, atMost(4)); n != 4 {
			t.Fatalf("%d in flight, want 4", n)
		}
		other := s.taking(t.Context(), id, atMost(4), usual)
		time.Sleep(time.Millisecond)
		var asks []<-chan bool
		for range 2 {
			asks = append(asks, s.taking(t.Context(), id, atMost(4), asked))
			time.Sleep(time.Millisecond)
		}
		s.wantTaken(t, 4+3)
		for n, turn := range append(asks, other) {
			s.free(id, quickly)
			synctest.Wait()
			if len(turn) != 1 || !<-turn {
				t.Errorf("%d did not get the slot that came free", n)
			}
		}
		s.wantTaken(t, 4)
		begin := time.Now()
		if s.take(t.Context(), id, atMost(4), asked) || time.Since(begin) != patience {
			t.Errorf("it knew after %s that there is none", time.Since(begin))
		}
	})
	synctest.Test(t, func(t *testing.T) { // and within the rate
		s, id, begin := soleSlots(64), laneID(1), time.Now()
		for n, want := range []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond} {
			if !s.take(t.Context(), id, rated(5, 1), asked) || time.Since(begin) != want {
				t.Errorf("%d: refused, or after %s", n, time.Since(begin))
			}
			s.free(id, quickly)
		}
		if begin = time.Now(); s.take(t.Context(), id, rated(1, 1), asked) || time.Since(begin) != 0 {
			t.Errorf("it waited %s for a rate that is used up", time.Since(begin))
		}
	})
	for _, tt := range []struct {
		free int
		wait time.Duration
	}{{17, patience}, {16, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s := soleSlots(64)
			id := s.learn(laneID(1), quickly)
			s.grab(t.Context(), id, atMost(1))
			s.fill(tt.free)
			begin := time.Now()
			if s.take(t.Context(), id, atMost(1), asked) || time.Since(begin) != tt.wait {
				t.Errorf("with %d workers left it waited %s, want %s", tt.free, time.Since(begin), tt.wait)
			}
			if other := s.learn(laneID(2), quickly); !s.take(t.Context(), other, atMost(1), asked) {
				t.Error("what a person asks for got less than another would")
			}
		})
	}
}

// A probe goes when nothing else does: its destination is slow and has all that
// it may have, and there are no workers.
func TestSlotsProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(64)
		id, limits := s.learn(laneID(1), slowly), rated(1, 1)
		limits.MaxInFlight = 1
		s.grab(t.Context(), id, limits)
		s.fill(0)
		begin := time.Now()
		for _, u := range []urgency{usual, asked} {
			if s.take(t.Context(), id, limits, u) {
				t.Errorf("urgency %d got a slot", u)
			}
		}
		for range 3 {
			if !s.take(t.Context(), id, limits, probe) {
				t.Error("refused")
			}
		}
		if s.wantTaken(t, 67); time.Since(begin) != 0 {
			t.Errorf("it waited %s", time.Since(begin))
		}
		for range 4 {
			s.free(id, slowly)
		}
		s.wantTaken(t, 63)
	})
}

// Who waits is served in turn, as soon as there is room, and nobody overtakes.
func TestSlotsTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(64)
		id := s.learn(laneID(1), quickly)
		s.grabs(t.Context(), id, atMost(4))
		begin := time.Now()
		var waiting []<-chan bool
		for range 4 {
			waiting = append(waiting, s.taking(t.Context(), id, atMost(4), usual))
		}
		s.wantTaken(t, 8)
		time.Sleep(100 * time.Millisecond)
		for i, turn := range waiting {
			select {
			case <-turn:
				t.Fatalf("waiter %d got a slot that was not there", i)
			default:
			}
			s.free(id, 10*time.Millisecond)
			synctest.Wait()
			select {
			case ok := <-turn:
				if !ok {
					t.Errorf("waiter %d gave up", i)
				}
			default:
				t.Errorf("a slot is free, and waiter %d, whose turn it is, has not got it", i)
			}
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("handed over after %s", took)
		}
		s.wantTaken(t, 4)
	})
}

// A waiter does not wait for longer than patience, nor after its work has ended,
// and then leaves nothing behind.
func TestSlotsGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(64)
		id := s.learn(laneID(1), quickly)
		s.grabs(t.Context(), id, atMost(4))
		begin := time.Now()
		patient := s.taking(t.Context(), id, atMost(4), usual)
		ctx, cancel := context.WithCancel(t.Context())
		stopped := s.taking(ctx, id, atMost(4), usual)
		time.Sleep(time.Millisecond)
		cancel()
		if <-stopped || time.Since(begin) != time.Millisecond {
			t.Errorf("the one that was stopped gave up after %s", time.Since(begin))
		}
		if <-patient || time.Since(begin) != patience {
			t.Errorf("gave up after %s, want %s", time.Since(begin), patience)
		}
		s.wantTaken(t, 4)
		s.free(id, time.Millisecond)
		if n := s.grabs(t.Context(), id, atMost(4)); n != 1 {
			t.Errorf("%d slots after one was freed, want 1", n)
		}
	})
}

// No more wait than will have their turn, none when the destination is slow, and
// none when workers are scarce.
func TestSlotsWhoWaits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		workers, limit, others int
		took                   time.Duration
		may, wait              int
	}{
		"quick":                       {256, 4, 0, 25 * time.Millisecond, 20, 20},
		"half of the workers":         {256, 40, 0, time.Millisecond, 128, 128},
		"until a quarter is left":     {256, 100, 0, time.Millisecond, 128, 92},
		"nobody knows":                {256, 100, 0, 0, 12, 12},
		"too slow":                    {256, 4, 0, time.Second, 0, 0},
		"one at a time, and not fast": {256, 1, 0, 126 * time.Millisecond, 0, 0},
		"a quarter is almost left":    {256, 4, 189, 25 * time.Millisecond, 10, 1},
		"three quarters are taken":    {256, 4, 190, 25 * time.Millisecond, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, id := soleSlots(tt.workers), laneID(1)
			if tt.took > 0 {
				s.learn(id, tt.took)
			}
			s.fill(tt.workers - tt.others)
			s.grabs(t.Context(), id, atMost(tt.limit))
			s.mu.Lock()
			l := s.lanes[id]
			may := s.waiting(l, s.allowed(l, time.Now()), time.Now())
			s.mu.Unlock()
			for range tt.may + 10 {
				s.taking(t.Context(), id, atMost(tt.limit), usual)
			}
			s.mu.Lock()
			wait := l.waiters.Len()
			s.mu.Unlock()
			if may != tt.may || wait != tt.wait {
				t.Errorf("%s: %d may wait and %d do, want %d and %d", name, may, wait, tt.may, tt.wait)
			}
			time.Sleep(patience)
		})
	}
}

// The rate is kept by whoever sends: a burst, and then so many a second. Nobody
// who is refused uses any of it up.
func TestSlotsRate(t *testing.T) {
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
			s := newSlots(64, func() int { return tt.replicas }, noneQueued, time.Now)
			id, limits := laneID(1), rated(tt.perSecond, tt.burst)
			deadline := time.Now().Add(10 * time.Second)
			var sent atomic.Int64
			var wg sync.WaitGroup
			for range 8 { // that want to send all the time
				wg.Go(func() {
					for time.Now().Before(deadline) && int(sent.Load()) <= 2*tt.want {
						if !s.take(t.Context(), id, limits, usual) {
							time.Sleep(7 * time.Millisecond)
							continue
						}
						if time.Now().Before(deadline) {
							sent.Add(1)
						}
						s.free(id, time.Millisecond)
					}
				})
			}
			wg.Wait()
			if n := int(sent.Load()); n > tt.want || n < tt.want*9/10-1 {
				t.Errorf("%v a second by %d, burst %d: %d sent in 10 s, want %d", tt.perSecond, tt.replicas, tt.burst, n, tt.want)
			}
			s.wantTaken(t, 0)
		})
	}
}

// A rate can be set, changed and taken away at any time.
func TestSlotsRateChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := soleSlots(5000), laneID(1)
		ten := func(limits destination.Limits) (n int) {
			for range 10 {
				if s.grab(t.Context(), id, limits) {
					s.free(id, time.Millisecond)
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
		s.wantTaken(t, 0)
	})
}

// A probe goes out beyond the rate, and what goes next pays.
func TestSlotsRateForced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id, begin := soleSlots(64), laneID(1), time.Now()
		for range 5 {
			if !s.take(t.Context(), id, rated(1, 1), probe) || time.Since(begin) != 0 {
				t.Fatal("refused, or it waited")
			}
		}
		for range 5 {
			s.free(id, quickly)
		}
		time.Sleep(4 * time.Second)
		if s.grab(t.Context(), id, rated(1, 1)) {
			t.Error("nobody pays for what was probed")
		}
		time.Sleep(time.Second)
		if !s.grab(t.Context(), id, rated(1, 1)) {
			t.Error("it pays for ever")
		}
	})
}

// A token that will come in time is waited for; one that will not is refused at
// once and uses nothing up.
func TestSlotsRateWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, limits := soleSlots(64), rated(5, 1)
		id := s.learn(laneID(1), quickly)
		s.grabs(t.Context(), id, limits)
		type end struct {
			got   bool
			after time.Duration
		}
		begin, ends := time.Now(), make(chan end)
		for range 3 { // whoever is first
			go func() {
				got := s.take(t.Context(), id, limits, usual)
				ends <- end{got, time.Since(begin)}
			}()
		}
		for i, want := range []end{{false, 0}, {false, 0}, {true, 200 * time.Millisecond}} {
			if got := <-ends; got != want {
				t.Errorf("end %d is %+v, want %+v", i, got, want)
			}
		}
		s.wantTaken(t, 2)
		time.Sleep(200 * time.Millisecond)
		if !s.grab(t.Context(), id, limits) {
			t.Error("those that were refused used up what comes next")
		}
	})
}

// One whose work ends while it waits for its token gives the slot back. The token
// is lost: too slow is better than too fast.
func TestSlotsRateStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, limits := soleSlots(64), rated(5, 1)
		id := s.learn(laneID(1), quickly)
		s.grab(t.Context(), id, limits)
		ctx, stop := context.WithCancel(t.Context())
		stopped := s.taking(ctx, id, limits, usual)
		s.wantTaken(t, 2)
		stop()
		if <-stopped {
			t.Error("it went after its end")
		}
		s.wantTaken(t, 1)
		time.Sleep(200 * time.Millisecond)
		if s.grab(t.Context(), id, limits) {
			t.Error("its token went to another")
		}
		time.Sleep(200 * time.Millisecond)
		if !s.grab(t.Context(), id, limits) {
			t.Error("more than its token is lost")
		}
	})
}

// When the next token comes is known, to whoever looks again by then, and there
// is one when it has come.
func TestSlotsTokenIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := newSlots(64, func() int { return 2 }, noneQueued, time.Now), laneID(1)
		want := func(what string, limits destination.Limits, want time.Duration) {
			t.Helper()
			if got := s.tokenIn(id, limits); got < want-time.Microsecond || got > want+time.Microsecond {
				t.Errorf("%s: a token in %s, want %s", what, got, want)
			}
		}
		want("no rate", atMost(1), 0)
		want("nothing used", rated(10, 4), 0)
		for range 2 {
			s.take(t.Context(), id, rated(10, 4), probe)
		}
		want("half of the burst used up", rated(10, 4), 200*time.Millisecond)
		s.take(t.Context(), id, rated(10, 4), probe)
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
			s, id := soleSlots(64), laneID(1)
			for range uses {
				s.take(t.Context(), id, limits, probe)
			}
			wait := s.tokenIn(id, limits)
			time.Sleep(wait * 99 / 100)
			early = s.tokenIn(id, limits)
			time.Sleep(wait - wait*99/100)
			late = s.tokenIn(id, limits)
			if wait <= 100*time.Microsecond {
				early = 1 // too short to tell
			}
		})
		if early == 0 || late != 0 {
			r.Errorf("%s missing before it was to come, and %s when it has", early, late)
		}
	})
}

// Room is what a release may hand out: what goes at once, and what will have gone
// before patience ends, in whole deliveries.
func TestSlotsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := soleSlots(64), laneID(1)
		want := func(what string, limits destination.Limits, want int) {
			t.Helper()
			if n := s.room(id, limits, patience/2); n != want {
				t.Errorf("%s: room for %d, want %d", what, n, want)
			}
		}
		want("nobody knows", atMost(4), 2+2)
		s.learn(id, 50*time.Millisecond)
		want("nobody at it", atMost(4), 4+10)
		s.grabs(t.Context(), id, atMost(4))
		want("all in flight, which count as room", atMost(4), 4+10)
		time.Sleep(4 * patience)
		want("it is slow", atMost(4), 4)
		id = s.learn(laneID(2), time.Minute)
		want("a rate, and what comes before patience ends", rated(8, 20), 22)
		want("no half deliveries", rated(3, 1), 1)
		want("a slow rate", rated(0.1, 1), 1)
		s.take(t.Context(), id, rated(0.1, 1), probe)
		want("used up", rated(0.1, 1), 1)
		want("used up, and another comes in time", rated(5, 1), 1+1)
		want("no rate, half of the workers", atMost(1000), 32)
		want("full", rated(8, 5), 1+7)
		for range 3 {
			s.enter(id)
		}
		want("beside three at work", rated(8, 5), 1+7-3)
		want("beside three at work, and no rate", atMost(16), 15-3)
		for range 3 {
			s.leave(id)
		}
		s.fill(8)
		want("no workers for a slow one", atMost(16), 0)
		want("nor with a rate", rated(8, 5), 0)
	})
}

// Destinations nobody is at are forgotten when there are too many, and no other.
func TestSlotsForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := soleSlots(64)
		busy := s.learn(laneID(0), quickly)
		s.grab(t.Context(), busy, atMost(2))
		loading := laneID(3 * maxLanes) // a job of it is at work, and has no slot yet
		s.enter(loading)
		for n := range 2 * maxLanes {
			id := laneID(n + 1)
			if !s.grab(t.Context(), id, atMost(2)) {
				t.Fatal("no slot")
			}
			s.free(id, time.Millisecond)
			if len(s.lanes) > maxLanes {
				t.Fatalf("%d remembered", len(s.lanes))
			}
		}
		if n := s.grabs(t.Context(), busy, atMost(2)); n != 1 {
			t.Errorf("%d taken besides the one in flight, want 1", n)
		}
		if n := s.room(loading, atMost(2), patience/2); n != 2+2-1 {
			t.Errorf("room for %d more where one is at work, want 3", n)
		}
		s.wantTaken(t, 2)
	})
}

// move is what somebody may do to slots, at any moment.
type move struct {
	Do      string
	N       int // which destination, which of those held, which of those stopped
	Limits  destination.Limits
	Urgency urgency
	Elapses time.Duration // of a sleep, and of the attempt that is freed
}

var moves = rapid.Custom(func(t *rapid.T) move {
	m := move{
		Do:      rapid.SampledFrom([]string{"take", "take", "take", "free", "free", "sleep", "stop"}).Draw(t, "do"),
		N:       rapid.IntRange(0, 3).Draw(t, "n"),
		Limits:  atMost(rapid.IntRange(1, 5).Draw(t, "limit")),
		Urgency: rapid.SampledFrom([]urgency{usual, usual, usual, usual, usual, usual, usual, usual, asked, probe}).Draw(t, "urgency"),
		Elapses: rapid.SampledFrom([]time.Duration{0, time.Millisecond, 50 * time.Millisecond, patience, time.Second}).Draw(t, "elapses"),
	}
	if rapid.Bool().Draw(t, "rated") {
		m.Limits.RatePerSecond = rapid.SampledFrom([]float64{1, 10, 100}).Draw(t, "rate")
		m.Limits.Burst = rapid.IntRange(1, 5).Draw(t, "burst")
	}
	return m
})

// user makes moves, and knows what it holds.
type user struct {
	s     *slots
	mu    sync.Mutex
	holds []uuid.UUID // one for each slot
	stops []context.CancelFunc
	tasks sync.WaitGroup
}

func (u *user) make(m move) {
	switch m.Do {
	case "take":
		ctx, stop := context.WithCancel(context.Background())
		u.stops = append(u.stops, stop)
		u.tasks.Go(func() {
			if u.s.take(ctx, laneID(1+m.N), m.Limits, m.Urgency) {
				u.mu.Lock()
				u.holds = append(u.holds, laneID(1+m.N))
				u.mu.Unlock()
			}
		})
	case "free":
		if id := u.drop(m.N); id != uuid.Nil {
			u.s.free(id, m.Elapses)
		}
	case "sleep":
		time.Sleep(m.Elapses)
	case "stop":
		if len(u.stops) > 0 {
			u.stops[m.N%len(u.stops)]()
		}
	}
	synctest.Wait()
}

// drop returns the destination of a slot that is no longer held, if there is one.
func (u *user) drop(n int) (id uuid.UUID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.holds) > 0 {
		n %= len(u.holds)
		id = u.holds[n]
		u.holds = slices.Delete(u.holds, n, n+1)
	}
	return id
}

// check compares with what is held: nobody leaks a slot, or has one that is not
// there. One that waits for its token has a slot and does not know it yet.
func (u *user) check() error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	taken, inFlight := 0, 0
	for _, l := range u.s.lanes {
		if l.inFlight < 0 {
			return fmt.Errorf("%d in flight", l.inFlight)
		}
		inFlight += l.inFlight
		taken += l.inFlight + l.waiters.Len()
	}
	if taken != u.s.taken || inFlight < len(u.holds) {
		return fmt.Errorf("%d taken, %d in flight, %d held; the lanes have %d", u.s.taken, inFlight, len(u.holds), taken)
	}
	return nil
}

// play makes moves, and in the end gives everything back.
func (u *user) play(moves []move) error {
	for i, m := range moves {
		u.make(m)
		if err := u.check(); err != nil {
			return fmt.Errorf("after move %d: %w", i, err)
		}
	}
	for _, stop := range u.stops {
		defer stop()
	}
	time.Sleep(time.Minute) // everybody's patience has ended
	u.tasks.Wait()
	for id := u.drop(0); id != uuid.Nil; id = u.drop(0) {
		u.s.free(id, time.Millisecond)
	}
	if err := u.check(); err != nil || u.s.taken != 0 {
		return fmt.Errorf("in the end: %d taken, %w", u.s.taken, err)
	}
	return nil
}

func TestSlotsLeakNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		u := &user{s: soleSlots(rapid.SampledFrom([]int{1, 4, 16, 64}).Draw(r, "workers"))}
		list := rapid.SliceOfN(moves, 1, 60).Draw(r, "moves")
		var err error
		synctest.Test(t, func(*testing.T) { err = u.play(list) })
		if err != nil {
			r.Fatal(err)
		}
	})
}

// Many goroutines at once, in real time: for the race detector.
func TestSlotsAtOnce(t *testing.T) {
	t.Parallel()
	s := soleSlots(64)
	var inFlight [4]atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 300 {
				n := (i + j) % len(inFlight)
				limits := atMost(8)
				if (i+j)%3 == 0 { // the rate is set and taken away all the time
					limits.RatePerSecond, limits.Burst = 1e6, 1e6
				}
				u := usual
				if n == 3 {
					u = urgency(j % 3)
				}
				s.room(laneID(n), limits, patience/2)
				if !s.take(t.Context(), laneID(n), limits, u) {
					continue
				}
				if now := inFlight[n].Add(1); n != 3 && now > 8 {
					t.Errorf("%d in flight, want at most 8", now)
				}
				inFlight[n].Add(-1)
				s.free(laneID(n), time.Microsecond)
			}
		})
	}
	wg.Wait()
	s.wantTaken(t, 0)
}
