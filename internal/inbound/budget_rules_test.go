package inbound

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// still is a budget whose clock stands, and bodies that are no requests.
type still struct {
	*Budget
	at time.Time
}

func newStill(bounds Bodies) *still {
	s := &still{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	bounds.Now = func() time.Time { return s.at }
	s.Budget = NewBudget(bounds)
	return s
}

func (s *still) body(caller string) *Taken {
	return &Taken{budget: s.Budget, caller: caller, control: http.NewResponseController(httptest.NewRecorder())}
}

// takes gives a new body so many bytes.
func (s *still) takes(caller string, n int64) *Taken {
	t := s.body(caller)
	s.give(t, n)
	return t
}

// waits has a new body wait for so many bytes.
func (s *still) waits(caller string, n int64) *waiter {
	w := &waiter{t: s.body(caller), n: n, ready: make(chan bool, 1)}
	s.enqueue(w)
	return w
}

// said is what a body that waited was told; "" while it waits.
func (w *waiter) said() string {
	select {
	case ok := <-w.ready:
		return fmt.Sprint(ok)
	default:
		return ""
	}
}

func wantSaid(t *testing.T, list []*waiter, want ...string) {
	t.Helper()
	var got []string
	for _, w := range list {
		got = append(got, w.said())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told those that wait (-want +got)\n%s", diff)
	}
}

// What a body lacks: room for all, or its caller's part, which is three quarters.
func TestLacks(t *testing.T) {
	t.Parallel()
	const small, large = smallBody, 1 << 20 // bytes of a body, a quarter of what there is
	for name, c := range map[string]struct {
		given  []string // a body of so many quarters for each caller, in order
		unit   int64
		caller string
		n      int64
		want   lacks
	}{
		"nothing is given out":            {nil, large, "a", 3 * large, lacks{}},
		"more than its part":              {nil, large, "a", 3*large + 1, lacks{room: true, own: true}},
		"more than there is":              {nil, large, "a", 4*large + 1, lacks{room: true, own: true}},
		"its part is full":                {[]string{"a", "a", "a"}, large, "a", smallBody + 1, lacks{room: true, own: true}},
		"the part is another's":           {[]string{"a", "a", "a"}, large, "b", large, lacks{}},
		"all but a byte too little":       {[]string{"a", "a", "a"}, large, "b", large + 1, lacks{room: true}},
		"large ones are full":             {[]string{"a", "a", "b", "b"}, large, "c", smallBody + 1, lacks{room: true}},
		"large ones are full, it's small": {[]string{"a", "a", "b", "b"}, large, "a", smallBody, lacks{}},
		"small ones are full":             {[]string{"a", "a", "b", "b"}, small, "c", 1, lacks{room: true}},
		"small ones are full, it's large": {[]string{"a", "a", "b", "b"}, small, "c", smallBody + 1, lacks{}},
	} {
		s := newStill(Bodies{Small: 4 * small, Large: 4 * large, AtOnce: 100})
		for _, caller := range c.given {
			s.takes(caller, c.unit)
		}
		if got := s.lacks(s.body(c.caller), c.n); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// As many bodies come at a time as may, of a caller three quarters; one that grows is
// not counted again, and what it has is not either.
func TestLacksAtOnce(t *testing.T) {
	t.Parallel()
	s := newStill(Bodies{Small: 1 << 20, Large: 4 << 20, AtOnce: 4})
	first := s.takes("a", step)
	s.takes("a", step)
	want := func(t *testing.T, body *Taken, n int64, want lacks) {
		t.Helper()
		if got := s.lacks(body, n); got != want {
			t.Errorf("%s wants %d: %+v, want %+v", body.caller, n, got, want)
		}
	}
	want(t, s.body("a"), step, lacks{})
	s.takes("a", step)
	want(t, s.body("a"), step, lacks{place: true, own: true})
	want(t, s.body("b"), step, lacks{})
	s.takes("b", 3<<20)
	want(t, s.body("b"), step, lacks{place: true})
	want(t, s.body("a"), step, lacks{place: true, own: true})
	want(t, first, 2*step, lacks{})
	want(t, first, 1<<20, lacks{}) // from small to large: the large ones' room
	want(t, first, 1<<20+1, lacks{room: true})
	if s.give(first, smallBody); s.used != [2]int64{smallBody + 2*step, 3 << 20} || s.share("a").used != [2]int64{smallBody + 2*step, 0} {
		t.Errorf("grown, %d are used, of which its caller's %d", s.used, s.share("a").used)
	}
	if s.give(first, 1<<20); s.used != [2]int64{2 * step, 4 << 20} || s.share("a").used != [2]int64{2 * step, 1 << 20} {
		t.Errorf("large, %d are used, of which its caller's %d", s.used, s.share("a").used)
	}
	s.release(first)
	if s.used != [2]int64{2 * step, 3 << 20} || s.share("a").reading != 2 || first.held != 0 {
		t.Errorf("given back, %d are used, and %d of its caller's are read", s.used, s.share("a").reading)
	}
}

// Past the bound of all that wait the oldest goes, whoever's it is.
func TestTooManyWait(t *testing.T) {
	t.Parallel()
	s := newStill(Bodies{Large: 1 << 20, AtOnce: 100, Waiting: 4})
	s.takes("x", 1<<20)
	list := []*waiter{s.waits("a", 1<<20), s.waits("b", 1<<20), s.waits("a", 1<<20), s.waits("b", 1<<20)}
	wantSaid(t, list, "", "", "", "")
	list = append(list, s.waits("c", 1<<20))
	wantSaid(t, list, "false", "", "", "", "")
	s.waits("c", 1<<20)
	s.waits("c", 1<<20) // three of its own: no more than may be
	wantSaid(t, list[1:], "false", "false", "", "")
	s.waits("c", 1<<20)
	wantSaid(t, list[3:], "", "false") // its own oldest
}

// Room goes to those that have waited longest; when many wait, to the newest, whose
// caller is most likely still there.
func TestWhoIsAdmitted(t *testing.T) {
	t.Parallel()
	for n, first := range map[int]int{2: 0, maxInOrder: 0, maxInOrder + 1: maxInOrder, maxInOrder + 5: maxInOrder + 4} {
		s := newStill(Bodies{Large: 2 << 20, AtOnce: 100, Waiting: 1000})
		x := s.takes("x", 1<<20)
		y := s.takes("y", 1<<20)
		var list []*waiter
		want := make([]string, n)
		for i := range n {
			list = append(list, s.waits(fmt.Sprint("caller ", i), 1<<20))
		}
		s.release(x)
		want[first] = "true"
		wantSaid(t, list, want...)
		want[first] = ""
		second := map[int]int{2: 1, maxInOrder: 1, maxInOrder + 1: 0, maxInOrder + 5: maxInOrder + 3}[n]
		s.release(y)
		want[second] = "true"
		wantSaid(t, list, want...)
	}
}

// Who wants less than there is goes before one that wants more.
func TestTheLargestWaits(t *testing.T) {
	t.Parallel()
	s := newStill(Bodies{Large: 4 << 20, AtOnce: 100, Waiting: 100})
	x := s.takes("x", 1<<20)
	s.takes("y", 3<<20)
	list := []*waiter{s.waits("a", 2<<20), s.waits("b", 1<<20), s.waits("c", 1<<20)}
	s.release(x)
	wantSaid(t, list, "", "true", "")
}

// Of the bodies that stall only as many give way as are in the way of those that wait:
// the latest first, of the part that is wanted, and of one's own when one's part is full.
func TestWhoGivesWay(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	type body struct {
		caller string
		n      int64
		late   time.Duration
		got    int64
	}
	for name, c := range map[string]struct {
		bodies []body
		caller string
		n      int64
		want   []int // the places of those that gave way
	}{
		"the latest": {[]body{{"a", mib, time.Second, 0}, {"b", mib, 3 * time.Second, 0}, {"c", 2 * mib, 2 * time.Second, 0}}, "d", mib, []int{1}},
		"as many as it takes": {
			[]body{{"a", mib, time.Second, 0}, {"b", mib, 4 * time.Second, 0}, {"b", mib, 3 * time.Second, 0}, {"c", mib, 2 * time.Second, 0}}, "d", 2 * mib, []int{1, 2},
		},
		"a byte more": {
			[]body{{"a", mib, time.Second, 0}, {"b", mib, 4 * time.Second, 0}, {"b", mib, 3 * time.Second, 0}, {"c", mib, 2 * time.Second, 0}}, "d", 2*mib + 1, []int{1, 2, 3},
		},
		"late enough":      {[]body{{"a", 3 * mib, lateness, 0}, {"b", mib, lateness + 1, 0}}, "d", 3 * mib, []int{1}},
		"what has come":    {[]body{{"a", 3 * mib, 2 * time.Second, 2 * mib}, {"b", mib, time.Second, mib / 4}}, "d", 3 * mib, []int{1}},
		"one's own":        {[]body{{"b", mib, 9 * time.Second, 0}, {"a", 3 * mib, time.Second, 0}}, "a", mib, []int{1}},
		"not a small one":  {[]body{{"a", step, 9 * time.Second, 0}, {"b", 3 * mib, time.Second, 0}, {"c", mib, 0, 0}}, "d", mib, []int{1}},
		"there is room":    {[]body{{"a", 3 * mib, 9 * time.Second, 0}}, "d", mib, nil},
		"nobody is late":   {[]body{{"a", 3 * mib, 0, 0}, {"b", mib, 0, 0}}, "d", mib, nil},
		"all, and too few": {[]body{{"a", 2 * mib, time.Second, 0}, {"b", 2 * mib, 0, 0}}, "d", 3 * mib, []int{0}},
	} {
		s := newStill(Bodies{Small: mib, Large: 4 * mib, AtOnce: 100, Waiting: 100})
		var bodies []*Taken
		for _, b := range c.bodies {
			t := s.takes(b.caller, b.n)
			t.began, t.got = s.at.Add(-b.late), b.got
			bodies = append(bodies, t)
		}
		s.waits(c.caller, c.n)
		s.pushOut()
		var got []int
		for i, b := range bodies {
			if b.ended {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v gave way, want %v", name, got, c.want)
		}
	}
}

// However many wait, stalled bodies are pushed out at a bounded rate.
func TestOneLookDoesForAll(t *testing.T) {
	t.Parallel()
	s := newStill(Bodies{Large: 2 << 20, AtOnce: 100, Waiting: 100})
	stalled := func() *Taken {
		body := s.takes("a", 1<<20)
		body.began = s.at.Add(-time.Hour)
		return body
	}
	first := stalled()
	s.takes("b", 1<<20)
	s.waits("c", 1<<20)
	s.pushOut()
	s.release(first)
	second := stalled()
	s.waits("d", 1<<20)
	s.pushOut()
	if !first.ended || second.ended {
		t.Errorf("gave way: the first %t, the second in the same moment %t", first.ended, second.ended)
	}
	s.at = s.at.Add(pushOutEvery / 2)
	if s.pushOut(); !second.ended {
		t.Error("the second never gives way")
	}
}

// Callers are forgotten once there are many to remember.
func TestCallersAreForgotten(t *testing.T) {
	t.Parallel()
	s := newStill(Bodies{Small: 1 << 30, AtOnce: 1 << 20, Waiting: 100})
	s.takes("keeps", 1)
	for i := range manyCallers + 50 {
		s.release(s.takes(fmt.Sprint(i), 1))
	}
	if n := len(s.callers); n != manyCallers || s.callers["keeps"] == nil || s.callers["keeps"].used[0] != 1 {
		t.Errorf("%d are remembered, want %d", n, manyCallers)
	}
}

// A body that has been read keeps its room, and makes way for another to be read.
func TestReadBodiesMakeWay(t *testing.T) {
	t.Parallel()
	s := newStill(Bodies{Small: 1 << 20, AtOnce: 1, Waiting: 100})
	x := s.takes("x", step)
	list := []*waiter{s.waits("a", step), s.waits("b", step)}
	wantSaid(t, list, "", "")
	if err := s.done(x); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, list, "true", "")
	if s.used[0] != 2*step {
		t.Errorf("%d are used, want %d", s.used[0], 2*step)
	}
	list[0].t.ended = true
	if err := s.done(list[0].t); !errors.Is(err, ErrTooSlow) {
		t.Errorf("of one that had to give way: %v", err)
	}
}

// A body that had to give way, and has not given back what it had, is on its way to: for
// who waits for that no other ends.
func TestWhatGaveWayCounts(t *testing.T) {
	t.Parallel()
	bounds := roomy
	bounds.AtOnce = 2
	s := newStill(bounds)
	first := s.takes("a", 500)
	s.at = s.at.Add(time.Second)
	second := s.takes("b", 500)
	s.at = s.at.Add(time.Minute)
	s.waits("c", 500)
	for range 3 {
		s.pushOut()
		s.at = s.at.Add(pushOutEvery)
	}
	if !first.ended || second.ended {
		t.Errorf("the latest ended: %t, and another for the same place: %t", first.ended, second.ended)
	}
	s.waits("d", 500)
	if s.pushOut(); !second.ended {
		t.Error("for another that waits none ended")
	}
}
