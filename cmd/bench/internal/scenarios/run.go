package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belfry/cmd/bench/internal/process"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// RunCommand plays scenarios.
type RunCommand struct {
	Scenarios   []string      `help:"Which, by their names or those of their groups: ${scenarios}. Default: all but ${aside}. What one needs is measured too."`
	Rounds      int           `help:"How often each is played. What is judged is the median." default:"3"`
	Within      time.Duration `help:"No scenario is played once more if that would take longer in all; 0 to play all rounds." default:"30m"`
	Quick       bool          `help:"One round, in which all is a quarter as long: a first look, in five minutes."`
	Scale       float64       `help:"Multiplies how many alerts there are and how long it takes. Only 1 is to be judged." default:"1"`
	Soak        time.Duration `help:"How long soak measures, after a fifth of that to warm up." default:"20m"`
	JSON        string        `name:"json" help:"Write everything to this file." type:"path" placeholder:"FILE"`
	Belfry      string        `help:"The program to measure." default:"bin/belfry" type:"path"`
	DatabaseURL string        `name:"database-url" help:"Measure on this Postgres, as a role that may create databases, instead of a private one. On another machine its CPU is not seen." placeholder:"URL"`
	Dir         string        `help:"Where the private Postgres writes, in a directory that is removed in the end: name the disk to measure." type:"path" placeholder:"DIR"`
}

// Names are what the help of RunCommand says.
func Names() map[string]string {
	var aside []string
	for _, s := range scenarios {
		if s.aside {
			aside = append(aside, s.name)
		}
	}
	return map[string]string{"scenarios": strings.Join(allNames(), ", "), "aside": strings.Join(aside, ", ")}
}

// Run plays all rounds. What cannot be played, or misses its threshold, is an error
// and does not keep the others from being played.
func (c *RunCommand) Run(ctx context.Context, to process.Streams) (err error) {
	chosen, err := choose(c.Scenarios)
	if err != nil {
		return err
	}
	if c.Quick {
		c.Rounds, c.Scale = 1, c.Scale*stage.QuickScale
	}
	if c.Scale <= 0 || c.Rounds <= 0 {
		return errors.New("--scale and --rounds must be above 0")
	}
	if slices.Contains(c.Scenarios, "soak") {
		c.Within = 0 // who asks for it knows that it takes long
	}
	if len(c.Scenarios) > 0 && !slices.ContainsFunc(chosen, func(s scenario) bool { return !s.once && slices.Contains(c.Scenarios, s.name) }) {
		c.Rounds = 1 // nothing that was asked for is played more often
	}
	b, err := stage.Open(ctx, stage.Options{
		Scale: c.Scale, Soak: c.Soak, Program: c.Belfry, DatabaseURL: c.DatabaseURL, Dir: c.Dir, Progress: to.Err,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	found := report.Report{Machine: report.Describe(ctx, b.Dir), Rounds: c.Rounds}
	found.Machine.Scale, found.Machine.LogLevel = c.Scale, stage.LogLevel
	if found.Machine.Postgres, found.Machine.Settings, err = b.Cluster.Settings(ctx); err != nil {
		return err
	}
	if found.Machine.Belfry, err = b.BelfryOnce(ctx, nil, "--version"); err != nil {
		return err
	}
	s := newSession(b, c.Rounds, c.Within)
	s.play(ctx, chosen)
	found.Seconds = time.Since(s.began).Seconds()
	found.Limits, found.Scenarios = s.summaries(chosen)
	if err := found.Print(to.Out); err != nil {
		return err
	}
	if c.JSON != "" {
		if err := found.Write(c.JSON); err != nil {
			return fmt.Errorf("keep figures: %w", err)
		}
	}
	return errors.Join(ctx.Err(), found.Err())
}
