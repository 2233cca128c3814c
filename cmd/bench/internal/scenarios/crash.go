package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/receive"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// openWhenKilled is how many deliveries are open when Belfry is killed, at least.
const openWhenKilled = 2000

// crash kills Belfry with many deliveries open and starts it again at once. Ten
// receivers keep their answers back until then, so that the deliveries are in
// flight, in memory and held. Another destination goes on getting alerts from a
// producer that repeats what was not accepted, so that Belfry dies amid
// transactions too.
func crash(ctx context.Context, b *stage.Bench) (report.Result, error) {
	return on(ctx, b, "crash", fanWidth+2, func(s *stage.Stage) (r report.Result, err error) {
		quick, err := s.Healthy(ctx)
		if err != nil {
			return r, err
		}
		kept, err := behindGates(ctx, s)
		if err != nil {
			return r, err
		}
		waiting, _, err := load.All(ctx, s.API, load.Plan{
			Shape:  load.Shape{Prefix: "open", LogType: gatesLogType, Spread: len(kept)},
			Alerts: b.Fixed(openWhenKilled), Connections: 8, Batch: 100,
		})
		if err != nil {
			return r, err
		}
		g, err := load.Start(s.API, load.Plan{
			Shape: load.Shape{Prefix: "meanwhile", LogType: quick.LogType}, Rate: 300, Alerts: b.Fixed(1500), Insist: true,
		})
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, g.Kill()) }() // should nobody wait for it
		again, err := restart(ctx, s, b.Fixed(300), waiting)
		if err != nil {
			return r, err
		}
		meanwhile, _, err := g.Wait(ctx)
		if err != nil {
			return r, err
		}
		if _, err := s.Settle(ctx, stage.Patience); err != nil {
			return r, err
		}
		r.Deliveries, r.Errors, r.Audit = waiting.Accepted()+meanwhile.Accepted(), meanwhile.Errors, &audit.Found{}
		return r, judgeCrash(ctx, s, &r, again, append(kept, quick), waiting, meanwhile)
	})
}

const gatesLogType = "Bench.Gate"

// behindGates makes destinations whose receivers keep their answers back.
func behindGates(ctx context.Context, s *stage.Stage) ([]calls.Destination, error) {
	var all []calls.Destination
	for n := range fanWidth {
		d, err := s.Make(ctx, s.Host(n+2), "gate", n+2, load.LogTypeOf(gatesLogType, n))
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// restarted is a crash that is over.
type restarted struct {
	killed, ready time.Time
	open          map[string]bool // alertIds of what was open in between
}

// restart kills Belfry when so many alerts have arrived that were posted meanwhile,
// has the receivers answer, and starts it again. What waits is all open: none of its
// receivers has answered until then.
func restart(ctx context.Context, s *stage.Stage, arrived int, waiting load.Done) (again restarted, err error) {
	if err := s.AwaitCount(ctx, "/ok/1", stage.WarmAlerts+arrived, stage.Patience); err != nil {
		return again, err
	}
	if err := s.Belfry.Kill(); err != nil {
		return again, err
	}
	again.killed, again.open = time.Now(), map[string]bool{}
	for i, sent := range waiting.Sent {
		if sent >= 0 {
			again.open[waiting.ID(i)] = true
		}
	}
	if err := s.Receiver.Open(ctx); err != nil {
		return again, err
	}
	// Starting takes longer than looking, and must not wait for it.
	looked := make(chan error, 1)
	go func() { looked <- again.look(ctx, s) }()
	err = s.Start(ctx)
	again.ready = time.Now()
	return again, errors.Join(err, <-looked)
}

// look notes what else is open, as far as a Belfry that starts has not changed it yet.
func (again *restarted) look(ctx context.Context, s *stage.Stage) error {
	states, err := s.States(ctx, "meanwhile")
	if err != nil {
		return err
	}
	for _, of := range states {
		for id, state := range of {
			if state != "delivered" {
				again.open[id] = true
			}
		}
	}
	return nil
}

func judgeCrash(ctx context.Context, s *stage.Stage, r *report.Result, again restarted, to []calls.Destination, loads ...load.Done) error {
	for n, l := range loads {
		// What was open is spread over all but the last, which got the rest.
		of := to[:len(to)-1]
		if n > 0 {
			of = to[len(to)-1:]
		}
		found, err := s.AuditSpread(ctx, l, of, func(int, time.Duration) {})
		if err != nil {
			return err
		}
		r.Audit.Add(found)
	}
	came, err := s.Arrivals(ctx, to)
	if err != nil {
		return err
	}
	first, last := cameAfter(came, again)
	if first.IsZero() {
		return fmt.Errorf("of %d deliveries that were open when belfry was killed none came", len(again.open))
	}
	r.Fact("openWhenKilled", float64(len(again.open)))
	r.Fact("readyAfterSeconds", again.ready.Sub(again.killed).Seconds())
	enough := report.AtLeast("open when killed", float64(len(again.open)), float64(s.Fixed(openWhenKilled)), "")
	enough.Worst = true
	r.Checks = []report.Check{
		report.AtMost("first delivery of what was open, after the kill", first.Sub(again.killed).Seconds(), 1.5, "s"),
		report.AtMost("last delivery of what was open, after the kill", last.Sub(again.killed).Seconds(), 5, "s"),
		enough,
	}
	return nil
}

// cameAfter returns when the first and the last alert came of those that were
// open when Belfry was killed, the last of them when it came for the first time
// since. What is posted after the crash shows nothing: it is delivered even while
// the rest is stuck.
func cameAfter(came []receive.Arrival, again restarted) (first, last time.Time) {
	since := map[string]int64{}
	for _, a := range came {
		if !again.open[a.AlertID] || a.At < again.killed.UnixNano() {
			continue
		}
		if at, ok := since[a.AlertID]; !ok || a.At < at {
			since[a.AlertID] = a.At
		}
	}
	for _, nanos := range since {
		at := time.Unix(0, nanos)
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	return first, last
}
