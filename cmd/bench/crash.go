package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// crash kills Belfry in the middle of a flood and starts it again at once. The
// producers repeat what was not accepted until it is.
func crash(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "crash", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	flood := floodOf(to, b.scaled(floodAlerts))
	flood.insist = true
	g, err := generate(s.api, flood)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, g.kill()) }() // should nobody wait for it
	again, err := s.restart(ctx, flood, to)
	if err != nil {
		return r, err
	}
	done, _, err := g.wait(ctx)
	if err != nil {
		return r, err
	}
	settled, err := s.settle(ctx, patience)
	if err != nil {
		return r, err
	}
	if err := s.auditAll(ctx, &r, done, []destination{to}); err != nil {
		return r, err
	}
	first, last, err := s.cameAfter(ctx, to, again)
	if err != nil {
		return r, err
	}
	r.Deliveries, r.Errors = flood.alerts, done.Errors
	r.fact("openWhenKilled", float64(len(again.open)))
	r.fact("readyAfterSeconds", again.ready.Sub(again.killed).Seconds())
	r.fact("lastOfOpenAfterReadySeconds", last.Sub(again.ready).Seconds())
	r.Checks = []check{
		atMost("first delivery of what was open, after ready", max(0, first.Sub(again.ready).Seconds()), 5, "s"),
		atMost("all settled, after ready", settled.Sub(again.ready).Seconds(), 30, "s"),
	}
	return r, nil
}

// restarted is a crash that is over.
type restarted struct {
	killed, ready time.Time
	open          map[string]string // alertIds of what was open in between, and its status
}

// restart kills Belfry when a quarter of a flood has arrived, and starts it again.
func (s *stage) restart(ctx context.Context, flood load, to destination) (again restarted, err error) {
	if err := s.awaitCount(ctx, map[string]int{to.Path: warmAlerts + flood.alerts/4}, patience); err != nil {
		return again, err
	}
	if err := s.belfry.kill(); err != nil {
		return again, err
	}
	again.killed = time.Now()
	if again.open, err = s.states(ctx, flood.prefix, to); err != nil {
		return again, err
	}
	maps.DeleteFunc(again.open, func(_, state string) bool { return state == "delivered" })
	err = s.start(ctx)
	again.ready = time.Now()
	return again, err
}

// cameAfter returns when the first and the last alert came of those that were
// open when Belfry was killed. What is posted after the crash shows nothing: it
// is delivered even while the rest is stuck.
func (s *stage) cameAfter(ctx context.Context, to destination, again restarted) (first, last time.Time, err error) {
	came, err := s.receiver.arrivals(ctx, to.Path)
	if err != nil {
		return first, last, err
	}
	for _, a := range came {
		at := time.Unix(0, a.At)
		if again.open[a.AlertID] == "" || at.Before(again.killed) {
			continue
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	if first.IsZero() {
		return first, last, fmt.Errorf("of %d deliveries that were open when belfry was killed none came", len(again.open))
	}
	return first, last, nil
}
