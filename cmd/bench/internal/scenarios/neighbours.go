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
	baseLength     = 14 * time.Second
	measuredLength = 22 * time.Second
	floodAlerts    = 5000 // for the bad neighbour
	// mostBeside is how much later a healthy destination may get its alerts.
	mostBeside = 1.3
)

// noisy has one destination that never answers.
func noisy(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "noisy", 3, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		healthy, never, err := healthyAnd(ctx, s, "hang")
		if err != nil {
			return r, err
		}
		idle, err := postgresIdle(ctx, s)
		if err != nil {
			return r, err
		}
		var waiting load.Done
		base, err := besides(ctx, s, &r, healthy, func() (err error) {
			waiting, _, err = load.All(ctx, s.API, floodOf(never, b.Scaled(floodAlerts)))
			return err
		})
		if err != nil {
			return r, err
		}
		held, err := postgresIdle(ctx, s)
		if err != nil {
			return r, err
		}
		r.Fact("postgresIdlePercent", idle)
		r.Fact("postgresOnceHeldPercent", held)
		quiet := report.AtMost("Postgres CPU once held, above idle", held-idle, 2, "% of a core")
		if b.Cluster.Postmaster == 0 {
			quiet.Verdict = report.NotJudged
		}
		r.Checks = append(healthyChecks(&r, base), quiet)
		return r, addOwed(ctx, s, &r, waiting, never)
	})
}

// dead has one destination that never answers and goes on getting alerts, as many
// as the healthy one.
func dead(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "dead", 3, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		healthy, never, err := healthyAnd(ctx, s, "hang")
		if err != nil {
			return r, err
		}
		var waiting load.Done
		var g *load.Generator
		base, err := besides(ctx, s, &r, healthy, func() (err error) {
			if waiting, _, err = load.All(ctx, s.API, floodOf(never, b.Scaled(1000))); err != nil {
				return err
			}
			g, err = load.Start(s.API, load.Plan{
				Shape: load.Shape{Prefix: "dead", LogType: never.LogType}, Rate: pace, Arrivals: load.Poisson,
				Alerts: max(1, int(pace*b.During(measuredLength).Seconds())),
			})
			return err
		})
		if err != nil {
			return r, err
		}
		posted, _, err := g.Wait(ctx)
		if err != nil {
			return r, err
		}
		r.Fact("postedToTheDead", float64(posted.Accepted()))
		r.Checks = healthyChecks(&r, base)
		return r, errors.Join(addOwed(ctx, s, &r, waiting, never), addOwed(ctx, s, &r, posted, never))
	})
}

// slow20 has twenty destinations that answer, but late.
func slow20(ctx context.Context, b *stage.Bench) (report.Result, error) {
	const slow = 20
	return on(ctx, b, "slow20", slow+2, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		healthy, err := s.Healthy(ctx)
		if err != nil {
			return r, err
		}
		var all []calls.Destination
		for n := 2; n < slow+2; n++ {
			d, err := s.Make(ctx, s.Host(n), "slow/10000", n, "Bench.Slow")
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
		r.Checks = healthyChecks(&r, base)
		return r, addOwed(ctx, s, &r, waiting, all...)
	})
}

// burst has one destination that gets very much at once and takes it well.
func burst(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "burst", 3, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		healthy, busy, err := healthyAnd(ctx, s, "ok")
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
		err = s.AwaitCount(ctx, busy.Path, poured.Accepted(), stage.Patience)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return r, err
		}
		if _, err := s.Settle(ctx, stage.Patience); err != nil {
			return r, err
		}
		found, late, err := s.Audit(ctx, poured, busy)
		if err != nil {
			return r, err
		}
		r.Audit.Add(found)
		r.Fact("burstLastMs", late.Max)
		r.Checks = healthyChecks(&r, base)
		return r, nil
	})
}

// healthyAnd makes a warm destination that answers at once, and another one.
func healthyAnd(ctx context.Context, s *stage.Stage, kind string) (healthy, other calls.Destination, err error) {
	if healthy, err = s.Healthy(ctx); err != nil {
		return healthy, other, err
	}
	other, err = s.Destination(ctx, kind, 2)
	return healthy, other, err
}

// healthyChecks hold what the healthy destination got against its baseline.
func healthyChecks(r *report.Result, base measure.Quantiles) []report.Check {
	return []report.Check{
		report.TimesBase("healthy p99", r.Latency.P99, base.P99, mostBeside),
		report.TimesBase("healthy p50", r.Latency.P50, base.P50, 1.5),
	}
}

// addOwed adds what became of alerts for destinations that are not to have answered
// yet: what is owed to them, or sent again, is as it is to be.
func addOwed(ctx context.Context, s *stage.Stage, r *report.Result, posted load.Done, to ...calls.Destination) error {
	found, err := s.AuditEach(ctx, posted, to, func(int, time.Duration) {})
	if err != nil {
		return err
	}
	found.Duplicates, found.Owed = 0, 0
	r.Audit.Add(found)
	return nil
}

// floodOf is many alerts at once, as a producer that catches up posts them.
func floodOf(to calls.Destination, alerts int) load.Plan {
	return load.Plan{Shape: load.Shape{Prefix: "flood", LogType: to.LogType}, Alerts: alerts, Connections: 8, Batch: 100}
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
	st, err := s.Stream(ctx, "beside", healthy, pace, s.During(measuredLength))
	if err != nil {
		return base.Latency, err
	}
	stage.Show(r, st)
	r.CPU = nil // what the neighbour costs is in it too
	r.Audit.Add(base.Audit)
	r.Fact("baseP50ms", base.Latency.P50)
	r.Fact("baseP99ms", base.Latency.P99)
	r.Fact("belfryPercent", measure.BelfryShare(st.Before, st.After))
	r.Fact("postgresPercent", measure.PostgresShare(st.Before, st.After))
	return base.Latency, nil
}

// postgresIdle is how much of a core Postgres uses while nothing is posted.
func postgresIdle(ctx context.Context, s *stage.Stage) (float64, error) {
	before, err := s.Read()
	if err != nil {
		return 0, err
	}
	if err := stage.Pause(ctx, s.During(5*time.Second)); err != nil {
		return 0, err
	}
	after, err := s.Read()
	return measure.PostgresShare(before, after), err
}
