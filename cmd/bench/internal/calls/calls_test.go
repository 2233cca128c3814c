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
