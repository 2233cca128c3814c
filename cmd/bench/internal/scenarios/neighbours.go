package scenarios

import (
	"context"
	"errors"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// The scenarios of this file ask what one destination costs another. Each
// measures its own baseline right before: the machine may be busier than it was.

const (
	baseLength     = 30 * time.Second
	measuredLength = 60 * time.Second
	floodAlerts    = 5000 // for the bad neighbour
)

// noisy has one destination that never answers.
func noisy(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "noisy", 3)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	healthy, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	dead, err := s.Destination(ctx, "hang", 2)
	if err != nil {
		return r, err
	}
	idle, err := postgresIdle(ctx, s)
	if err != nil {
		return r, err
	}
	var waiting load.Done
	base, err := besides(ctx, s, &r, healthy, func() (err error) {
		waiting, _, err = load.All(ctx, s.API, floodOf(dead, b.Scaled(floodAlerts)))
		return err
	})
	if err != nil {
		return r, err
	}
	held, err := postgresIdle(ctx, s)
	if err != nil {
		return r, err
	}
	owed, _, err := s.Audit(ctx, waiting, dead)
	if err != nil {
		return r, err
	}
	owed.Duplicates = 0 // retries, which are to be
	owed.Owed = 0       // as it is to be
	r.Audit.Add(owed)
	r.Fact("postgresIdlePercent", idle)
	r.Fact("postgresOnceHeldPercent", held)
	r.Checks = []report.Check{
		report.TimesBase("healthy p50", r.Latency.P50, base.P50, 1.5),
		report.TimesBase("healthy p99", r.Latency.P99, base.P99, 1.5),
		report.AtMost("Postgres CPU once held, above idle", held-idle, 2, "% of a core"),
	}
	if b.Cluster.Postmaster == 0 {
		r.Checks[2].Verdict = report.NotJudged
	}
	return r, nil
}

// slow20 has twenty destinations that answer, but late.
func slow20(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	const slow = 20
	s, err := b.Build(ctx, "slow20", slow+2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	healthy, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	var all []calls.Destination
	for n := 2; n < slow+2; n++ {
		d, err := s.DestinationFor(ctx, "slow/10000", n, "Bench.Slow")
		if err != nil {
			return r, err
		}
		all = append(all, d)
	}
	var waiting load.Done
	base, err := besides(ctx, s, &r, healthy, func() (err error) {
		waiting, _, err = load.All(ctx, s.API, floodOf(all[0], b.Scaled(100)))
		return err
	})
	if err != nil {
		return r, err
	}
	for _, d := range all {
		found, _, err := s.Audit(ctx, waiting, d)
		if err != nil {
			return r, err
		}
		r.Audit.Add(found)
	}
	r.Checks = []report.Check{report.TimesBase("healthy p99", r.Latency.P99, base.P99, 2)}
	return r, nil
}

// burst has one destination that gets very much at once and takes it well.
func burst(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "burst", 3)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	healthy, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	busy, err := s.Destination(ctx, "ok", 2)
	if err != nil {
		return r, err
	}
	var g *load.Generator
	base, err := besides(ctx, s, &r, healthy, func() (err error) {
		g, err = load.Start(s.API, floodOf(busy, b.Scaled(floodAlerts))) // it arrives while the other is measured
		return err
	})
	if err != nil {
		return r, err
	}
	poured, _, err := g.Wait(ctx)
	if err != nil {
		return r, err
	}
	if err := s.AwaitCount(ctx, map[string]int{busy.Path: poured.Accepted()}, stage.Patience); err != nil {
		return r, err
	}
	found, late, err := s.Audit(ctx, poured, busy)
	if err != nil {
		return r, err
	}
	r.Audit.Add(found)
	r.Fact("burstLastMs", late.Max)
	r.Checks = []report.Check{report.TimesBase("healthy p99", r.Latency.P99, base.P99, 2)}
	return r, nil
}

// floodOf is many alerts at once, as a producer that catches up posts them.
func floodOf(to calls.Destination, alerts int) load.Plan {
	return load.Plan{Prefix: "flood", LogType: to.LogType, Alerts: alerts, Connections: 8, Batch: 100}
}

// besides measures a healthy destination alone and then with a neighbour that
// disturb lets loose. The second goes into the result, the first is returned.
func besides(ctx context.Context, s *stage.Stage, r *report.Result, healthy calls.Destination, disturb func() error) (measure.Quantiles, error) {
	base, err := s.Stream(ctx, "base", healthy, pace, s.During(baseLength))
	if err != nil {
		return base.Latency, err
	}
	if err := disturb(); err != nil {
		return base.Latency, err
	}
	before, err := s.Read()
	if err != nil {
		return base.Latency, err
	}
	st, err := s.Stream(ctx, "beside", healthy, pace, s.During(measuredLength))
	if err != nil {
		return base.Latency, err
	}
	after, err := s.Read()
	if err != nil {
		return base.Latency, err
	}
	stage.Show(r, st)
	r.Audit.Add(base.Audit)
	r.Memory = &after.Memory
	r.Fact("baseP50ms", base.Latency.P50)
	r.Fact("baseP99ms", base.Latency.P99)
	r.Fact("belfryPercent", measure.BelfryShare(before, after))
	r.Fact("postgresPercent", measure.PostgresShare(before, after))
	return base.Latency, nil
}

// postgresIdle is how much of a core Postgres uses while nothing is posted.
func postgresIdle(ctx context.Context, s *stage.Stage) (float64, error) {
	before, err := s.Read()
	if err != nil {
		return 0, err
	}
	if err := stage.Pause(ctx, s.During(10*time.Second)); err != nil {
		return 0, err
	}
	after, err := s.Read()
	return measure.PostgresShare(before, after), err
}
