package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pace is the rate of an ordinary day.
const pace = 50

// straggle is how long the last alerts of a measured stream may still take; what
// has not come by then counts as that late.
const straggle = 30 * time.Second

// steady is an open loop at the ordinary rate.
func steady(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "steady", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	before, err := s.read()
	if err != nil {
		return r, err
	}
	st, err := s.stream(ctx, "steady", to, pace, b.during(60*time.Second))
	if err != nil {
		return r, err
	}
	after, err := s.read()
	if err != nil {
		return r, err
	}
	r.show(st)
	r.CPU, r.Memory = each(before, after, st.loadTime, r.Deliveries), &after.memory
	r.Checks = []check{
		atMost("p50 accept to receipt", st.latency.P50, 8, "ms"),
		atMost("p99 accept to receipt", st.latency.P99, 40, "ms"),
	}
	return r, nil
}

// healthy makes destination 1, which answers at once, and warms Belfry up on it.
func (s *stage) healthy(ctx context.Context) (destination, error) {
	to, err := s.destination(ctx, "ok", 1)
	if err != nil {
		return to, err
	}
	return to, s.warm(ctx, to)
}

// streamed is what became of a stream.
type streamed struct {
	loaded   loaded
	loadTime time.Duration
	audit    audited
	latency  quantiles
}

// stream posts to a destination at a fixed rate for so long, and waits a little
// for stragglers.
func (s *stage) stream(ctx context.Context, prefix string, to destination, rate float64, length time.Duration) (streamed, error) {
	var st streamed
	had, err := s.receiver.count(ctx, to.Path)
	if err != nil {
		return st, err
	}
	n := max(1, int(rate*length.Seconds()))
	st.loaded, st.loadTime, err = loadAll(ctx, s.api, load{prefix: prefix, logType: to.LogType, alerts: n, rate: rate})
	if err != nil {
		return st, err
	}
	err = s.awaitCount(ctx, map[string]int{to.Path: had + st.loaded.accepted()}, straggle)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return st, err
	}
	if err == nil {
		// The last answers may still be on their way into the database.
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return st, err
		}
	}
	st.audit, st.latency, err = s.audit(ctx, st.loaded, to)
	if err != nil {
		return st, fmt.Errorf("audit %s: %w", prefix, err)
	}
	return st, nil
}

// show makes a stream the figures of a result.
func (r *result) show(st streamed) {
	r.Deliveries, r.Audit, r.Latency, r.Errors = st.audit.Accepted, &st.audit, &st.latency, st.loaded.Errors
	r.fact("answeredP50ms", st.loaded.Answered.P50)
	r.fact("answeredP99ms", st.loaded.Answered.P99)
}
