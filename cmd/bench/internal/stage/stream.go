package stage

import (
	"context"
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
const straggle = 15 * time.Second

// Healthy makes destination 1, which answers at once, and warms Belfry up on it.
func (s *Stage) Healthy(ctx context.Context) (calls.Destination, error) {
	to, err := s.Destination(ctx, "ok", 1)
	if err != nil {
		return to, err
	}
	return to, s.Warm(ctx, to)
}

// Streamed is what became of a stream.
type Streamed struct {
	Loaded   load.Done
	Producer time.Duration // its CPU
	// Before and After are what all processes had spent before the first alert was
	// posted, and when the stragglers had come: to audit costs Postgres something too.
	Before, After measure.Meter
	Audit         audit.Found
	Latency       measure.Quantiles
	// Late is how many were received more than lateAfter after the last was posted,
	// or not at all.
	Late int
}

// lateAfter is what a delivery may still take when nothing more is posted.
const lateAfter = time.Second

// cameLate says whether alert i was received later than that, given how late it was
// after it was to be sent.
func cameLate(l load.Done, i int, late time.Duration) bool {
	return l.SentAt(i)+late.Nanoseconds() > l.Ended+lateAfter.Nanoseconds()
}

// Stream posts to a destination at a fixed rate for so long, and waits a little
// for stragglers.
func (s *Stage) Stream(ctx context.Context, prefix string, to calls.Destination, rate float64, length time.Duration) (Streamed, error) {
	return s.StreamOf(ctx, load.Plan{
		Shape: load.Shape{Prefix: prefix, LogType: to.LogType}, Rate: rate, Alerts: max(1, int(rate*length.Seconds())),
	}, []calls.Destination{to})
}

// StreamOf is Stream of a plan. Each destination gets its part of the alerts, if
// there are several.
func (s *Stage) StreamOf(ctx context.Context, l load.Plan, to []calls.Destination) (Streamed, error) {
	var st Streamed
	had, err := s.arrived(ctx, to)
	if err != nil {
		return st, err
	}
	if st.Before, err = s.Read(); err != nil {
		return st, err
	}
	if st.Loaded, st.Producer, err = load.All(ctx, s.API, l); err != nil {
		return st, err
	}
	if err := s.awaitStragglers(ctx, to, had+st.Loaded.Accepted()); err != nil {
		return st, err
	}
	if st.After, err = s.Read(); err != nil {
		return st, err
	}
	h := measure.NewHistogram()
	st.Audit, err = s.AuditSpread(ctx, st.Loaded, to, func(i int, late time.Duration) {
		measure.Record(h, late)
		if cameLate(st.Loaded, i, late) {
			st.Late++
		}
	})
	st.Latency = measure.QuantilesOf(h)
	if err != nil {
		return st, fmt.Errorf("audit %s: %w", l.Prefix, err)
	}
	return st, nil
}

// arrived is how many requests some destinations have got.
func (s *Stage) arrived(ctx context.Context, at []calls.Destination) (int, error) {
	all := 0
	for _, d := range at {
		n, err := s.Receiver.Count(ctx, d.Path)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// awaitStragglers waits until some destinations have got so many requests, but not
// for long.
func (s *Stage) awaitStragglers(ctx context.Context, at []calls.Destination, n int) error {
	for began := time.Now(); time.Since(began) < straggle; {
		got, err := s.arrived(ctx, at)
		if err != nil {
			return err
		}
		if got >= n {
			// The last answers may still be on their way into the database.
			return Pause(ctx, 500*time.Millisecond)
		}
		if err := Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Show makes a stream the figures of a result, also what it cost. What was not received has not cost
// what a delivery costs, and does not count as one.
func Show(r *report.Result, st Streamed) {
	r.Deliveries, r.Audit, r.Latency, r.Errors = st.Audit.Accepted-st.Audit.Owed, &st.Audit, &st.Latency, st.Loaded.Errors
	r.Fact("answeredP50ms", st.Loaded.Answered.P50)
	r.Fact("answeredP99ms", st.Loaded.Answered.P99)
	r.Fact("lateAtTheEnd", float64(st.Late))
	Spent(r, st.Before, st.After, st.Producer)
}
