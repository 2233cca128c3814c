package main

import (
	"context"
	"errors"
	"time"
)

// The scenarios of this file ask what one destination costs another. Each
// measures its own baseline right before: the machine may be busier than it was.

const (
	baseLength     = 30 * time.Second
	measuredLength = 60 * time.Second
	floodAlerts    = 5000 // for the bad neighbour
)

// noisy has one destination that never answers.
func noisy(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "noisy", 3)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	healthy, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	dead, err := s.destination(ctx, "hang", 2)
	if err != nil {
		return r, err
	}
	idle, err := s.postgresIdle(ctx)
	if err != nil {
		return r, err
	}
	var waiting loaded
	base, err := s.besides(ctx, &r, healthy, func() (err error) {
		waiting, _, err = loadAll(ctx, s.api, floodOf(dead, b.scaled(floodAlerts)))
		return err
	})
	if err != nil {
		return r, err
	}
	held, err := s.postgresIdle(ctx)
	if err != nil {
		return r, err
	}
	owed, _, err := s.audit(ctx, waiting, dead)
	if err != nil {
		return r, err
	}
	owed.Duplicates = 0 // retries, which are to be
	owed.Owed = 0       // as it is to be
	r.Audit.add(owed)
	r.fact("postgresIdlePercent", idle)
	r.fact("postgresOnceHeldPercent", held)
	r.Checks = []check{
		timesBase("healthy p50", r.Latency.P50, base.P50, 1.5),
		timesBase("healthy p99", r.Latency.P99, base.P99, 1.5),
		atMost("Postgres CPU once held, above idle", held-idle, 2, "% of a core"),
	}
	if b.cluster.postmaster == 0 {
		r.Checks[2].Verdict = notJudged
	}
	return r, nil
}

// slow20 has twenty destinations that answer, but late.
func slow20(ctx context.Context, b *bench) (r result, err error) {
	const slow = 20
	s, err := b.build(ctx, "slow20", slow+2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	healthy, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	var all []destination
	for n := 2; n < slow+2; n++ {
		d, err := s.destinationFor(ctx, "slow/10000", n, "Bench.Slow")
		if err != nil {
			return r, err
		}
		all = append(all, d)
	}
	var waiting loaded
	base, err := s.besides(ctx, &r, healthy, func() (err error) {
		waiting, _, err = loadAll(ctx, s.api, floodOf(all[0], b.scaled(100)))
		return err
	})
	if err != nil {
		return r, err
	}
	for _, d := range all {
		found, _, err := s.audit(ctx, waiting, d)
		if err != nil {
			return r, err
		}
		r.Audit.add(found)
	}
	r.Checks = []check{timesBase("healthy p99", r.Latency.P99, base.P99, 2)}
	return r, nil
}

// burst has one destination that gets very much at once and takes it well.
func burst(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "burst", 3)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	healthy, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	busy, err := s.destination(ctx, "ok", 2)
	if err != nil {
		return r, err
	}
	var g *generator
	base, err := s.besides(ctx, &r, healthy, func() (err error) {
		g, err = generate(s.api, floodOf(busy, b.scaled(floodAlerts))) // it arrives while the other is measured
		return err
	})
	if err != nil {
		return r, err
	}
	poured, _, err := g.wait(ctx)
	if err != nil {
		return r, err
	}
	if err := s.awaitCount(ctx, map[string]int{busy.Path: poured.accepted()}, patience); err != nil {
		return r, err
	}
	found, late, err := s.audit(ctx, poured, busy)
	if err != nil {
		return r, err
	}
	r.Audit.add(found)
	r.fact("burstLastMs", late.Max)
	r.Checks = []check{timesBase("healthy p99", r.Latency.P99, base.P99, 2)}
	return r, nil
}

// floodOf is many alerts at once, as a producer that catches up posts them.
func floodOf(to destination, alerts int) load {
	return load{prefix: "flood", logType: to.LogType, alerts: alerts, connections: 8, batch: 100}
}

// besides measures a healthy destination alone and then with a neighbour that
// disturb lets loose. The second goes into the result, the first is returned.
func (s *stage) besides(ctx context.Context, r *result, healthy destination, disturb func() error) (quantiles, error) {
	base, err := s.stream(ctx, "base", healthy, pace, s.during(baseLength))
	if err != nil {
		return base.latency, err
	}
	if err := disturb(); err != nil {
		return base.latency, err
	}
	before, err := s.read()
	if err != nil {
		return base.latency, err
	}
	st, err := s.stream(ctx, "beside", healthy, pace, s.during(measuredLength))
	if err != nil {
		return base.latency, err
	}
	after, err := s.read()
	if err != nil {
		return base.latency, err
	}
	r.show(st)
	r.Audit.add(base.audit)
	r.Memory = &after.memory
	r.fact("baseP50ms", base.latency.P50)
	r.fact("baseP99ms", base.latency.P99)
	r.fact("belfryPercent", belfryShare(before, after))
	r.fact("postgresPercent", postgresShare(before, after))
	return base.latency, nil
}

// postgresIdle is how much of a core Postgres uses while nothing is posted.
func (s *stage) postgresIdle(ctx context.Context) (float64, error) {
	before, err := s.read()
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, s.during(10*time.Second)); err != nil {
		return 0, err
	}
	after, err := s.read()
	return postgresShare(before, after), err
}
