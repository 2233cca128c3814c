package dispatch

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// line notes who was told what.
type line struct {
	*slots
	noted     sync.Mutex
	got, late []int
}

// stand has jobs ask for a slot.
func (l *line) stand(id uuid.UUID, limits destination.Limits, names ...int) {
	l.standAs(usual, id, limits, names...)
}

func (l *line) standAs(u urgency, id uuid.UUID, limits destination.Limits, names ...int) {
	for _, name := range names {
		l.ask(id, limits, u, func(got bool) {
			l.noted.Lock()
			defer l.noted.Unlock()
			if got {
				l.got = append(l.got, name)
			} else {
				l.late = append(l.late, name)
			}
		})
	}
}

func (l *line) want(t testing.TB, what string, got, late []int) {
	t.Helper()
	l.noted.Lock()
	defer l.noted.Unlock()
	if !slices.Equal(l.got, got) || !slices.Equal(l.late, late) {
		t.Errorf("%s: %v have a slot and %v were sent away, want %v and %v", what, l.got, l.late, got, late)
	}
	l.got, l.late = nil, nil
}

// wantAtWork checks that nobody has leaked out of a line.
func (l *line) wantAtWork(t testing.TB, want int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.atWork != want {
		t.Errorf("%d jobs at work, want %d", l.atWork, want)
	}
}

// Jobs have their turns in the order in which they came, as slots come free.
func TestLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(64)}
		id := l.learn(laneID(1), quickly)
		l.stand(id, atMost(2), 1, 2, 3, 4, 5)
		l.want(t, "at once", []int{1, 2}, nil)
		l.free(id, quickly)
		l.want(t, "one came free", []int{3}, nil)
		l.free(id, 0)
		l.want(t, "and one that was not used", []int{4}, nil)
		l.wantAtWork(t, 4)
		for range 2 {
			l.ended()
		}
		l.free(id, quickly)
		l.want(t, "the last", []int{5}, nil)
		l.free(id, quickly)
		l.free(id, quickly)
		for range 3 {
			l.ended()
		}
		l.want(t, "nobody", nil, nil)
		l.wantAtWork(t, 0)
		l.wantTaken(t, 0)
		time.Sleep(2 * endurance)
		l.want(t, "nobody, later", nil, nil)
	})
}

// A job and a worker that wait for the same destination go as they came.
func TestLineAndWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(64)}
		id := l.learn(laneID(1), quickly)
		l.grab(t.Context(), id, atMost(1))
		l.stand(id, atMost(1), 1)
		time.Sleep(time.Millisecond)
		worker := l.taking(t.Context(), id, atMost(1), usual)
		time.Sleep(time.Millisecond)
		l.stand(id, atMost(1), 2)
		person := l.taking(t.Context(), id, atMost(1), asked)
		l.free(id, quickly)
		synctest.Wait()
		if l.want(t, "a person's first", nil, nil); len(person) != 1 || !<-person {
			t.Error("a person's did not go first")
		}
		l.free(id, quickly)
		l.want(t, "then the job", []int{1}, nil)
		l.free(id, quickly)
		synctest.Wait()
		if l.want(t, "then the worker", nil, nil); len(worker) != 1 || !<-worker {
			t.Error("the worker had to wait for a job that came later")
		}
		l.free(id, quickly)
		l.want(t, "then the other job", []int{2}, nil)
	})
}

// Who has stood in line for too long is sent away, and no other.
func TestLineEndurance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(64)}
		id := l.learn(laneID(1), slowly)
		l.stand(id, atMost(1), 1, 2)
		time.Sleep(endurance / 2)
		l.stand(id, atMost(1), 3)
		time.Sleep(endurance/2 - time.Millisecond)
		synctest.Wait()
		l.want(t, "not yet", []int{1}, nil)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		l.want(t, "the second", nil, []int{2})
		time.Sleep(endurance / 2)
		synctest.Wait()
		l.want(t, "the third", nil, []int{3})
		l.stand(id, atMost(1), 4)
		time.Sleep(endurance)
		synctest.Wait()
		l.want(t, "one that came when the line had emptied", nil, []int{4})
		l.free(id, slowly)
		l.ended()
		l.wantAtWork(t, 0)
		l.wantTaken(t, 0)
	})
}

// No more jobs run than there are workers, and destinations take turns at what
// comes free, however long the line of one is.
func TestLineFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(64)}
		for n := range 40 {
			l.learn(laneID(n), quickly)
		}
		for n := range 4 {
			for range 30 {
				l.stand(laneID(n), atMost(16), n)
			}
		}
		first := len(l.got)
		if first > 64 {
			t.Fatalf("%d jobs run on 64 workers", first)
		}
		l.wantAtWork(t, first)
		for n := 4; n < 40; n++ {
			l.stand(laneID(n), atMost(16), n)
		}
		ran := map[int]int{}
		for _, n := range l.got {
			ran[n]++
		}
		began := l.got
		for rounds := 0; len(began) > 0; rounds++ {
			l.got = nil
			for _, n := range began { // each ends before the next begins
				l.free(laneID(n), quickly)
				l.ended()
			}
			began = slices.Clone(l.got)
			for _, n := range began {
				ran[n]++
			}
			if rounds == 1 {
				for n := 4; n < 40; n++ {
					if ran[n] != 1 {
						t.Errorf("destination %d has not had its turn after two rounds", n)
					}
				}
			}
			l.mu.Lock()
			if l.atWork > 64 {
				t.Errorf("%d at work", l.atWork)
			}
			l.mu.Unlock()
		}
		for n := range 40 {
			want := 1
			if n < 4 {
				want = 30
			}
			if ran[n] != want {
				t.Errorf("destination %d: %d ran, want %d", n, ran[n], want)
			}
		}
		if l.late != nil {
			t.Errorf("%d were sent away", len(l.late))
		}
		l.wantAtWork(t, 0)
		l.wantTaken(t, 0)
	})
}

// A destination that asks to be left alone is, at once, by all who wait for it,
// but for what a person asks for. Afterwards one begins with it anew.
func TestLineShut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(256)}
		id, other := l.learn(laneID(1), quickly), l.learn(laneID(2), quickly)
		l.stand(id, atMost(16), 1)
		l.stand(other, atMost(1), 11, 12)
		l.grabs(t.Context(), id, atMost(16))
		l.stand(id, atMost(16), 2, 3)
		worker := l.taking(t.Context(), id, atMost(16), usual)
		person := l.taking(t.Context(), id, atMost(16), asked)
		l.want(t, "before", []int{1, 11}, nil)
		l.shut(id, time.Now().Add(500*time.Millisecond))
		synctest.Wait()
		if l.want(t, "shut", nil, []int{2, 3}); len(worker) != 1 || <-worker {
			t.Error("a worker waits still, or got a slot")
		}
		l.stand(id, atMost(16), 4)
		if l.want(t, "while it is shut", nil, []int{4}); l.grab(t.Context(), id, atMost(16)) {
			t.Error("a worker got a slot")
		}
		if n := l.room(id, atMost(16), patience); n != 0 {
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
			l.stand(id, atMost(16), 20+n)
		}
		if n := len(l.got); n != 256/24 {
			t.Errorf("one begins with %d, want %d", n, 256/24)
		}
	})
}

// A stop sends everyone away.
func TestLineDismiss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(64)}
		for n := range 3 {
			l.stand(l.learn(laneID(n), quickly), atMost(1), 10*n, 10*n+1, 10*n+2)
		}
		l.want(t, "at first", []int{0, 10, 20}, nil)
		l.dismiss()
		slices.Sort(l.late)
		l.want(t, "dismissed", nil, []int{1, 2, 11, 12, 21, 22})
		for n := range 3 {
			l.free(laneID(n), quickly)
			l.ended()
		}
		l.want(t, "nobody is left", nil, nil)
		l.wantAtWork(t, 0)
	})
}

// A job that has given its slot back and is still being recorded keeps its place
// among those that run: who waits for that has it once the record is there.
func TestLineAwaitsRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(8)}
		first, next := l.learn(laneID(1), quickly), l.learn(laneID(2), quickly)
		for n := range 8 {
			l.stand(first, atMost(100), n)
			if n < 7 {
				l.free(first, quickly)
			}
		}
		l.want(t, "all may run", []int{0, 1, 2, 3, 4, 5, 6, 7}, nil)
		l.stand(next, atMost(100), 10, 11)
		l.stand(first, atMost(100), 8)
		l.free(first, quickly)
		l.want(t, "while all are recorded", nil, nil)
		l.wantAtWork(t, 8)
		l.ended()
		l.want(t, "one is recorded", []int{10}, nil)
		l.ended()
		l.want(t, "and another: each destination in its turn", []int{8}, nil)
		l.ended()
		l.want(t, "and another", []int{11}, nil)
		l.wantAtWork(t, 8)
	})
}
