package scenarios

import (
	"context"
	"fmt"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// The scenarios of this file have receivers as there are: they take a while to
// answer, and nothing is wrong with them.

// answerTime is how long an ordinary slow receiver takes.
const answerTime = 200 * time.Millisecond

// slow200 posts 200 alerts a second to one destination that answers after 200 ms:
// it needs forty attempts in flight.
func slow200(ctx context.Context, b *stage.Bench) (report.Result, error) {
	const rate = 200
	return on(ctx, b, "slow200", 3, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		_, to, err := healthyAnd(ctx, s, "slow/200") // which Belfry is warmed up without
		if err != nil {
			return r, err
		}
		st, err := s.Stream(ctx, "slow200", to, rate, b.During(60*time.Second))
		if err != nil {
			return r, err
		}
		stage.Show(&r, st)
		r.Checks = []report.Check{
			report.AtMost("p99 accept to receipt", r.Latency.P99, 1000, "ms"),
			report.AtMost("late at the end", float64(st.Late), 0, "deliveries"),
			costs(b, r, 600),
		}
		return r, nil
	})
}

// wide floods so many destinations that answer after 200 ms, each with its part of
// the alerts. What counts is the rate that lasts: how it begins and how it runs out
// is left out.
func wide(width int) func(context.Context, *stage.Bench) (report.Result, error) {
	return func(ctx context.Context, b *stage.Bench) (report.Result, error) {
		return on(ctx, b, "wide", width+2, func(s *stage.Stage) (report.Result, error) {
			var r report.Result
			const logType = "Bench.Wide"
			if _, err := s.Healthy(ctx); err != nil {
				return r, err
			}
			var to []calls.Destination
			for n := range width {
				d, err := s.Make(ctx, s.Host(n+2), "slow/200", n+2, load.LogTypeOf(logType, n))
				if err != nil {
					return r, err
				}
				to = append(to, d)
			}
			r, err := s.Flood(ctx, load.Plan{
				Shape:  load.Shape{Prefix: "wide", LogType: logType, Spread: width},
				Alerts: b.Scaled(16_000), Connections: connections,
			}, to)
			if err != nil {
				return r, err
			}
			came, err := s.Arrivals(ctx, to)
			if err != nil {
				return r, err
			}
			var times []int64
			for _, a := range came {
				times = append(times, a.At)
			}
			r.Fact("perSecondWithItsBeginningAndEnd", r.PerSecond)
			r.PerSecond = measure.Sustained(times)
			return r, nil
		})
	}
}

// allWorkers holds a rate against what the workers can do, or the CPU if that is
// less: single has receivers that answer at once.
func allWorkers(r *report.Result, of func(string) float64) []report.Check {
	return []report.Check{report.RatioTo("deliveries a second, to what workers and CPU can do", r.PerSecond, workersRate(of("single")), 0.9)}
}

// workersRate is what all workers can do with receivers that take answerTime, or
// what the CPU can do; 0 if that is not known.
func workersRate(cpu float64) float64 {
	return min(workers/answerTime.Seconds(), cpu)
}

// delays posts to five destinations at once, which answer after 0, 50, 200 and
// 500 ms, and after each of these in turns. It has no threshold: it shows what
// waits for whom.
func delays(ctx context.Context, b *stage.Bench) (report.Result, error) {
	const (
		logType = "Bench.Delays"
		rate    = 60.0 // for each of them
	)
	kinds := []string{"ok", "slow/50", "slow/200", "slow/500", "mixed"}
	return on(ctx, b, "delays", len(kinds)+2, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		if _, err := s.Healthy(ctx); err != nil {
			return r, err
		}
		var to []calls.Destination
		for n, kind := range kinds {
			d, err := s.Make(ctx, s.Host(n+2), kind, n+2, load.LogTypeOf(logType, n))
			if err != nil {
				return r, err
			}
			to = append(to, d)
		}
		all := rate * float64(len(kinds))
		st, err := s.StreamOf(ctx, load.Plan{
			Shape: load.Shape{Prefix: "delays", LogType: logType, Spread: len(kinds)},
			Rate:  all, Alerts: max(len(kinds), int(all*b.During(20*time.Second).Seconds())), Arrivals: load.Poisson,
		}, to)
		if err != nil {
			return r, err
		}
		stage.Show(&r, st)
		return r, latencyOfEach(ctx, s, &r, st.Loaded, to, []string{"0ms", "50ms", "200ms", "500ms", "mixed"})
	})
}

// latencyOfEach notes the latencies of destinations that each got their part of a
// load.
func latencyOfEach(ctx context.Context, s *stage.Stage, r *report.Result, done load.Done, to []calls.Destination, names []string) error {
	each := make([]*latencies, len(to))
	for n := range each {
		each[n] = newLatencies()
	}
	if _, err := s.AuditSpread(ctx, done, to, func(i int, late time.Duration) { each[i%len(to)].record(late) }); err != nil {
		return fmt.Errorf("tell destinations apart: %w", err)
	}
	for n, l := range each {
		q := l.quantiles()
		r.Fact("p50ms of "+names[n], q.P50)
		r.Fact("p99ms of "+names[n], q.P99)
	}
	return nil
}
