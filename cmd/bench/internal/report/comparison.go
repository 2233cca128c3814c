package report

import (
	"fmt"
	"io"
	"text/tabwriter"

	"belfry/cmd/bench/internal/measure"
)

// maxCost is how much more CPU a delivery may cost than with the version before.
const maxCost = 1.03

// Comparison is one scenario, played in turns.
type Comparison struct {
	Name                string
	before, after, cost []float64 // CPU of a delivery, µs; the ratio of neighbours
	belfry, postgres    []float64 // ratios of its parts
	rate, p99           []float64 // ratios
}

// Add adds a turn: what came of the program before, and of the one after.
func (c *Comparison) Add(turn [2]Result) {
	if turn[0].CPU != nil && turn[1].CPU != nil {
		before, after := turn[0].CPU.Server(), turn[1].CPU.Server()
		c.before, c.after, c.cost = append(c.before, before), append(c.after, after), append(c.cost, after/before)
		c.belfry = append(c.belfry, turn[1].CPU.Belfry/turn[0].CPU.Belfry)
		c.postgres = append(c.postgres, turn[1].CPU.Postgres/turn[0].CPU.Postgres)
	}
	if turn[0].PerSecond > 0 {
		c.rate = append(c.rate, turn[1].PerSecond/turn[0].PerSecond)
	}
	if turn[0].Latency != nil && turn[0].Latency.P99 > 0 {
		c.p99 = append(c.p99, turn[1].Latency.P99/turn[0].Latency.P99)
	}
}

// PrintComparison writes a line for each scenario.
func PrintComparison(to io.Writer, rows []Comparison) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tCPU µs before\tafter\tratio\tof turns\tBelfry\tPostgres\trate ratio\tp99 ratio\t")
	for _, r := range rows {
		verdict := NotJudged
		if len(r.cost) > 0 {
			verdict = AtMost("", measure.Median(r.cost), maxCost, "").Verdict
		}
		turns := ""
		for _, c := range r.cost {
			turns += number(c) + " "
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t%s\t%.3f\t%.3f\t%s\t%s\t%s\n", r.Name, shown(measure.Median(r.before)), shown(measure.Median(r.after)), measure.Median(r.cost), turns,
			measure.Median(r.belfry), measure.Median(r.postgres),
			shown(measure.Median(r.rate)), shown(measure.Median(r.p99)), verdict)
	}
	return t.Flush()
}
