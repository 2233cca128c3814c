package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flood posts alerts as fast as they are answered and waits until the last
// answer of the last destination is recorded.
func (s *stage) flood(ctx context.Context, l load, to []destination) (result, error) {
	r := result{Deliveries: l.alerts * len(to)}
	expected := map[string]int{}
	for _, d := range to {
		n, err := s.receiver.count(ctx, d.Path)
		if err != nil {
			return r, err
		}
		expected[d.Path] = n + l.alerts
	}
	before, err := s.read()
	if err != nil {
		return r, err
	}
	done, loadTime, err := loadAll(ctx, s.api, l)
	if err != nil {
		return r, err
	}
	// What is lost or refused never comes: the audit counts it.
	late := s.awaitCount(ctx, expected, patience)
	if late != nil && !errors.Is(late, context.DeadlineExceeded) {
		return r, late
	}
	recorded, err := s.settle(ctx, patience)
	if err != nil {
		return r, errors.Join(late, err)
	}
	after, err := s.read()
	if err != nil {
		return r, err
	}
	took := recorded.Sub(time.Unix(0, done.Begun))
	r.PerSecond = float64(r.Deliveries) / took.Seconds()
	r.CPU = each(before, after, loadTime, r.Deliveries)
	r.Memory, r.Errors = &after.memory, done.Errors
	r.fact("answeredP50ms", done.Answered.P50)
	r.fact("answeredP99ms", done.Answered.P99)
	r.fact("acceptedPerSecond", float64(done.accepted())/time.Duration(done.Ended-done.Begun).Seconds())
	return r, s.auditAll(ctx, &r, done, to)
}

// auditAll audits a load at each of its destinations.
func (s *stage) auditAll(ctx context.Context, r *result, l loaded, to []destination) error {
	all, latencies := audited{}, newHistogram()
	for _, d := range to {
		found, err := s.auditEach(ctx, l, d, func(_ int, late time.Duration) { record(latencies, late) })
		if err != nil {
			return fmt.Errorf("audit %s: %w", d.Path, err)
		}
		all.add(found)
	}
	q := quantilesOf(latencies)
	r.Audit, r.Latency = &all, &q
	return nil
}
