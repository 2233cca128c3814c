package dispatch

import (
	"testing"
	"testing/synctest"
	"time"
)

// Where the room is full add refuses and put waits, until there is some or the group
// is closed.
func TestGroupPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := make(chan int), make(chan struct{})
		g := newGroup(1, 1, 0, func(items []int) {
			begun <- items[0]
			<-goOn
		})
		g.put(1)
		<-begun
		g.put(2)
		if g.add(3) {
			t.Error("it took more than there is room for")
		}
		put := make(chan bool, 2)
		go func() { put <- g.put(4) }()
		synctest.Wait()
		if len(put) != 0 {
			t.Error("it did not wait")
		}
		goOn <- struct{}{}
		if n := <-begun; n != 2 || !<-put {
			t.Errorf("%d went instead of 2, or 4 was refused", n)
		}
		go func() { put <- g.put(5) }()
		synctest.Wait()
		go g.close()
		if <-put {
			t.Error("it took an item while it closes")
		}
		goOn <- struct{}{}
		if n := <-begun; n != 4 {
			t.Errorf("%d went instead of 4", n)
		}
		goOn <- struct{}{}
		g.close()
		if g.put(6) {
			t.Error("it took an item when it is closed")
		}
	})
}

// A lone item waits for nobody, and neither does the next; but after a commit that
// had company the next begins some time later, with all that has come meanwhile.
func TestGroupCommitsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const apart, lasts = 4 * time.Millisecond, time.Millisecond
		type commit struct {
			at    time.Duration
			items int
		}
		began := time.Now()
		commits := make(chan commit, 10)
		g := newGroup(10, 10, apart, func(items []int) {
			commits <- commit{time.Since(began), len(items)}
			time.Sleep(lasts) // in the bubble's time
		})
		want := func(what string, at time.Duration, items int) {
			t.Helper()
			if got := <-commits; got != (commit{at, items}) {
				t.Errorf("%s: %d items after %s, want %d after %s", what, got.items, got.at, items, at)
			}
		}
		add := func(n int) {
			for i := range n {
				g.add(i)
			}
		}
		add(1)
		want("a lone one", 0, 1)
		add(2)
		want("after a lone one", lasts, 2)
		add(2)
		synctest.Wait()
		time.Sleep(apart / 2)
		add(1)
		want("after company", lasts+apart, 3)
		time.Sleep(10 * apart)
		add(1)
		want("a while later", lasts+11*apart, 1)
		g.close()
	})
}
