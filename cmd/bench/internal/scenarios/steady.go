package scenarios

import (
	"context"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// pace is the rate of an ordinary day.
const pace = 50

func even(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return steady(ctx, b, load.Even)
}

func poisson(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return steady(ctx, b, load.Poisson)
}

// steady is an open loop at the ordinary rate.
func steady(ctx context.Context, b *stage.Bench, arrivals string) (report.Result, error) {
	return on(ctx, b, "steady", 2, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		to, err := s.Healthy(ctx)
		if err != nil {
			return r, err
		}
		st, err := s.StreamOf(ctx, load.Plan{
			Shape: load.Shape{Prefix: "steady", LogType: to.LogType}, Rate: pace, Arrivals: arrivals,
			Alerts: max(1, int(pace*b.During(20*time.Second).Seconds())),
		}, []calls.Destination{to})
		if err != nil {
			return r, err
		}
		stage.Show(&r, st)
		r.Checks = []report.Check{
			report.AtMost("p50 accept to receipt", st.Latency.P50, 2.5, "ms"),
			report.AtMost("p99 accept to receipt", st.Latency.P99, 6, "ms"),
			costs(b, r, 3000),
		}
		return r, nil
	})
}
