package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belfry/cmd/bench/internal/process"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// RunCommand plays scenarios.
type RunCommand struct {
	Scenarios   []string      `help:"Which: limits, single, batch, fanout, steady, noisy, slow20, burst, crash, memory, big, soak. Default: all but soak. What one needs is measured too."`
	Scale       float64       `help:"Multiplies how many alerts there are and how long it takes. Only 1 is to be judged." default:"1"`
	Soak        time.Duration `help:"How long soak measures, after a fifth of that to warm up." default:"20m"`
	JSON        string        `name:"json" help:"Write everything to this file." type:"path" placeholder:"FILE"`
	Belfry      string        `help:"The program to measure." default:"bin/belfry" type:"path"`
	DatabaseURL string        `name:"database-url" help:"Measure on this Postgres, as a role that may create databases, instead of a private one. On another machine its CPU is not seen." placeholder:"URL"`
	Dir         string        `help:"Where the private Postgres writes, in a directory that is removed in the end: name the disk to measure." type:"path" placeholder:"DIR"`
}

// Run runs scenarios one after the other. One that cannot be played is reported
// and does not keep the others from being.
func (c *RunCommand) Run(ctx context.Context, to process.Streams) (err error) {
	chosen, err := choose(c.Scenarios)
	if err != nil {
		return err
	}
	if c.Scale <= 0 {
		return errors.New("--scale must be above 0")
	}
	b, err := stage.Open(ctx, stage.Options{
		Scale: c.Scale, Soak: c.Soak, Program: c.Belfry, DatabaseURL: c.DatabaseURL, Dir: c.Dir, Progress: to.Err,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	found := report.Report{Machine: report.Describe(ctx, b.Dir)}
	found.Machine.Scale, found.Machine.LogLevel = c.Scale, stage.LogLevel
	if found.Machine.Postgres, found.Machine.Settings, err = b.Cluster.Settings(ctx); err != nil {
		return err
	}
	if found.Machine.Belfry, err = b.BelfryOnce(ctx, nil, "--version"); err != nil {
		return err
	}
	for _, s := range chosen {
		if ctx.Err() != nil {
			break
		}
		found.Results = append(found.Results, play(ctx, b, s))
	}
	if err := found.Print(to.Out); err != nil {
		return err
	}
	if c.JSON != "" {
		if err := found.Write(c.JSON); err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err(), found.Err())
}

// play runs one scenario.
func play(ctx context.Context, b *stage.Bench, s scenario) report.Result {
	fmt.Fprintf(b.Progress, "%s …\n", s.name)
	began := time.Now()
	r, err := s.play(ctx, b)
	r.Name, r.Seconds = s.name, time.Since(began).Seconds()
	if err != nil {
		r.Failed = err.Error()
		fmt.Fprintf(b.Progress, "%s: %v\n", s.name, err)
	}
	r.Checks = append(r.Checks, r.NothingLost()...)
	return r
}
