package calls

import (
	"testing"
	"time"
)

func TestTimedCall(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for n := range 50 {
		took = append(took, time.Duration(50-n)*time.Millisecond)
	}
	got := NewTimed("GET /", took)
	if want := (Timed{What: "GET /", Times: 50, P50: 25, P95: 48, Max: 50}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := NewTimed("GET /", took[:1]); got.P50 != 1 || got.P95 != 1 {
		t.Errorf("of one: got %+v", got)
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]int{0: 1, 0.01: 1, 0.5: 10, 0.51: 11, 0.95: 19, 0.951: 20, 1: 20} {
		var of []int
		for n := range 20 {
			of = append(of, n+1)
		}
		if got := Rank(of, share); got != want {
			t.Errorf("%v of 1 to 20: got %d, want %d", share, got, want)
		}
	}
}
