package stage

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/cmd/bench/internal/load"
)

// What was made before a stage began is told apart from what is made on it by its
// id alone.
func TestFirstID(t *testing.T) {
	t.Parallel()
	id := uuid.Must(uuid.NewV7())
	sec, nsec := id.Time().UnixTime()
	at := time.Unix(sec, nsec)
	before, after := firstID(at), firstID(at.Add(3*time.Second))
	if bytes.Compare(before[:], id[:]) >= 0 {
		t.Errorf("the first id of %v is %s, which is not before %s", at, before, id)
	}
	if bytes.Compare(after[:], id[:]) <= 0 {
		t.Errorf("the first id of three seconds later is %s, which is not after %s", after, id)
	}
}

func TestTagged(t *testing.T) {
	t.Parallel()
	b := &Bench{Round: 2}
	if got := (&Stage{Bench: b}).Tagged("flood"); got != "flood" {
		t.Errorf("on a database of its own: got %q", got)
	}
	if got := (&Stage{Bench: b, keep: true}).Tagged("flood"); got != "flood.round2" {
		t.Errorf("on a database that is kept: got %q", got)
	}
}

// What a scenario is about is as much in a quick run, and less only to try.
func TestScale(t *testing.T) {
	t.Parallel()
	for scale, want := range map[float64][2]int{1: {2000, 2000}, QuickScale: {500, 2000}, 0.01: {20, 20}, 0.0001: {1, 1}} {
		b := &Bench{scale: scale}
		if got := [2]int{b.Scaled(2000), b.Fixed(2000)}; got != want {
			t.Errorf("scale %v: got %v scaled and fixed, want %v", scale, got, want)
		}
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]time.Duration{0: 5, 5: 5, 7: 7, 50: 50, 90: 50} {
		if got := between(d, 5, 50); got != want {
			t.Errorf("%d: got %d, want %d", d, got, want)
		}
	}
}

// What counts is when a delivery came, and not how long it took.
func TestCameLate(t *testing.T) {
	t.Parallel()
	const ms = int64(time.Millisecond)
	l := load.Done{Begun: 5000 * ms, Ended: 15_000 * ms, Sent: []int64{0, 10_000_000}} // at the beginning, and at the end
	for _, c := range []struct {
		i    int
		late time.Duration
		want bool
	}{
		{0, 9 * time.Second, false},
		{0, 11 * time.Second, false},
		{0, 11*time.Second + 1, true},
		{1, 900 * time.Millisecond, false},
		{1, 1100 * time.Millisecond, true},
	} {
		if got := cameLate(l, c.i, c.late); got != c.want {
			t.Errorf("alert %d, %v after it was to be sent: got %v, want %v", c.i, c.late, got, c.want)
		}
	}
}
