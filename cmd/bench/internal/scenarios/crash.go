package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// crash kills Belfry in the middle of a flood and starts it again at once. The
// producers repeat what was not accepted until it is.
func crash(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, err := b.Build(ctx, "crash", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	flood := floodOf(to, b.Scaled(floodAlerts))
	flood.Insist = true
	g, err := load.Start(s.API, flood)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, g.Kill()) }() // should nobody wait for it
	again, err := restart(ctx, s, flood, to)
	if err != nil {
		return r, err
	}
	done, _, err := g.Wait(ctx)
	if err != nil {
		return r, err
	}
	settled, err := s.Settle(ctx, stage.Patience)
	if err != nil {
		return r, err
	}
	if err := s.AuditAll(ctx, &r, done, []calls.Destination{to}); err != nil {
		return r, err
	}
	first, last, err := cameAfter(ctx, s, to, again)
	if err != nil {
		return r, err
	}
	r.Deliveries, r.Errors = flood.Alerts, done.Errors
	r.Fact("openWhenKilled", float64(len(again.open)))
	r.Fact("readyAfterSeconds", again.ready.Sub(again.killed).Seconds())
	r.Fact("lastOfOpenAfterReadySeconds", last.Sub(again.ready).Seconds())
	r.Checks = []report.Check{
		report.AtMost("first delivery of what was open, after ready", max(0, first.Sub(again.ready).Seconds()), 5, "s"),
		report.AtMost("all settled, after ready", settled.Sub(again.ready).Seconds(), 30, "s"),
	}
	return r, nil
}

// restarted is a crash that is over.
type restarted struct {
	killed, ready time.Time
	open          map[string]string // alertIds of what was open in between, and its status
}

// restart kills Belfry when a quarter of a flood has arrived, and starts it again.
func restart(ctx context.Context, s *stage.Stage, flood load.Plan, to calls.Destination) (again restarted, err error) {
	if err := s.AwaitCount(ctx, map[string]int{to.Path: stage.WarmAlerts + flood.Alerts/4}, stage.Patience); err != nil {
		return again, err
	}
	if err := s.Belfry.Kill(); err != nil {
		return again, err
	}
	again.killed = time.Now()
	if again.open, err = s.States(ctx, flood.Prefix, to); err != nil {
		return again, err
	}
	maps.DeleteFunc(again.open, func(_, state string) bool { return state == "delivered" })
	err = s.Start(ctx)
	again.ready = time.Now()
	return again, err
}

// cameAfter returns when the first and the last alert came of those that were
// open when Belfry was killed. What is posted after the crash shows nothing: it
// is delivered even while the rest is stuck.
func cameAfter(ctx context.Context, s *stage.Stage, to calls.Destination, again restarted) (first, last time.Time, err error) {
	came, err := s.Receiver.Arrivals(ctx, to.Path)
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
