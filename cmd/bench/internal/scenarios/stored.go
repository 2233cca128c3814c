package scenarios

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// storedAlerts are what a busy month leaves behind: two million deliveries and five
// million attempts.
const storedAlerts = 1_000_000

// stored asks whether Belfry is as quick with a month of history as without. Without
// is measured right before and right after, on the same Postgres.
func stored(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, past, err := b.BuildOnPast(ctx, b.Scaled(storedAlerts), 2)
	if err != nil {
		return r, err
	}
	if err := s.Close(); err != nil { // it was filled, if it had to be
		return r, err
	}
	before, err := empty(ctx, b)
	if err != nil {
		return r, err
	}
	if r, err = singleOnPast(ctx, b); err != nil {
		return r, err
	}
	after, err := empty(ctx, b)
	if err != nil {
		return r, err
	}
	r.Fact("storedAttempts", float64(past.Attempts))
	r.Fact("emptyMicrosPerDelivery", measure.Mean([]float64{before.ServerCost(), after.ServerCost()}))
	r.Against("empty", report.Limit{Measured: []float64{before.PerSecond, after.PerSecond}})
	r.Checks = []report.Check{report.RatioTo("deliveries a second, to an empty database", r.PerSecond, r.Limits["empty"].Mean(), 0.95)}
	return r, nil
}

// singleOnPast is single alerts to one destination, beside all that is stored.
func singleOnPast(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, _, err := b.BuildOnPast(ctx, b.Scaled(storedAlerts), 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	return floodOne(ctx, s, to, floodSize, 0)
}

// empty is the same on a database without a past.
func empty(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "empty", 2, func(s *stage.Stage) (report.Result, error) {
		to, err := s.Healthy(ctx)
		if err != nil {
			return report.Result{}, err
		}
		return floodOne(ctx, s, to, floodSize, 0)
	})
}

// browsed times every list and every call for one thing, beside all that is stored.
func browsed(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, past, err := b.BuildOnPast(ctx, b.Scaled(storedAlerts), 1)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if r.Calls, err = s.API.Browse(ctx, past.Old, time.Now()); err != nil {
		return r, err
	}
	slices.SortFunc(r.Calls, func(a, b calls.Timed) int { return cmp.Compare(b.P95, a.P95) })
	wrong := 0
	for _, call := range r.Calls {
		if call.Wrong != "" {
			wrong++
		}
	}
	r.Checks = []report.Check{
		report.AtMost("p95 of the slowest call, "+r.Calls[0].What+",", r.Calls[0].P95, 50, "ms"),
		report.AtMost("calls that went wrong", float64(wrong), 0, ""),
	}
	r.Fact("storedAttempts", float64(past.Attempts))
	r.Fact("callsAbove50ms", float64(above(r.Calls, 50)))
	r.Fact("callsMade", float64(len(r.Calls)))
	return r, nil
}

func above(calls []calls.Timed, ms float64) (n int) {
	for _, c := range calls {
		if c.P95 > ms {
			n++
		}
	}
	return n
}
