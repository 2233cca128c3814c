package report

import (
	"bytes"
	"strings"
	"testing"

	"belfry/cmd/bench/internal/measure"
)

// What is judged is the median of the ratios of neighbours, and not the ratio of
// medians: the machine may become slower from turn to turn.
func TestComparisonJudgesNeighbours(t *testing.T) {
	t.Parallel()
	turn := func(before, after float64) [2]Result {
		of := func(cost float64) Result {
			return Result{
				PerSecond: 1e6 / cost, CPU: &measure.PerDelivery{Belfry: cost * 3 / 4, Postgres: cost / 4},
				Latency: &measure.Quantiles{P99: cost / 10},
			}
		}
		return [2]Result{of(before), of(after)}
	}
	same, dearer, none := Comparison{Name: "same"}, Comparison{Name: "dearer"}, Comparison{Name: "none"}
	for _, slowness := range []float64{1, 2, 4} {
		same.Add(turn(200*slowness, 202*slowness))
		dearer.Add(turn(200*slowness, 220*slowness))
		none.Add([2]Result{{Name: "none"}, {Name: "none"}})
	}
	var out bytes.Buffer
	if err := PrintComparison(&out, []Comparison{same, dearer, none}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %d lines, want a head and three:\n%s", len(lines), &out)
	}
	for at, want := range map[int][]string{1: {"same", "400", "404", "1.010", passed}, 2: {"dearer", "440", "1.100", missed}, 3: {"none", NotJudged}} {
		for _, text := range want {
			if !strings.Contains(lines[at], text) {
				t.Errorf("line %d lacks %q: %s", at, text, lines[at])
			}
		}
	}
}
