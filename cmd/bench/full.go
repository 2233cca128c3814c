package main

import (
	"context"
	"errors"
	"time"
)

// full is how much memory Belfry takes, idle and with as much to do as there is.
func full(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "memory", fanWidth+2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	started, err := s.read()
	if err != nil {
		return r, err
	}
	if err := pause(ctx, b.during(10*time.Second)); err != nil {
		return r, err
	}
	idle, err := s.read()
	if err != nil {
		return r, err
	}
	r.fact("belfryIdlePercent", belfryShare(started, idle))
	r.fact("postgresIdlePercent", postgresShare(started, idle))
	r.fact("idleMiB", idle.memory.Resident)
	if err := s.everything(ctx, &r); err != nil {
		return r, err
	}
	r.Checks = []check{
		atMost("resident when idle", idle.memory.Resident, 40, "MiB"),
		atMost("resident at most, at full load", r.Memory.Peak, 120, "MiB"),
	}
	return r, nil
}

// everything plays the floods one after the other on the same Belfry.
func (s *stage) everything(ctx context.Context, r *result) error {
	fan, err := s.fan(ctx)
	if err != nil {
		return err
	}
	one, err := s.destination(ctx, "ok", fanWidth+1)
	if err != nil {
		return err
	}
	many := s.scaled(floodSize)
	r.Audit = &audited{}
	for _, part := range []struct {
		load
		to []destination
	}{
		{load{prefix: "single", logType: one.LogType, alerts: many, connections: connections}, []destination{one}},
		{load{prefix: "batch", logType: one.LogType, alerts: many, connections: connections, batch: 100}, []destination{one}},
		{load{prefix: "fanout", logType: fan[0].LogType, alerts: max(1, many/fanWidth), connections: connections}, fan},
	} {
		found, err := s.flood(ctx, part.load, part.to)
		if err != nil {
			return err
		}
		r.Audit.add(*found.Audit)
		r.Memory = found.Memory
		r.fact("peakAfter_"+part.prefix+"_MiB", found.Memory.Peak)
	}
	return nil
}
