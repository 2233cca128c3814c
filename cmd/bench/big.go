package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// seedAlerts and seedDays are what a busy month leaves behind.
const (
	seedAlerts = 1_000_000
	seedDays   = 25
)

// big asks whether Belfry is as quick with a month of history as without. Without
// is measured right before, on the same Postgres.
func big(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "big", 10)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var old destination
	for n := 2; n < 10; n++ {
		if old, err = s.destination(ctx, "ok", n); err != nil {
			return r, err
		}
	}
	if err := seed(ctx, s.database, b.scaled(seedAlerts), seedDays, b.progress); err != nil {
		return r, err
	}
	empty, err := b.emptySingle(ctx)
	if err != nil {
		return r, err
	}
	if err := b.cluster.checkpoint(ctx); err != nil {
		return r, err
	}
	if r, err = s.single(ctx); err != nil {
		return r, err
	}
	r.fact("emptyPerSecond", empty.PerSecond)
	r.Checks = []check{ratioTo("deliveries a second, to an empty database", r.PerSecond, empty.PerSecond, 0.9)}
	fmt.Fprintln(b.progress, "big: calling …")
	if r.Calls, err = s.api.browse(ctx, old, time.Now()); err != nil {
		return r, err
	}
	slices.SortFunc(r.Calls, func(a, b timedCall) int { return cmp.Compare(b.P95, a.P95) })
	r.Checks = append(r.Checks, atMost("p95 of the slowest call, "+r.Calls[0].What+",", r.Calls[0].P95, 50, "ms"))
	wrong := 0
	for _, call := range r.Calls {
		if call.Wrong != "" {
			wrong++
		}
	}
	r.Checks = append(r.Checks, atMost("calls that went wrong", float64(wrong), 0, ""))
	r.fact("callsAbove50ms", float64(above(r.Calls, 50)))
	r.fact("callsMade", float64(len(r.Calls)))
	return r, nil
}

// emptySingle is single on a database without a past.
func (b *bench) emptySingle(ctx context.Context) (r result, err error) {
	s, err := b.build(ctx, "empty", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.single(ctx)
}

func above(calls []timedCall, ms float64) (n int) {
	for _, c := range calls {
		if c.P95 > ms {
			n++
		}
	}
	return n
}
