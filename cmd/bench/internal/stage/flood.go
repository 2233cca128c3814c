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

// Flood posts alerts as fast as they are answered and waits until the last
// answer of the last destination is recorded.
func (s *Stage) Flood(ctx context.Context, l load.Plan, to []calls.Destination) (report.Result, error) {
	r := report.Result{Deliveries: l.Alerts * len(to)}
	expected := map[string]int{}
	for _, d := range to {
		n, err := s.Receiver.Count(ctx, d.Path)
		if err != nil {
			return r, err
		}
		expected[d.Path] = n + l.Alerts
	}
	before, err := s.Read()
	if err != nil {
		return r, err
	}
	done, loadTime, err := load.All(ctx, s.API, l)
	if err != nil {
		return r, err
	}
	// What is lost or refused never comes: the audit counts it.
	late := s.AwaitCount(ctx, expected, Patience)
	if late != nil && !errors.Is(late, context.DeadlineExceeded) {
		return r, late
	}
	recorded, err := s.Settle(ctx, Patience)
	if err != nil {
		return r, errors.Join(late, err)
	}
	after, err := s.Read()
	if err != nil {
		return r, err
	}
	took := recorded.Sub(time.Unix(0, done.Begun))
	r.PerSecond = float64(r.Deliveries) / took.Seconds()
	r.CPU = measure.Each(before, after, loadTime, r.Deliveries)
	r.Memory, r.Errors = &after.Memory, done.Errors
	r.Fact("answeredP50ms", done.Answered.P50)
	r.Fact("answeredP99ms", done.Answered.P99)
	r.Fact("acceptedPerSecond", float64(done.Accepted())/time.Duration(done.Ended-done.Begun).Seconds())
	return r, s.AuditAll(ctx, &r, done, to)
}

// AuditAll audits a load at each of its destinations.
func (s *Stage) AuditAll(ctx context.Context, r *report.Result, l load.Done, to []calls.Destination) error {
	all, latencies := audit.Found{}, measure.NewHistogram()
	for _, d := range to {
		found, err := s.AuditEach(ctx, l, d, func(_ int, late time.Duration) { measure.Record(latencies, late) })
		if err != nil {
			return fmt.Errorf("audit %s: %w", d.Path, err)
		}
		all.Add(found)
	}
	q := measure.QuantilesOf(latencies)
	r.Audit, r.Latency = &all, &q
	return nil
}
