package dispatch

import (
	"testing"
	"testing/synctest"
	"time"
)

// What a person asked for stands before all others, and what is sent away because
// the destination asked to be left alone is not among it. It waits no longer than
// others do.
func TestLineAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(64)}
		id := l.learn(laneID(1), quickly)
		l.stand(id, atMost(1), 1, 2, 3)
		time.Sleep(time.Millisecond)
		l.standAs(asked, id, atMost(1), 4, 5)
		l.want(t, "at once", []int{1}, nil)
		for _, next := range []int{4, 5, 2} {
			l.free(id, quickly)
			l.want(t, "one came free", []int{next}, nil)
		}
		l.standAs(asked, id, atMost(1), 6)
		l.shut(id, time.Now().Add(time.Second))
		l.want(t, "it asked to be left alone", nil, []int{3})
		l.standAs(asked, id, atMost(1), 7)
		l.stand(id, atMost(1), 8)
		l.want(t, "it is still to be left alone", nil, []int{8})
		l.free(id, quickly)
		l.want(t, "the first that was asked for", []int{6}, nil)
		time.Sleep(endurance - 2*time.Millisecond)
		l.stand(id, atMost(1), 9)
		l.want(t, "not yet too late", nil, []int{9})
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		l.want(t, "too late", nil, []int{7})
		l.stand(id, atMost(1), 10)
		time.Sleep(endurance / 2)
		l.standAs(asked, id, atMost(1), 11)
		time.Sleep(endurance / 2)
		synctest.Wait()
		l.want(t, "later ones that stand before", nil, []int{10})
		time.Sleep(endurance / 2)
		synctest.Wait()
		l.want(t, "and they", nil, []int{11})
		l.free(id, 0)
		for range 5 {
			l.ended()
		}
		l.wantAtWork(t, 0)
		l.wantTaken(t, 0)
	})
}

// A probe waits for nothing but a worker, and is the first to get one.
func TestLineProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: soleSlots(8)}
		id, other := l.learn(laneID(1), slowly), l.learn(laneID(2), quickly)
		l.start(id)
		l.standAs(probe, id, rated(0.1, 1), 1)
		l.want(t, "beside the limits", []int{1}, nil)
		l.atWork = l.workers
		l.stand(other, atMost(4), 2)
		l.standAs(probe, id, atMost(1), 3, 4)
		l.want(t, "all are at work", nil, nil)
		l.ended()
		l.want(t, "one is not", []int{3}, nil)
		l.dismiss()
		if len(l.late) != 2 {
			t.Errorf("%v were sent away, want 2 and 4", l.late)
		}
		l.ended()
		l.got, l.late = nil, nil
		l.want(t, "nobody is left", nil, nil)
	})
}
