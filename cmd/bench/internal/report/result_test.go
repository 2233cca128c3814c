package report

import "testing"

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
