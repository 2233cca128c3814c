package scenarios

import (
	"context"
	"errors"
	"time"

	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// pace is the rate of an ordinary day.
const pace = 50

// steady is an open loop at the ordinary rate.
func steady(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "steady", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	before, err := s.Read()
	if err != nil {
		return r, err
	}
	st, err := s.Stream(ctx, "steady", to, pace, b.During(60*time.Second))
	if err != nil {
		return r, err
	}
	after, err := s.Read()
	if err != nil {
		return r, err
	}
	stage.Show(&r, st)
	r.CPU, r.Memory = measure.Each(before, after, st.LoadTime, r.Deliveries), &after.Memory
	r.Checks = []report.Check{
		report.AtMost("p50 accept to receipt", st.Latency.P50, 8, "ms"),
		report.AtMost("p99 accept to receipt", st.Latency.P99, 40, "ms"),
	}
	return r, nil
}
