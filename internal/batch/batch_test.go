package batch

import (
	"testing"
	"testing/synctest"
	"time"
)

// Where there is no room TryAdd refuses and Add waits, until there is some or the
// batcher is closed.
func TestAddWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := make(chan int), make(chan struct{})
		b := New(Config{Capacity: 1, Max: 1}, func(items []int) {
			begun <- items[0]
			<-goOn
		})
		b.Add(1)
		<-begun
		b.Add(2)
		if b.TryAdd(3) {
			t.Error("it took more than there is room for")
		}
		added := make(chan bool, 2)
		go func() { added <- b.Add(4) }()
		synctest.Wait()
		if len(added) != 0 {
			t.Error("it did not wait")
		}
		goOn <- struct{}{}
		if n := <-begun; n != 2 || !<-added {
			t.Errorf("%d went instead of 2, or 4 was refused", n)
		}
		go func() { added <- b.Add(5) }()
		synctest.Wait()
		go b.Close()
		if <-added {
			t.Error("it took an item while it closes")
		}
		goOn <- struct{}{}
		if n := <-begun; n != 4 {
			t.Errorf("%d went instead of 4", n)
		}
		goOn <- struct{}{}
		b.Close()
		if b.Add(6) {
			t.Error("it took an item when it is closed")
		}
	})
}

// A lone item waits for nobody, and neither does the next; but after a commit that
// had company the next begins some time later, with all that has come meanwhile.
func TestCommitInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const interval, lasts = 4 * time.Millisecond, time.Millisecond
		type commit struct {
			at    time.Duration
			items int
		}
		began := time.Now()
		commits := make(chan commit, 10)
		b := New(Config{Capacity: 10, Max: 10, MinInterval: interval}, func(items []int) {
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
				b.TryAdd(i)
			}
		}
		add(1)
		want("a lone one", 0, 1)
		add(2)
		want("after a lone one", lasts, 2)
		add(2)
		synctest.Wait()
		time.Sleep(interval / 2)
		add(1)
		want("after company", lasts+interval, 3)
		time.Sleep(10 * interval)
		add(1)
		want("a while later", lasts+11*interval, 1)
		b.Close()
	})
}
