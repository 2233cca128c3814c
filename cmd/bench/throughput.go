package main

import (
	"context"
	"errors"
	"fmt"
)

// floodSize is how many deliveries each flood is of.
const floodSize = 20_000

// connections is how many producers a flood has, and so have the limits.
const connections = 64

func single(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "single", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if r, err = s.single(ctx); err != nil {
		return r, err
	}
	b.maximum = r.PerSecond
	r.judgeRate(b.limits, 0.6)
	cpu := atMost("CPU of Belfry and Postgres for each delivery", (r.CPU.Belfry+r.CPU.Postgres)/1000, 0.4, "ms")
	if b.cluster.postmaster == 0 {
		cpu.Verdict = notJudged
	}
	r.Checks = append(r.Checks, cpu)
	return r, nil
}

// single is single alerts to one destination.
func (s *stage) single(ctx context.Context) (result, error) {
	to, err := s.destination(ctx, "ok", 1)
	if err != nil {
		return result{}, err
	}
	if err := s.warm(ctx, to); err != nil {
		return result{}, err
	}
	return s.flood(ctx, load{prefix: "single", logType: to.LogType, alerts: s.scaled(floodSize), connections: connections}, []destination{to})
}

func batch(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "batch", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to, err := s.destination(ctx, "ok", 1)
	if err != nil {
		return r, err
	}
	if err := s.warm(ctx, to); err != nil {
		return r, err
	}
	r, err = s.flood(ctx, load{
		prefix: "batch", logType: to.LogType, alerts: b.scaled(floodSize), connections: connections, batch: 100,
	}, []destination{to})
	if err != nil {
		return r, err
	}
	r.judgeRate(b.limits, 0.9)
	return r, nil
}

// fanWidth is how many destinations one alert goes to.
const fanWidth = 10

func fanout(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "fanout", fanWidth+1)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to, err := s.fan(ctx)
	if err != nil {
		return r, err
	}
	if err := s.warm(ctx, to[0]); err != nil {
		return r, err
	}
	r, err = s.flood(ctx, load{
		prefix: "fanout", logType: to[0].LogType, alerts: b.scaled(floodSize / fanWidth), connections: connections,
	}, to)
	if err != nil {
		return r, err
	}
	r.judgeRate(b.limits, 1.0)
	return r, nil
}

// fan makes destinations that all take the same alerts.
func (s *stage) fan(ctx context.Context) ([]destination, error) {
	var to []destination
	for n := 1; n <= fanWidth; n++ {
		d, err := s.destinationFor(ctx, "ok", n, "Bench.Fan")
		if err != nil {
			return nil, fmt.Errorf("make destination %d: %w", n, err)
		}
		to = append(to, d)
	}
	return to, nil
}

// judgeRate sets the ratios to the limits and the check of the one to L2.
func (r *result) judgeRate(l limits, bound float64) {
	r.Ratios = map[string]float64{}
	for name, limit := range map[string]float64{"L1": l.post, "L2": l.insert, "L3": l.river} {
		if limit > 0 {
			r.Ratios[name] = r.PerSecond / limit
		}
	}
	r.Checks = append(r.Checks, ratioTo("deliveries a second, to L2", r.PerSecond, l.insert, bound))
}
