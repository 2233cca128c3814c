package scenarios

import (
	"context"
	"time"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// full is how much memory Belfry takes, idle and with as much to do as there is.
func full(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "memory", fanWidth+1, func(s *stage.Stage) (report.Result, error) {
		var r report.Result
		started, err := s.Read()
		if err != nil {
			return r, err
		}
		if err := stage.Pause(ctx, b.During(10*time.Second)); err != nil {
			return r, err
		}
		idle, err := s.Read()
		if err != nil {
			return r, err
		}
		r.Fact("belfryIdlePercent", measure.BelfryShare(started, idle))
		r.Fact("postgresIdlePercent", measure.PostgresShare(started, idle))
		r.Fact("idleMiB", idle.Memory.Resident)
		if err := everything(ctx, s, &r); err != nil {
			return r, err
		}
		r.Checks = []report.Check{
			report.AtMost("resident when idle", idle.Memory.Resident, 40, "MiB"),
			report.AtMost("resident at most, at full load", r.Memory.Peak, 120, "MiB"),
		}
		return r, nil
	})
}

// everything plays the floods one after the other on the same Belfry.
func everything(ctx context.Context, s *stage.Stage, r *report.Result) error {
	fan, err := fan(ctx, s, fanWidth)
	if err != nil {
		return err
	}
	one, err := s.Destination(ctx, "ok", fanWidth)
	if err != nil {
		return err
	}
	many := s.Scaled(floodSize)
	r.Audit = &audit.Found{}
	for _, part := range []struct {
		load.Plan
		to []calls.Destination
	}{
		{load.Plan{Shape: load.Shape{Prefix: "single", LogType: one.LogType}, Alerts: many}, []calls.Destination{one}},
		{load.Plan{Shape: load.Shape{Prefix: "batch", LogType: one.LogType}, Alerts: many, Batch: 100}, []calls.Destination{one}},
		{load.Plan{Shape: load.Shape{Prefix: "fanout", LogType: fan[0].LogType}, Alerts: max(1, many/fanWidth)}, fan},
	} {
		part.Connections = connections
		found, err := s.Flood(ctx, part.Plan, part.to)
		if err != nil {
			return err
		}
		r.Audit.Add(*found.Audit)
		r.Memory = found.Memory
		r.Fact("peakAfter_"+part.Prefix+"_MiB", found.Memory.Peak)
	}
	return nil
}
