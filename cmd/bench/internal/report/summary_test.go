package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
)

// run is a run of single with a rate, against limits before and after.
func run(round int, rate, before, after float64) Result {
	r := Result{
		Name: "single", Round: round, PerSecond: rate, Deliveries: 100,
		CPU:     &measure.PerDelivery{Belfry: rate / 10, Postgres: rate / 20, Receiver: 30, Producer: 40, Bench: 1},
		Memory:  &process.Memory{Resident: rate / 50, Peak: rate / 40},
		Latency: &measure.Quantiles{Count: 100, P50: float64(round), P99: float64(10 * round)},
		Audit:   &audit.Found{Accepted: 100},
		Facts:   map[string]float64{"answeredP99ms": rate},
	}
	limit := Limit{Measured: []float64{before, after}}
	r.Against("L2", limit)
	r.Checks = append(r.Checks, RatioTo("deliveries a second, to L2", r.PerSecond, limit.Mean(), 0.75))
	r.Checks = append(r.Checks, r.NothingLost()...)
	return r
}

// What one run is held against is the mean of before and after, and what a
// scenario is held to is the median of its runs.
func TestSummarize(t *testing.T) {
	t.Parallel()
	runs := []Result{run(1, 4000, 4000, 6000), run(2, 1000, 5000, 5000), run(3, 3900, 5100, 4900)}
	runs[1].Audit.Lost = 1
	s := Summarize("single", runs)
	want := Result{
		Name: "single", PerSecond: 3900, Deliveries: 100,
		CPU:     &measure.PerDelivery{Belfry: 390, Postgres: 195, Receiver: 30, Producer: 40, Bench: 1},
		Memory:  &process.Memory{Resident: 78, Peak: 97.5},
		Latency: &measure.Quantiles{Count: 100, P50: 2, P99: 20},
		Audit:   &audit.Found{Accepted: 300, Lost: 1},
		Facts:   map[string]float64{"answeredP99ms": 3900},
		Ratios:  map[string]float64{"L2": 0.78},
	}
	if diff := cmp.Diff(want, s.Median); diff != "" {
		t.Errorf("median (-want +got):\n%s", diff)
	}
	if got := s.Checks[0]; got.Got != 0.78 || got.Verdict != passed || !slices.Equal(got.Runs, []float64{0.8, 0.2, 0.78}) {
		t.Errorf("got %+v, want the median of 0.8, 0.2 and 0.78 to pass", got)
	}
}

func TestWhatWasMissedIsSaidInALine(t *testing.T) {
	t.Parallel()
	slow := Summarize("single", []Result{run(1, 3000, 5000, 5000), run(2, 3500, 5000, 5000), run(3, 3600, 5000, 5000)})
	broken := Summarize("crash2000", []Result{{Name: "crash2000", Round: 2, Failed: "start belfry: exit status 1\nits log"}})
	good := Summarize("batch", []Result{run(1, 5000, 5000, 5000)})
	left := Summary{Name: "soak", Unplayed: 1}
	err := Report{Scenarios: []Summary{slow, broken, good, left}}.Err()
	want := "single missed a threshold: deliveries a second, to L2 is 0.70, and must be ≥ 0.75 ×; the runs had [0.60 0.70 0.72]\n" +
		"crash2000 could not be played, round 2: start belfry: exit status 1\n" +
		"soak was not played: there was no time left"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := (Report{Scenarios: []Summary{good}}).Err(); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		measured    []float64
		mean, drift float64
	}{
		{nil, 0, 1}, {[]float64{8}, 8, 1}, {[]float64{8, 10}, 9, 0.8}, {[]float64{10, 5}, 7.5, 0.5},
	} {
		l := Limit{Measured: c.measured}
		if l.Mean() != c.mean || l.Drift() != c.drift {
			t.Errorf("%v: got mean %v and drift %v, want %v and %v", c.measured, l.Mean(), l.Drift(), c.mean, c.drift)
		}
	}
}

// The table has a cell for each figure, and says which rounds are doubtful; the
// JSON has every run.
func TestReport(t *testing.T) {
	t.Parallel()
	r := Report{Rounds: 2, Scenarios: []Summary{Summarize("single", []Result{run(1, 4000, 4000, 6000), run(2, 4200, 5000, 5000)})}}
	r.Scenarios[0].Unplayed = 1
	r.Scenarios[0].Runs[0].Fact(ElsewherePercent, 9)
	r.Scenarios[0].Runs[1].Fact(ElsewherePercent, 41)
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"0.82 × L2", "deliveries a second, to L2 0.82 ≥ 0.75 ×  pass", "[0.80 0.84]",
		"The machine was not steady in round 1: beside single, L2 was 4000 and then 6000.",
		"The machine was not quiet in round 2: during single, 41 % of a core was taken elsewhere.",
		"There was no time for 1 of the rounds of single.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
	for _, not := range []string{"not steady in round 2", "not quiet in round 1", nothingLost} {
		if strings.Contains(out.String(), not) {
			t.Errorf("the table has %q:\n%s", not, &out)
		}
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var read Report
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, read); diff != "" {
		t.Errorf("what was written and read (-want +got):\n%s", diff)
	}
}

// The table of performance.md has as many cells in each row, and what was missed is
// bold.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	r := Report{Rounds: 2, Scenarios: []Summary{
		Summarize("single", []Result{run(1, 3000, 5000, 5000), run(2, 3500, 5000, 5000)}),
		Summarize("batch", []Result{run(1, 4000, 5000, 5000)}),
		Summarize("crash2000", []Result{{Name: "crash2000", Round: 1, Failed: "start belfry"}}),
	}}
	var out bytes.Buffer
	if err := r.Markdown(&out); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, line)
		}
	}
	if len(rows) != 5 {
		t.Fatalf("got %d rows, want a head, a line, and one for each scenario:\n%s", len(rows), &out)
	}
	for _, row := range rows {
		if got, want := strings.Count(row, "|"), strings.Count(rows[0], "|"); got != want {
			t.Errorf("a row with %d bars, want %d: %s", got, want, row)
		}
	}
	for at, want := range map[int]string{
		2: "**deliveries a second, to L2 0.65 ≥ 0.75 × [0.60 0.70]**",
		3: "| deliveries a second, to L2 0.80 ≥ 0.75 × |",
		4: "**round 1: start belfry**",
	} {
		if !strings.Contains(rows[at], want) {
			t.Errorf("row %d lacks %q: %s", at, want, rows[at])
		}
	}
}
