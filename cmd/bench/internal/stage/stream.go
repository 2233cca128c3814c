package stage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
)

// straggle is how long the last alerts of a measured stream may still take; what
// has not come by then counts as that late.
const straggle = 30 * time.Second

// Healthy makes destination 1, which answers at once, and warms Belfry up on it.
func (s *Stage) Healthy(ctx context.Context) (calls.Destination, error) {
	to, err := s.Destination(ctx, "ok", 1)
	if err != nil {
		return to, err
	}
	return to, s.Warm(ctx, to)
}

// streamed is what became of a stream.
type streamed struct {
	Loaded   load.Done
	LoadTime time.Duration
	Audit    audit.Found
	Latency  measure.Quantiles
}

// Stream posts to a destination at a fixed rate for so long, and waits a little
// for stragglers.
func (s *Stage) Stream(ctx context.Context, prefix string, to calls.Destination, rate float64, length time.Duration) (streamed, error) {
	var st streamed
	had, err := s.Receiver.Count(ctx, to.Path)
	if err != nil {
		return st, err
	}
	n := max(1, int(rate*length.Seconds()))
	st.Loaded, st.LoadTime, err = load.All(ctx, s.API, load.Plan{Prefix: prefix, LogType: to.LogType, Alerts: n, Rate: rate})
	if err != nil {
		return st, err
	}
	err = s.AwaitCount(ctx, map[string]int{to.Path: had + st.Loaded.Accepted()}, straggle)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return st, err
	}
	if err == nil {
		// The last answers may still be on their way into the database.
		if err := Pause(ctx, 500*time.Millisecond); err != nil {
			return st, err
		}
	}
	st.Audit, st.Latency, err = s.Audit(ctx, st.Loaded, to)
	if err != nil {
		return st, fmt.Errorf("audit %s: %w", prefix, err)
	}
	return st, nil
}

// Show makes a stream the figures of a result.
func Show(r *report.Result, st streamed) {
	r.Deliveries, r.Audit, r.Latency, r.Errors = st.Audit.Accepted, &st.Audit, &st.Latency, st.Loaded.Errors
	r.Fact("answeredP50ms", st.Loaded.Answered.P50)
	r.Fact("answeredP99ms", st.Loaded.Answered.P99)
}
