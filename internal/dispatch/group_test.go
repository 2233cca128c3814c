package dispatch

import (
	"testing"
	"testing/synctest"
	"time"
)

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
