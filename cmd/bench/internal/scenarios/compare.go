package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belfry/cmd/bench/internal/process"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// CompareCommand plays scenarios with two programs.
type CompareCommand struct {
	Before    string   `arg:"" help:"The program to compare with." type:"path"`
	After     string   `arg:"" help:"The program to judge." default:"bin/belfry" type:"path"`
	Scenarios []string `help:"Which; what they need is left out. Most have CPU, which is what is judged." default:"single,batch,fanout10,even50"`
	Rounds    int      `help:"How often each is played, in turns." default:"5"`
	Scale     float64  `help:"Multiplies how many alerts there are and how long it takes." default:"1"`
	Dir       string   `help:"Where the private Postgres writes, in a directory that is removed in the end." type:"path" placeholder:"DIR"`
}

// Run plays each scenario with both programs in turns, on one Postgres. A shared
// machine drifts by more than two versions differ: what is judged is the median of
// the ratios of neighbouring turns.
func (c *CompareCommand) Run(ctx context.Context, to process.Streams) (err error) {
	chosen, err := choose(c.Scenarios)
	if err != nil {
		return err
	}
	// Nothing is held against limits here. Only soak cannot do without single.
	chosen = slices.DeleteFunc(chosen, func(s scenario) bool { return !c.named(s) && !(s.name == "single" && c.soaks()) })
	b, err := stage.Open(ctx, stage.Options{Scale: c.Scale, Soak: time.Minute, Program: c.Before, Dir: c.Dir, Progress: to.Err})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	after, err := stage.CheckProgram(c.After)
	if err != nil {
		return err
	}
	programs := [2]string{b.Program, after}
	var rows []report.Comparison
	for _, s := range chosen {
		row := report.Comparison{Name: s.name}
		for round := range c.Rounds {
			b.Round = round + 1
			order := []int{0, 1}
			if round%2 == 1 { // whoever goes second finds a warmer machine
				order = []int{1, 0}
			}
			var turn [2]report.Result
			for _, i := range order {
				b.Program = programs[i]
				if turn[i] = playOnce(ctx, b, s); turn[i].Failed != "" {
					return fmt.Errorf("%s with %s: %s", s.name, programs[i], turn[i].Failed)
				}
			}
			row.Add(turn)
		}
		rows = append(rows, row)
	}
	return report.PrintComparison(to.Out, rows)
}

// named says whether a scenario or its group was asked for.
func (c *CompareCommand) named(s scenario) bool {
	return slices.Contains(c.Scenarios, s.name) || slices.Contains(c.Scenarios, s.group)
}

func (c *CompareCommand) soaks() bool { return slices.Contains(c.Scenarios, "soak") }
