package scenarios

import (
	"context"
	"errors"
	"fmt"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// floodSize is how many deliveries each flood is of.
const floodSize = 20_000

// connections is how many producers a flood has, and so have the limits.
const connections = 64

func single(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "single", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if r, err = singleOn(ctx, s); err != nil {
		return r, err
	}
	b.Maximum = r.PerSecond
	judgeRate(&r, b.Limits, 0.6)
	cpu := report.AtMost("CPU of Belfry and Postgres for each delivery", (r.CPU.Belfry+r.CPU.Postgres)/1000, 0.4, "ms")
	if b.Cluster.Postmaster == 0 {
		cpu.Verdict = report.NotJudged
	}
	r.Checks = append(r.Checks, cpu)
	return r, nil
}

// singleOn is single alerts to one destination.
func singleOn(ctx context.Context, s *stage.Stage) (report.Result, error) {
	to, err := s.Destination(ctx, "ok", 1)
	if err != nil {
		return report.Result{}, err
	}
	if err := s.Warm(ctx, to); err != nil {
		return report.Result{}, err
	}
	return s.Flood(ctx, load.Plan{Prefix: "single", LogType: to.LogType, Alerts: s.Scaled(floodSize), Connections: connections}, []calls.Destination{to})
}

func batch(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "batch", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := s.Destination(ctx, "ok", 1)
	if err != nil {
		return r, err
	}
	if err := s.Warm(ctx, to); err != nil {
		return r, err
	}
	r, err = s.Flood(ctx, load.Plan{
		Prefix: "batch", LogType: to.LogType, Alerts: b.Scaled(floodSize), Connections: connections, Batch: 100,
	}, []calls.Destination{to})
	if err != nil {
		return r, err
	}
	judgeRate(&r, b.Limits, 0.9)
	return r, nil
}

// fanWidth is how many destinations one alert goes to.
const fanWidth = 10

func fanout(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "fanout", fanWidth+1)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := fan(ctx, s)
	if err != nil {
		return r, err
	}
	if err := s.Warm(ctx, to[0]); err != nil {
		return r, err
	}
	r, err = s.Flood(ctx, load.Plan{
		Prefix: "fanout", LogType: to[0].LogType, Alerts: b.Scaled(floodSize / fanWidth), Connections: connections,
	}, to)
	if err != nil {
		return r, err
	}
	judgeRate(&r, b.Limits, 1.0)
	return r, nil
}

// fan makes destinations that all take the same alerts.
func fan(ctx context.Context, s *stage.Stage) ([]calls.Destination, error) {
	var to []calls.Destination
	for n := 1; n <= fanWidth; n++ {
		d, err := s.DestinationFor(ctx, "ok", n, "Bench.Fan")
		if err != nil {
			return nil, fmt.Errorf("make destination %d: %w", n, err)
		}
		to = append(to, d)
	}
	return to, nil
}

// judgeRate sets the ratios to the limits and the check of the one to L2.
func judgeRate(r *report.Result, l stage.Limits, bound float64) {
	r.Ratios = map[string]float64{}
	for name, limit := range map[string]float64{"L1": l.Post, "L2": l.Insert, "L3": l.River} {
		if limit > 0 {
			r.Ratios[name] = r.PerSecond / limit
		}
	}
	r.Checks = append(r.Checks, report.RatioTo("deliveries a second, to L2", r.PerSecond, l.Insert, bound))
}
