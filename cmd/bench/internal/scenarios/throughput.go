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

// on plays on a stage of its own.
func on(ctx context.Context, b *stage.Bench, name string, listeners int, play func(*stage.Stage) (report.Result, error)) (r report.Result, err error) {
	s, err := b.Build(ctx, name, listeners)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return play(s)
}

func single(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "single", 2, func(s *stage.Stage) (report.Result, error) {
		to, err := s.Healthy(ctx)
		if err != nil {
			return report.Result{}, err
		}
		r, err := floodOne(ctx, s, to, floodSize, 0)
		if err != nil {
			return r, err
		}
		b.Maximum = r.PerSecond
		r.Checks = append(r.Checks, costs(b, r, 190))
		return r, nil
	})
}

// costs holds the CPU of a delivery against the most that it may be, in µs.
func costs(b *stage.Bench, r report.Result, most float64) report.Check {
	c := report.AtMost("CPU of Belfry and Postgres for each delivery", r.ServerCost(), most, "µs")
	if b.Cluster.Postmaster == 0 {
		c.Verdict = report.NotJudged
	}
	return c
}

// floodOne is single alerts to one destination that is warm, with contexts of a
// size, or the usual ones.
func floodOne(ctx context.Context, s *stage.Stage, to calls.Destination, alerts, contextBytes int) (report.Result, error) {
	return s.Flood(ctx, load.Plan{
		Shape:  load.Shape{Prefix: s.Tagged("flood"), LogType: to.LogType, ContextBytes: contextBytes},
		Alerts: s.Scaled(alerts), Connections: connections,
	}, []calls.Destination{to})
}

func batch(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "batch", 2, func(s *stage.Stage) (report.Result, error) {
		to, err := s.Healthy(ctx)
		if err != nil {
			return report.Result{}, err
		}
		return s.Flood(ctx, load.Plan{
			Shape:  load.Shape{Prefix: "batch", LogType: to.LogType},
			Alerts: b.Scaled(floodSize), Connections: connections, Batch: 100,
		}, []calls.Destination{to})
	})
}

// secure is single to a receiver with TLS, which speaks HTTP/2 or HTTP/1.1 only.
func secure(http2 bool) func(context.Context, *stage.Bench) (report.Result, error) {
	return func(ctx context.Context, b *stage.Bench) (report.Result, error) {
		return on(ctx, b, "tls", 1, func(s *stage.Stage) (report.Result, error) {
			to, err := s.Make(ctx, s.Secure(http2), "ok", 1, "Bench.1")
			if err != nil {
				return report.Result{}, err
			}
			if err := s.Warm(ctx, to); err != nil {
				return report.Result{}, err
			}
			r, err := floodOne(ctx, s, to, floodSize, 0)
			if err != nil {
				return r, err
			}
			came, err := s.Receiver.Arrivals(ctx, to.Path)
			if err != nil {
				return r, err
			}
			want := uint8(1)
			if http2 {
				want = 2
			}
			for _, a := range came {
				if a.HTTP != want {
					return r, fmt.Errorf("a delivery came by HTTP/%d, want HTTP/%d", a.HTTP, want)
				}
			}
			return r, nil
		})
	}
}

// fanWidth is how many destinations one alert goes to.
const fanWidth = 10

// fanout is alerts that each go to ten destinations, at so many hosts.
func fanout(hosts int) func(context.Context, *stage.Bench) (report.Result, error) {
	return func(ctx context.Context, b *stage.Bench) (report.Result, error) {
		return on(ctx, b, "fanout", hosts, func(s *stage.Stage) (report.Result, error) {
			to, err := fan(ctx, s, hosts)
			if err != nil {
				return report.Result{}, err
			}
			if err := s.Warm(ctx, to[0]); err != nil {
				return report.Result{}, err
			}
			return s.Flood(ctx, load.Plan{
				Shape:  load.Shape{Prefix: "fanout", LogType: to[0].LogType},
				Alerts: b.Scaled(floodSize / fanWidth), Connections: connections,
			}, to)
		})
	}
}

// fan makes destinations that all take the same alerts, at so many hosts.
func fan(ctx context.Context, s *stage.Stage, hosts int) ([]calls.Destination, error) {
	var to []calls.Destination
	for n := range fanWidth {
		d, err := s.Make(ctx, s.Host(n%hosts), "ok", n, "Bench.Fan")
		if err != nil {
			return nil, fmt.Errorf("make destination %d: %w", n, err)
		}
		to = append(to, d)
	}
	return to, nil
}

// Contexts of 2, 16 and 64 kB. How many alerts there are is about as long as a flood.
func context2(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return largeContexts(ctx, b, 10_000, 2<<10)
}

func context16(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return largeContexts(ctx, b, 6_000, 16<<10)
}

func context64(ctx context.Context, b *stage.Bench) (report.Result, error) {
	r, err := largeContexts(ctx, b, 4_000, 64<<10)
	if err == nil {
		r.Checks = append(r.Checks, report.AtLeast("deliveries a second", r.PerSecond, 1400, ""), costs(b, r, 1000))
	}
	return r, err
}

func largeContexts(ctx context.Context, b *stage.Bench, alerts, size int) (report.Result, error) {
	return on(ctx, b, "contexts", 2, func(s *stage.Stage) (report.Result, error) {
		to, err := s.Healthy(ctx)
		if err != nil {
			return report.Result{}, err
		}
		return floodOne(ctx, s, to, alerts, size)
	})
}
