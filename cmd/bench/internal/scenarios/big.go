package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/past"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// seedAlerts and seedDays are what a busy month leaves behind.
const (
	seedAlerts = 1_000_000
	seedDays   = 25
)

// big asks whether Belfry is as quick with a month of history as without. Without
// is measured right before, on the same Postgres.
func big(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "big", 10)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var old calls.Destination
	for n := 2; n < 10; n++ {
		if old, err = s.Destination(ctx, "ok", n); err != nil {
			return r, err
		}
	}
	if err := past.Seed(ctx, s.Database, b.Scaled(seedAlerts), seedDays, b.Progress); err != nil {
		return r, err
	}
	empty, err := emptySingle(ctx, b)
	if err != nil {
		return r, err
	}
	if err := b.Cluster.Checkpoint(ctx); err != nil {
		return r, err
	}
	if r, err = singleOn(ctx, s); err != nil {
		return r, err
	}
	r.Fact("emptyPerSecond", empty.PerSecond)
	r.Checks = []report.Check{report.RatioTo("deliveries a second, to an empty database", r.PerSecond, empty.PerSecond, 0.9)}
	fmt.Fprintln(b.Progress, "big: calling …")
	if r.Calls, err = s.API.Browse(ctx, old, time.Now()); err != nil {
		return r, err
	}
	slices.SortFunc(r.Calls, func(a, b calls.Timed) int { return cmp.Compare(b.P95, a.P95) })
	r.Checks = append(r.Checks, report.AtMost("p95 of the slowest call, "+r.Calls[0].What+",", r.Calls[0].P95, 50, "ms"))
	wrong := 0
	for _, call := range r.Calls {
		if call.Wrong != "" {
			wrong++
		}
	}
	r.Checks = append(r.Checks, report.AtMost("calls that went wrong", float64(wrong), 0, ""))
	r.Fact("callsAbove50ms", float64(above(r.Calls, 50)))
	r.Fact("callsMade", float64(len(r.Calls)))
	return r, nil
}

// emptySingle is single on a database without a past.
func emptySingle(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "empty", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return singleOn(ctx, s)
}

func above(calls []calls.Timed, ms float64) (n int) {
	for _, c := range calls {
		if c.P95 > ms {
			n++
		}
	}
	return n
}
