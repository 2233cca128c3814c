package limiter

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// jobs notes which of them were told what.
type jobs struct {
	*Limiter
	noted     sync.Mutex
	got, late []int
	running   []uuid.UUID // destinations of those that got a slot
}

// enqueue has jobs wait for a slot.
func (l *jobs) enqueue(id uuid.UUID, limits destination.Limits, names ...int) {
	l.enqueueAs(Normal, id, limits, names...)
}

func (l *jobs) enqueueAs(u Urgency, id uuid.UUID, limits destination.Limits, names ...int) {
	for _, name := range names {
		l.Enqueue(id, limits, u, func(got bool) {
			if !got {
				l.Leave(id)
			}
			l.noted.Lock()
			defer l.noted.Unlock()
			if got {
				l.got, l.running = append(l.got, name), append(l.running, id)
			} else {
				l.late = append(l.late, name)
			}
		})
	}
}

func (l *jobs) want(t testing.TB, what string, got, late []int) {
	t.Helper()
	l.noted.Lock()
	defer l.noted.Unlock()
	if !slices.Equal(l.got, got) || !slices.Equal(l.late, late) {
		t.Errorf("%s: %v have a slot and %v were sent away, want %v and %v", what, l.got, l.late, got, late)
	}
	l.got, l.late = nil, nil
}

// finish ends the job that has run for longest.
func (l *jobs) finish() {
	l.noted.Lock()
	id := l.running[0]
	l.running = l.running[1:]
	l.noted.Unlock()
	l.Finish(id)
}

// wantRunning checks that nothing has leaked out of a backlog.
func (l *jobs) wantRunning(t testing.TB, want int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pool.running != want {
		t.Errorf("%d jobs run, want %d", l.pool.running, want)
	}
}

// Jobs have their turns in the order in which they came, as slots come free.
func TestBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(64)}
		id := l.learn(idOf(1), quickly)
		l.enqueue(id, atMost(2), 1, 2, 3, 4, 5)
		l.want(t, "at once", []int{1, 2}, nil)
		l.free(id, quickly)
		l.want(t, "one came free", []int{3}, nil)
		l.free(id, 0)
		l.want(t, "and one that was not used", []int{4}, nil)
		l.wantRunning(t, 4)
		for range 2 {
			l.finish()
		}
		l.free(id, quickly)
		l.want(t, "the last", []int{5}, nil)
		l.free(id, quickly)
		l.free(id, quickly)
		for range 3 {
			l.finish()
		}
		l.want(t, "nobody", nil, nil)
		l.wantRunning(t, 0)
		l.wantTaken(t, 0)
		time.Sleep(2 * BacklogWait)
		l.want(t, "nobody, later", nil, nil)
	})
}

// A job and a worker that wait for the same destination go as they came.
func TestBacklogAndWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(64)}
		id := l.learn(idOf(1), quickly)
		l.grab(t.Context(), id, atMost(1))
		l.enqueue(id, atMost(1), 1)
		time.Sleep(time.Millisecond)
		worker := l.taking(t.Context(), id, atMost(1), Normal)
		time.Sleep(time.Millisecond)
		l.enqueue(id, atMost(1), 2)
		person := l.taking(t.Context(), id, atMost(1), Manual)
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

// A job that has waited for too long is sent away, and no other.
func TestBacklogExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(64)}
		id := l.learn(idOf(1), slowly)
		l.enqueue(id, atMost(1), 1, 2)
		time.Sleep(BacklogWait / 2)
		l.enqueue(id, atMost(1), 3)
		time.Sleep(BacklogWait/2 - time.Millisecond)
		synctest.Wait()
		l.want(t, "not yet", []int{1}, nil)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		l.want(t, "the second", nil, []int{2})
		time.Sleep(BacklogWait / 2)
		synctest.Wait()
		l.want(t, "the third", nil, []int{3})
		l.enqueue(id, atMost(1), 4)
		time.Sleep(BacklogWait)
		synctest.Wait()
		l.want(t, "one that came when the backlog was empty again", nil, []int{4})
		l.free(id, slowly)
		l.finish()
		l.wantRunning(t, 0)
		l.wantTaken(t, 0)
	})
}

// No more jobs run than there are workers, and destinations take turns at what
// comes free, however long the backlog of one is.
func TestBacklogFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(64)}
		for n := range 40 {
			l.learn(idOf(n), quickly)
		}
		for n := range 4 {
			for range 30 {
				l.enqueue(idOf(n), atMost(16), n)
			}
		}
		first := len(l.got)
		if first > 64 {
			t.Fatalf("%d jobs run on 64 workers", first)
		}
		l.wantRunning(t, first)
		for n := 4; n < 40; n++ {
			l.enqueue(idOf(n), atMost(16), n)
		}
		ran := map[int]int{}
		for _, n := range l.got {
			ran[n]++
		}
		began := l.got
		for rounds := 0; len(began) > 0; rounds++ {
			l.got = nil
			for _, n := range began { // each ends before the next begins
				l.free(idOf(n), quickly)
				l.finish()
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
			if l.pool.running > 64 {
				t.Errorf("%d at work", l.pool.running)
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
		l.wantRunning(t, 0)
		l.wantTaken(t, 0)
	})
}

// A stop sends everyone away.
func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(64)}
		for n := range 3 {
			l.enqueue(l.learn(idOf(n), quickly), atMost(1), 10*n, 10*n+1, 10*n+2)
		}
		l.want(t, "at first", []int{0, 10, 20}, nil)
		l.Drain()
		slices.Sort(l.late)
		l.want(t, "drained", nil, []int{1, 2, 11, 12, 21, 22})
		for n := range 3 {
			l.free(idOf(n), quickly)
			l.finish()
		}
		l.want(t, "nobody is left", nil, nil)
		l.wantRunning(t, 0)
	})
}

// A job that has given its slot back and is still being recorded keeps its place
// among those that run: who waits for that has it once the record is there.
func TestBacklogAwaitsRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(8)}
		first, next := l.learn(idOf(1), quickly), l.learn(idOf(2), quickly)
		for n := range 8 {
			l.enqueue(first, atMost(100), n)
			if n < 7 {
				l.free(first, quickly)
			}
		}
		l.want(t, "all may run", []int{0, 1, 2, 3, 4, 5, 6, 7}, nil)
		l.enqueue(next, atMost(100), 10, 11)
		l.enqueue(first, atMost(100), 8)
		l.free(first, quickly)
		l.want(t, "while all are recorded", nil, nil)
		l.wantRunning(t, 8)
		l.finish()
		l.want(t, "one is recorded", []int{10}, nil)
		l.finish()
		l.want(t, "and another: each destination in its turn", []int{8}, nil)
		l.finish()
		l.want(t, "and another", []int{11}, nil)
		l.wantRunning(t, 8)
	})
}

// What a person asked for goes before all others, and what is sent away because
// the destination asked to be left alone is not among it. It waits no longer than
// others do.
func TestBacklogManual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(64)}
		id := l.learn(idOf(1), quickly)
		l.enqueue(id, atMost(1), 1, 2, 3)
		time.Sleep(time.Millisecond)
		l.enqueueAs(Manual, id, atMost(1), 4, 5)
		l.want(t, "at once", []int{1}, nil)
		for _, next := range []int{4, 5, 2} {
			l.free(id, quickly)
			l.want(t, "one came free", []int{next}, nil)
		}
		l.enqueueAs(Manual, id, atMost(1), 6)
		l.coolUntil(id, time.Now().Add(time.Second))
		l.want(t, "it asked to be left alone", nil, []int{3})
		l.enqueueAs(Manual, id, atMost(1), 7)
		l.enqueue(id, atMost(1), 8)
		l.want(t, "it is still to be left alone", nil, []int{8})
		l.free(id, quickly)
		l.want(t, "the first that was asked for", []int{6}, nil)
		time.Sleep(BacklogWait - 2*time.Millisecond)
		l.enqueue(id, atMost(1), 9)
		l.want(t, "not yet too late", nil, []int{9})
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		l.want(t, "too late", nil, []int{7})
		l.enqueue(id, atMost(1), 10)
		time.Sleep(BacklogWait / 2)
		l.enqueueAs(Manual, id, atMost(1), 11)
		time.Sleep(BacklogWait / 2)
		synctest.Wait()
		l.want(t, "what came before those that a person asked for", nil, []int{10})
		time.Sleep(BacklogWait / 2)
		synctest.Wait()
		l.want(t, "and they", nil, []int{11})
		l.free(id, 0)
		for range 5 {
			l.finish()
		}
		l.wantRunning(t, 0)
		l.wantTaken(t, 0)
	})
}

// A probe waits for nothing but a worker, and is the first to get one.
func TestBacklogProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &jobs{Limiter: newLimiter(8)}
		id, other := l.learn(idOf(1), slowly), l.learn(idOf(2), quickly)
		l.start(id)
		l.enqueueAs(Probe, id, rated(0.1, 1), 1)
		l.want(t, "beside the limits", []int{1}, nil)
		l.pool.running = l.pool.size
		l.enqueue(other, atMost(4), 2)
		l.enqueueAs(Probe, id, atMost(1), 3, 4)
		l.want(t, "all are at work", nil, nil)
		l.finish()
		l.want(t, "one is not", []int{3}, nil)
		l.Drain()
		if len(l.late) != 2 {
			t.Errorf("%v were sent away, want 2 and 4", l.late)
		}
		l.finish()
		l.got, l.late = nil, nil
		l.want(t, "nobody is left", nil, nil)
	})
}
