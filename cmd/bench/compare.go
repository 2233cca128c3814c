package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

type compareCommand struct {
	Before    string   `arg:"" help:"The program to compare with." type:"path"`
	After     string   `arg:"" help:"The program to judge." default:"bin/belfry" type:"path"`
	Scenarios []string `help:"Which; those with CPU are single, batch, fanout and steady." default:"single,batch,fanout,steady"`
	Rounds    int      `help:"How often each is played, in turns." default:"5"`
	Scale     float64  `help:"Multiplies how many alerts there are and how long it takes." default:"1"`
	Dir       string   `help:"Where the private Postgres writes, in a directory that is removed in the end." type:"path" placeholder:"DIR"`
}

// maxCost is how much more CPU a delivery may cost than with the version before.
const maxCost = 1.03

// Run plays each scenario with both programs in turns, on one Postgres. A shared
// machine drifts by more than two versions differ: what is judged is the median of
// the ratios of neighbouring turns.
func (c *compareCommand) Run(ctx context.Context, to streams) (err error) {
	chosen, err := choose(c.Scenarios)
	if err != nil {
		return err
	}
	chosen = slices.DeleteFunc(chosen, func(s scenario) bool { return s.group == "limits" })
	b := &bench{scale: c.Scale, soak: time.Minute, token: rand.Text() + rand.Text(), progress: to.err}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx, &runCommand{Belfry: c.Before, Dir: c.Dir}); err != nil {
		return err
	}
	after, err := checkProgram(c.After)
	if err != nil {
		return err
	}
	programs := [2]string{b.program, after}
	var rows []comparison
	for _, s := range chosen {
		row := comparison{name: s.name}
		for round := range c.Rounds {
			order := []int{0, 1}
			if round%2 == 1 { // whoever goes second finds a warmer machine
				order = []int{1, 0}
			}
			var turn [2]result
			for _, i := range order {
				b.program = programs[i]
				if turn[i] = b.play(ctx, s); turn[i].Failed != "" {
					return fmt.Errorf("%s with %s: %s", s.name, programs[i], turn[i].Failed)
				}
			}
			row.add(turn)
		}
		rows = append(rows, row)
	}
	return printComparison(to.out, rows)
}

// comparison is one scenario, played in turns.
type comparison struct {
	name                string
	before, after, cost []float64 // CPU of a delivery, µs; the ratio of neighbours
	belfry, postgres    []float64 // ratios of its parts
	rate, p99           []float64 // ratios
}

func (c *comparison) add(turn [2]result) {
	if turn[0].CPU != nil && turn[1].CPU != nil {
		before, after := turn[0].CPU.Belfry+turn[0].CPU.Postgres, turn[1].CPU.Belfry+turn[1].CPU.Postgres
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

func printComparison(to io.Writer, rows []comparison) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tCPU µs before\tafter\tratio\tof turns\tBelfry\tPostgres\trate ratio\tp99 ratio\t")
	for _, r := range rows {
		verdict := notJudged
		if len(r.cost) > 0 {
			verdict = atMost("", median(r.cost), maxCost, "").Verdict
		}
		turns := ""
		for _, c := range r.cost {
			turns += number(c) + " "
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t%s\t%.3f\t%.3f\t%s\t%s\t%s\n", r.name, shown(median(r.before)), shown(median(r.after)), median(r.cost), turns,
			median(r.belfry), median(r.postgres),
			shown(median(r.rate)), shown(median(r.p99)), verdict)
	}
	return t.Flush()
}

// median returns the middle value, 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
