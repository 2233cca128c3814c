package stage

import (
	"context"
	"errors"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
)

// Flood posts alerts as fast as they are answered and waits until the last
// answer of the last destination is recorded. Each destination gets all alerts,
// or its part of them if they are spread over as many log types. Nothing else may
// be posted meanwhile.
func (s *Stage) Flood(ctx context.Context, l load.Plan, to []calls.Destination) (report.Result, error) {
	r := report.Result{Deliveries: l.Alerts * len(to)}
	if l.Spread > 1 {
		r.Deliveries = l.Alerts
	}
	had, err := s.Receiver.Count(ctx, "")
	if err != nil {
		return r, err
	}
	before, err := s.Read()
	if err != nil {
		return r, err
	}
	done, producer, err := load.All(ctx, s.API, l)
	if err != nil {
		return r, err
	}
	// What is lost or refused never comes: the audit counts it.
	late := s.AwaitCount(ctx, "", had+r.Deliveries, Patience)
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
	Spent(&r, before, after, producer)
	r.Errors = done.Errors
	r.Fact("answeredP50ms", done.Answered.P50)
	r.Fact("answeredP99ms", done.Answered.P99)
	r.Fact("acceptedPerSecond", float64(done.Accepted())/time.Duration(done.Ended-done.Begun).Seconds())
	return r, s.AuditAll(ctx, &r, done, l.Spread > 1, to)
}

// Spent notes what was spent on the deliveries of a result.
func Spent(r *report.Result, before, after measure.Meter, producer time.Duration) {
	r.CPU, r.Memory = measure.Each(before, after, producer, r.Deliveries), &after.Memory
	r.Fact("receiverProducerAndBenchPercentOfCPU", 100*r.CPU.TestersShare())
	r.Fact(report.ElsewherePercent, measure.ElsewhereShare(before, after, producer))
	r.Fact("stolenPercentOfACore", measure.StolenShare(before, after))
}
