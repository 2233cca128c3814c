package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

type runCommand struct {
	Scenarios   []string      `help:"Which: limits, single, batch, fanout, steady, noisy, slow20, burst, crash, memory, big, soak. Default: all but soak. What one needs is measured too."`
	Scale       float64       `help:"Multiplies how many alerts there are and how long it takes. Only 1 is to be judged." default:"1"`
	Soak        time.Duration `help:"How long soak measures, after a fifth of that to warm up." default:"20m"`
	JSON        string        `name:"json" help:"Write everything to this file." type:"path" placeholder:"FILE"`
	Belfry      string        `help:"The program to measure." default:"bin/belfry" type:"path"`
	DatabaseURL string        `name:"database-url" help:"Measure on this Postgres, as a role that may create databases, instead of a private one. On another machine its CPU is not seen." placeholder:"URL"`
	Dir         string        `help:"Where the private Postgres writes, in a directory that is removed in the end: name the disk to measure." type:"path" placeholder:"DIR"`
}

// bench is what the scenarios of a run have in common.
type bench struct {
	scale    float64
	soak     time.Duration
	program  string // the one measured
	dir      string // temporary
	cluster  *cluster
	keyset   string
	token    string
	progress io.Writer

	limits  limits  // measured so far
	maximum float64 // deliveries a second, as single measured them
}

// Run runs scenarios one after the other. One that cannot be played is reported
// and does not keep the others from being.
func (c *runCommand) Run(ctx context.Context, to streams) (err error) {
	chosen, err := choose(c.Scenarios)
	if err != nil {
		return err
	}
	if c.Scale <= 0 {
		return errors.New("--scale must be above 0")
	}
	b := &bench{scale: c.Scale, soak: c.Soak, token: rand.Text() + rand.Text(), progress: to.err}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx, c); err != nil {
		return err
	}
	found := report{Machine: describeMachine(ctx, b.dir)}
	found.Machine.Scale = c.Scale
	if found.Machine.Postgres, found.Machine.Settings, err = b.cluster.settings(ctx); err != nil {
		return err
	}
	if found.Machine.Belfry, err = b.belfryOnce(ctx, nil, "--version"); err != nil {
		return err
	}
	for _, s := range chosen {
		if ctx.Err() != nil {
			break
		}
		found.Results = append(found.Results, b.play(ctx, s))
	}
	if err := found.print(to.out); err != nil {
		return err
	}
	if c.JSON != "" {
		if err := found.write(c.JSON); err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err(), found.err())
}

// play runs one scenario.
func (b *bench) play(ctx context.Context, s scenario) result {
	fmt.Fprintf(b.progress, "%s …\n", s.name)
	began := time.Now()
	r, err := s.play(ctx, b)
	r.Name, r.Seconds = s.name, time.Since(began).Seconds()
	if err != nil {
		r.Failed = err.Error()
		fmt.Fprintf(b.progress, "%s: %v\n", s.name, err)
	}
	r.Checks = append(r.Checks, r.nothingLost()...)
	return r
}

// prepare makes what all scenarios need.
func (b *bench) prepare(ctx context.Context, c *runCommand) (err error) {
	if b.program, err = checkProgram(c.Belfry); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(c.Dir, "belfry-bench-"); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	// As root, Postgres runs as another user, who must be able to come in.
	if err := os.Chmod(b.dir, 0o711); err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	if b.cluster, err = openCluster(ctx, c.DatabaseURL, b.dir); err != nil {
		return err
	}
	b.keyset, err = b.belfryOnce(ctx, nil, "keygen")
	return err
}

func (b *bench) close() error {
	var errs []error
	if b.cluster != nil {
		errs = append(errs, b.cluster.close())
	}
	if b.dir != "" {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}

// scaled is how many of n there are at this scale.
func (b *bench) scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

// during is how long d takes at this scale.
func (b *bench) during(d time.Duration) time.Duration { return time.Duration(float64(d) * b.scale) }
