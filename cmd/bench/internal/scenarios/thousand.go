package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

const (
	thousandWidth  = 1000
	thousandAlerts = 20
	thousandHosts  = 10
)

// thousand posts alerts that each go to a thousand destinations, each alert when
// the one before is delivered everywhere.
func thousand(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "thousand", thousandHosts+2, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		if _, err := s.Healthy(ctx); err != nil {
			return r, err
		}
		to, err := aThousand(ctx, s, b.Fixed(thousandWidth))
		if err != nil {
			return r, err
		}
		// The first opens connections, and is not measured.
		if _, err := s.Flood(ctx, thousandPlan("first", 1), to); err != nil {
			return r, err
		}
		var accepts []float64
		for n := range max(2, b.Scaled(thousandAlerts)) {
			one, err := s.Flood(ctx, thousandPlan(fmt.Sprintf("thousand%d", n), 1), to)
			if err != nil {
				return r, err
			}
			accepts = append(accepts, one.Facts["answeredP99ms"]) // of one call
			addRun(&r, one)
		}
		slices.Sort(accepts)
		r.Fact("slowestAcceptMs", accepts[len(accepts)-1])
		r.Checks = []report.Check{
			report.AtMost("accepted, p95 of the calls,", calls.Rank(accepts, 0.95), 100, "ms"),
			report.AtLeast("deliveries a second", r.PerSecond, 4000, ""),
			costs(b, r, 250),
		}
		return r, nil
	})
}

func thousandPlan(prefix string, alerts int) load.Plan {
	return load.Plan{Shape: load.Shape{Prefix: prefix, LogType: "Bench.Thousand"}, Alerts: alerts, Connections: 1}
}

// addRun adds a flood to those before: deliveries, their time and their CPU add up.
func addRun(r *report.Result, one report.Result) {
	seconds := float64(one.Deliveries) / one.PerSecond
	if r.Deliveries == 0 {
		facts := r.Facts
		*r, r.Facts = one, facts
		return
	}
	seconds += float64(r.Deliveries) / r.PerSecond
	before, after := float64(r.Deliveries), float64(one.Deliveries)
	mean := func(a, b float64) float64 { return (a*before + b*after) / (before + after) }
	r.CPU = &measure.PerDelivery{
		Belfry: mean(r.CPU.Belfry, one.CPU.Belfry), Postgres: mean(r.CPU.Postgres, one.CPU.Postgres),
		Receiver: mean(r.CPU.Receiver, one.CPU.Receiver), Producer: mean(r.CPU.Producer, one.CPU.Producer),
		Bench: mean(r.CPU.Bench, one.CPU.Bench), Elsewhere: mean(r.CPU.Elsewhere, one.CPU.Elsewhere),
	}
	r.Deliveries += one.Deliveries
	r.PerSecond = float64(r.Deliveries) / seconds
	r.Memory, r.Latency = one.Memory, worse(r.Latency, one.Latency)
	r.Audit.Add(*one.Audit)
}

// worse keeps the later of two quantiles, each by itself.
func worse(a, b *measure.Quantiles) *measure.Quantiles {
	return &measure.Quantiles{
		Count: a.Count + b.Count, P50: max(a.P50, b.P50), P95: max(a.P95, b.P95), P99: max(a.P99, b.P99), Max: max(a.Max, b.Max),
	}
}

// aThousand makes destinations that all take the same alerts, at ten hosts.
func aThousand(ctx context.Context, s *stage.Stage, width int) ([]calls.Destination, error) {
	all := make([]calls.Destination, width)
	numbers := make(chan int)
	var (
		making sync.WaitGroup
		mu     sync.Mutex
		wrong  error
	)
	for range 8 {
		making.Go(func() {
			for n := range numbers {
				d, err := s.Make(ctx, s.Host(2+n%thousandHosts), "ok", 2+n, "Bench.Thousand")
				mu.Lock()
				all[n], wrong = d, errors.Join(wrong, err)
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for n := range width {
		numbers <- n
	}
	close(numbers)
	making.Wait()
	if wrong != nil {
		return nil, wrong
	}
	fmt.Fprintf(s.Progress, "thousand: made %d destinations in %v\n", width, time.Since(began).Round(time.Millisecond))
	return all, nil
}
