package delivery_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// most is the longest duration that is told from longer ones: just below 1.25^56
// milliseconds.
const most time.Duration = 267_276_471_009

// took returns the stats of counted attempts that took so long each.
func took(list ...time.Duration) delivery.Stats {
	var s delivery.Stats
	for _, d := range list {
		a := refused(1, noon)
		a.Duration = d
		s.Add(a)
	}
	return s
}

func TestStatsAdd(t *testing.T) {
	t.Parallel()
	s := delivery.Stats{Since: noon}
	for _, class := range outbound.Classes() {
		s.Add(try(1, class, 0, noon))
	}
	failed := len(outbound.Classes()) - 1
	if s.Acked != 1 || s.Failed != failed || !s.Since.Equal(noon) {
		t.Errorf("got %d acked, %d failed since %s; want 1, %d since noon", s.Acked, s.Failed, s.Since, failed)
	}
	before := s
	for name, a := range map[string]delivery.Attempt{
		"a test":                  test(try(1, outbound.Acked, 200, noon)),
		"a failed test":           test(refused(1, noon)),
		"a test not counted":      uncounted(test(refused(1, noon))),
		"an ack not counted":      uncounted(try(1, outbound.Acked, 200, noon)),
		"interrupted by our stop": uncounted(try(1, outbound.Interrupted, 0, noon)),
	} {
		s.Add(a)
		if diff := cmp.Diff(before, s); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	last := took(math.MaxInt64).Durations.Percentile(1)
	for _, tt := range []struct {
		name  string
		stats delivery.Stats
		p     float64
		want  time.Duration
	}{
		{"none", took(), 0.5, 0},
		{"no time at all", took(0), 0.5, ms},
		{"less than none", took(-time.Hour, math.MinInt64), 1, ms},
		{"below a millisecond", took(ms - 1), 0.5, ms},
		{"a millisecond", took(ms), 0.5, 1250 * time.Microsecond},
		{"just below the next", took(1250*time.Microsecond - 1), 0.5, 1250 * time.Microsecond},
		{"the next", took(1250 * time.Microsecond), 0.5, 1562500},
		{"longer than any", took(most+1, time.Hour, 1000*time.Hour), 0, last},
		{"the median of an odd number", took(0, 0, 0, ms, ms), 0.5, ms},
		{"the median of an even number is the lower", took(0, ms), 0.5, ms},
		{"half and one more", took(0, ms, ms), 0.5, 1250 * time.Microsecond},
		{"the least", took(0, ms), 0, ms},
		{"the most", took(0, 0, 0, ms), 1, 1250 * time.Microsecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.stats.Durations.Percentile(tt.p); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if last < 5*time.Minute || last > 6*time.Minute {
		t.Errorf("the longest is told as %s, want about five minutes", last)
	}
}

// TestPercentileIsNearTheTrueOne: never below it, and at most a quarter above,
// from a millisecond to a few minutes; with however many.
func TestPercentileIsNearTheTrueOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		each := rapid.OneOf(
			rapid.Int64Range(0, int64(time.Millisecond)),
			rapid.Int64Range(int64(time.Millisecond), int64(time.Second)),
			rapid.Int64Range(int64(time.Millisecond), int64(most)),
			rapid.Int64Range(int64(most), math.MaxInt64),
			rapid.Map(rapid.IntRange(0, 57), func(i int) int64 { return int64(math.Pow(1.25, float64(i)) * 1e6) }),
		)
		list := rapid.SliceOfN(each, 1, 200).Draw(t, "durations")
		percent := rapid.SampledFrom([]int{0, 1, 50, 75, 90, 95, 99, 100}).Draw(t, "percent")
		var s delivery.Stats
		for _, n := range list {
			s.Durations = delivery.Sum([]delivery.Stats{s, took(time.Duration(n))}, time.Time{}).Durations
		}
		slices.Sort(list)
		truth := time.Duration(list[max(0, (percent*len(list)+99)/100-1)])

		got := s.Durations.Percentile(float64(percent) / 100)
		last := took(math.MaxInt64).Durations.Percentile(1)
		switch {
		case truth < time.Millisecond:
			if got != time.Millisecond {
				t.Fatalf("got %s for %s, want 1ms", got, truth)
			}
		case truth > most:
			if got != last {
				t.Fatalf("got %s for %s, want the longest, %s", got, truth, last)
			}
		case got < truth || float64(got) > 1.25*float64(truth)+2:
			t.Fatalf("got %s for %s", got, truth)
		}
	})
}

// TestEveryDurationHasItsPlace: each boundary lies where the comment says, and
// each count goes to one place only.
func TestEveryDurationHasItsPlace(t *testing.T) {
	t.Parallel()
	place := func(d time.Duration) int {
		s := took(d).Durations
		i := slices.Index(s[:], 1)
		s[i] = 0
		if s != (delivery.Durations{}) {
			t.Errorf("%s was counted more than once", d)
		}
		return i
	}
	for i := range 57 {
		boundary := time.Duration(math.Ceil(math.Pow(1.25, float64(i)) * float64(time.Millisecond)))
		if below, above := place(boundary-1), place(boundary+1); below != i || above != i+1 {
			t.Errorf("around %s: got %d and %d, want %d and %d", boundary, below, above, i, i+1)
		}
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0} {
		if got := place(d); got != 0 {
			t.Errorf("%s: got %d, want 0", d, got)
		}
	}
	for _, d := range []time.Duration{most + 1, 10 * time.Minute, math.MaxInt64} {
		if got := place(d); got != 57 {
			t.Errorf("%s: got %d, want 57", d, got)
		}
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	stats := func(since time.Duration, acked, failed int, d ...time.Duration) delivery.Stats {
		s := took(d...)
		s.Since, s.Acked, s.Failed = at(since), acked, failed
		return s
	}
	list := []delivery.Stats{
		stats(-delivery.StatsSpan, 100, 100, time.Second), // too early
		stats(0, 1, 10, time.Millisecond),
		stats(delivery.StatsSpan, 2, 20, time.Millisecond, time.Minute),
		stats(-1, 1000, 1000, time.Second), // a nanosecond too early
	}
	want := stats(0, 3, 30, time.Millisecond, time.Millisecond, time.Minute)
	if diff := cmp.Diff(want, delivery.Sum(list, noon)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(delivery.Stats{Since: noon}, delivery.Sum(nil, noon)); diff != "" {
		t.Errorf("of nothing (-want +got)\n%s", diff)
	}
	if list[1].Acked != 1 || list[1].Durations != took(time.Millisecond).Durations {
		t.Errorf("summing up changed the first: %+v", list[1])
	}
	if delivery.StatsSpan != 10*time.Minute {
		t.Errorf("a span is %s", delivery.StatsSpan)
	}
}
