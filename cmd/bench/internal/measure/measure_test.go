package measure

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/cmd/bench/internal/process"
)

func TestMedianAndMean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values       []float64
		median, mean float64
	}{
		{nil, 0, 0},
		{[]float64{7}, 7, 7},
		{[]float64{1, 9}, 5, 5},
		{[]float64{9, 1, 2}, 2, 4},
		{[]float64{9, 1, 2, 4}, 3, 4},
	} {
		given := slices.Clone(c.values)
		if got := Median(c.values); got != c.median {
			t.Errorf("median of %v: got %v, want %v", c.values, got, c.median)
		}
		if got := Mean(c.values); got != c.mean {
			t.Errorf("mean of %v: got %v, want %v", c.values, got, c.mean)
		}
		if !slices.Equal(given, c.values) {
			t.Errorf("%v were reordered to %v", given, c.values)
		}
	}
}

// A ramp at the beginning and stragglers at the end do not count.
func TestSustained(t *testing.T) {
	t.Parallel()
	var times []int64
	for n := range int64(1000) {
		at := n * int64(time.Millisecond) // a thousand a second
		if n < 150 {
			at -= (150 - n) * int64(time.Second)
		}
		if n > 900 {
			at += (n - 900) * int64(time.Second)
		}
		times = append(times, at)
	}
	slices.Reverse(times)
	if got := Sustained(times); math.Abs(got-1000) > 1 {
		t.Errorf("got %v a second, want 1000", got)
	}
	for _, few := range [][]int64{nil, {5}, {5, 5, 5, 5, 5, 5}} {
		if got := Sustained(few); got != 0 {
			t.Errorf("%v: got %v, want 0", few, got)
		}
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	h := NewHistogram()
	for ms := range 1000 {
		Record(h, time.Duration(ms+1)*time.Millisecond)
	}
	Record(h, -time.Second)  // clocks that differ: at once
	Record(h, 100*time.Hour) // as late as can be told
	got := QuantilesOf(h)
	near := func(got, want float64) bool { return math.Abs(got-want) <= want/500 }
	if got.Count != 1002 || !near(got.P50, 500) || !near(got.P95, 951) || !near(got.P99, 991) || !near(got.Max, 3.6e6) {
		t.Errorf("got %+v", got)
	}
}

func TestEachTellsApartWhoSpent(t *testing.T) {
	t.Parallel()
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	before := Meter{At: time.Unix(100, 0), Belfry: ms(50), Postgres: ms(10), Receiver: ms(5), Bench: ms(1), Cores: process.Cores{Busy: ms(1000), Stolen: ms(70)}}
	after := Meter{At: time.Unix(102, 0), Belfry: ms(250), Postgres: ms(110), Receiver: ms(45), Bench: ms(11), Cores: process.Cores{Busy: ms(1500), Stolen: ms(270)}}
	got := Each(before, after, ms(50), 1000)
	want := &PerDelivery{Belfry: 200, Postgres: 100, Receiver: 40, Bench: 10, Producer: 50, Elsewhere: 100}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := got.TestersShare(); got != 0.25 {
		t.Errorf("receiver, producer and bench: got %v of all, want 0.25", got)
	}
	if got := ElsewhereShare(before, after, ms(50)); got != 5 {
		t.Errorf("elsewhere: got %v %% of a core, want 5", got)
	}
	if b, p, s := BelfryShare(before, after), PostgresShare(before, after), StolenShare(before, after); b != 10 || p != 5 || s != 10 {
		t.Errorf("got %v %%, %v %% and %v %% of a core, want 10, 5 and 10", b, p, s)
	}
	// The ticks of cores are coarser than those of processes.
	after.Cores.Busy = before.Cores.Busy
	if got := Each(before, after, ms(50), 1000).Elsewhere; got != 0 {
		t.Errorf("got %v µs elsewhere, want none", got)
	}
}
