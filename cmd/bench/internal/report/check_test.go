package report

import (
	"math"
	"slices"
	"testing"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		check Check
		want  string
		said  string
	}{
		{AtMost("p99", 40, 40, "ms"), passed, "p99 40 ≤ 40 ms"},
		{AtMost("p99", 40.1, 40, "ms"), missed, "p99 40.1 ≤ 40 ms"},
		{AtLeast("rate", 0.6, 0.6, "×"), passed, "rate 0.60 ≥ 0.60 ×"},
		{AtLeast("rate", 0.59, 0.6, "×"), missed, "rate 0.59 ≥ 0.60 ×"},
		{RatioTo("rate", 3000, 5000, 0.6), passed, "rate 0.60 ≥ 0.60 ×"},
		{RatioTo("rate", 3000, 0, 0.6), NotJudged, "rate 0 ≥ 0.60 ×"},
		{TimesBase("p99", 30, 20, 1.5), passed, "p99 1.50 ≤ 1.50 × baseline"},
		{TimesBase("p99", 31, 20, 1.5), missed, "p99 1.55 ≤ 1.50 × baseline"},
		{TimesBase("p99", 31, 0, 1.5), NotJudged, "p99 0 ≤ 1.50 × baseline"},
	} {
		if c.check.Verdict != c.want || c.check.String() != c.said {
			t.Errorf("got %q, %s; want %q, %s", c.check.String(), c.check.Verdict, c.said, c.want)
		}
	}
}

func TestChecksOfAllRuns(t *testing.T) {
	t.Parallel()
	worst := func(c Check) Check { c.Worst = true; return c }
	for name, c := range map[string]struct {
		each    []Check
		got     float64
		verdict string
		runs    []float64
	}{
		"the median counts":          {[]Check{AtLeast("r", 0.9, 0.75, "×"), AtLeast("r", 0.5, 0.75, "×"), AtLeast("r", 0.8, 0.75, "×")}, 0.8, passed, []float64{0.9, 0.5, 0.8}},
		"one good run is not enough": {[]Check{AtLeast("r", 0.9, 0.75, "×"), AtLeast("r", 0.5, 0.75, "×"), AtLeast("r", 0.6, 0.75, "×")}, 0.6, missed, []float64{0.9, 0.5, 0.6}},
		"of two their mean":          {[]Check{AtMost("p", 4, 6, "ms"), AtMost("p", 9, 6, "ms")}, 6.5, missed, []float64{4, 9}},
		"the most lost counts":       {[]Check{worst(AtMost("lost", 0, 0, "")), worst(AtMost("lost", 1, 0, "")), worst(AtMost("lost", 0, 0, ""))}, 1, missed, []float64{0, 1, 0}},
		"the least counts":           {[]Check{worst(AtLeast("share", 1, 1, "")), worst(AtLeast("share", 0.9, 1, ""))}, 0.9, missed, []float64{1, 0.9}},
		"without those not judged":   {[]Check{RatioTo("r", 3, 0, 0.7), RatioTo("r", 8, 10, 0.7), RatioTo("r", 9, 10, 0.7)}, 0.85, passed, []float64{0.8, 0.9}},
		"none was judged":            {[]Check{RatioTo("r", 3, 0, 0.7), RatioTo("r", 3, 0, 0.7)}, 0, NotJudged, nil},
	} {
		all := checkAll(c.each)
		if math.Abs(all.Got-c.got) > 1e-9 || all.Verdict != c.verdict || !slices.Equal(all.Runs, c.runs) {
			t.Errorf("%s: got %v, %s of %v; want %v, %s of %v", name, all.Got, all.Verdict, all.Runs, c.got, c.verdict, c.runs)
		}
	}
}
