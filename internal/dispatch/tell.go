package dispatch

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/postgres"
)

// changed is a delivery before and after a change that is committed.
type changed struct {
	by      cause
	before  *delivery.Delivery // the zero value: it came into being
	after   *delivery.Delivery
	out     *postgres.Outgoing // its alert and its destination, as far as they are known
	attempt *delivery.Attempt  // that led to it; nil: none did
}

// became reports whether the delivery has a status that it did not have before.
func (c changed) became(s delivery.Status) bool { return c.after.Status == s && c.before.Status != s }

// misconfigured reports whether the delivery is held for what a person has to mend, and
// was not before.
func (c changed) misconfigured() bool {
	return c.after.Reason == delivery.Misconfigured && c.before.Reason != delivery.Misconfigured
}

// tell is the half of a change after its commit: events for the console, metrics, the log,
// and what the limiter believes is held. before is nil for new deliveries.
func (t *transitions) tell(ctx context.Context, by cause, before []delivery.Delivery, outs []*postgres.Outgoing) {
	var (
		created delivery.Delivery
		last    uuid.UUID
	)
	for i, out := range outs {
		c := changed{by: by, before: &created, after: &out.Delivery, out: out}
		if before != nil {
			c.before = &before[i]
		}
		t.tellOne(ctx, c, last)
		last = c.after.DestinationID
	}
}

// tellAll is tell for changes that were put together already.
func (t *transitions) tellAll(ctx context.Context, changes []changed) {
	var last uuid.UUID
	for _, c := range changes {
		t.tellOne(ctx, c, last)
		last = c.after.DestinationID
	}
}

// tellAttempt is tell for what a recorded attempt has led to.
func (t *transitions) tellAttempt(ctx context.Context, out *postgres.Outgoing, r *recordedAttempt) {
	a := &r.attempt
	t.metrics.attempts.WithLabelValues(string(a.Class)).Inc()
	t.metrics.duration.Observe(a.Duration.Seconds())
	t.tellOne(ctx, changed{by: byAttempt, before: &r.before, after: &r.delivery, out: out, attempt: a}, uuid.Nil)
}

// tellOne tells of one change. last is the destination of the change before, of those
// that were made together.
func (t *transitions) tellOne(ctx context.Context, c changed, last uuid.UUID) {
	t.publish(c, last)
	if c.became(delivery.Delivered) || c.became(delivery.Failed) {
		t.metrics.finished.WithLabelValues(string(c.after.Status)).Inc()
	}
	if c.became(delivery.Failed) {
		t.metrics.failed.WithLabelValues(string(c.after.Reason)).Inc()
	}
	t.noteHeld(c)
	t.logChange(ctx, c)
	if c.misconfigured() {
		t.logMisconfigured(ctx, c.after.DestinationID, cmp.Or(c.out.Misconfigured, c.out.Destination.Unopened), "delivery_id", c.after.ID)
	}
}

// logMisconfigured says that a destination cannot be used, and why as far as that is
// known. It says so once in a while: a flood of alerts for it changes many deliveries.
func (t *transitions) logMisconfigured(ctx context.Context, id uuid.UUID, why error, facts ...any) {
	if _, ok := t.misconfigured.Allow(id.String(), t.now()); ok {
		facts = append([]any{"destination_id", id}, facts...)
		t.log.ErrorContext(ctx, "destination misconfigured", append(facts, "error", cmp.Or(why, destination.ErrMisconfigured))...)
	}
}

// publish tells the console: of the delivery, if a person or an attempt changed it, and of
// its destination otherwise, once for all changes that were made together.
func (t *transitions) publish(c changed, last uuid.UUID) {
	switch c.by {
	case byAccept:
	case byAttempt, byPerson:
		t.events.DeliveryChanged(c.out.Alert.AlertID, *c.after)
	case byBulk, byWorker, byUpkeep:
		if c.after.DestinationID != last {
			t.events.Changed(c.after.DestinationID)
		}
	}
}

// noteHeld tells the limiter what is held. It need not be told what the upkeep or an attempt
// held: the upkeep finds when that reason ends. A delivery that a worker held is not worth
// a look now, because the worker has just found no room. Deliveries that are held busy go
// before new ones, those that a person asked for too, but not those of a bulk re-send.
func (t *transitions) noteHeld(c changed) {
	if !t.releases || c.after.Status != delivery.Held || c.by == byUpkeep || c.by == byAttempt {
		return
	}
	t.limiter.NoteHeld(c.after.DestinationID, limiter.Held{
		Ahead:  c.after.Reason == delivery.Busy && c.after.Priority != delivery.Bulk,
		Manual: c.after.Manual(),
		Look:   c.by != byWorker,

		WhenIdle: c.after.Reason == delivery.Busy,
	})
}

// logChange writes the one line of an attempt, and lines for the people on call: when a
// delivery has failed for good, and when our own side holds it.
func (t *transitions) logChange(ctx context.Context, c changed) {
	failed := c.became(delivery.Failed)
	ours := c.after.Reason == delivery.OurSide && c.after.OurSideKeepsFailing() && !c.before.OurSideKeepsFailing() // once for a row of them
	if !failed && !ours && (c.attempt == nil || !t.log.Enabled(ctx, slog.LevelInfo)) {
		return
	}
	facts := c.facts()
	if c.attempt != nil {
		t.log.InfoContext(ctx, "delivery attempted", facts...)
	}
	facts = append(facts, "reason", c.after.Reason)
	if ours {
		t.log.WarnContext(ctx, "delivery held for our own side", facts...)
	}
	if failed {
		t.log.ErrorContext(ctx, "delivery failed", facts...)
	}
}

// facts are what a line says of a change, as far as it is known.
func (c changed) facts() []any {
	facts := []any{"delivery_id", c.after.ID, "destination_id", c.after.DestinationID, "status", c.after.Status}
	if c.out.Alert.AlertID != "" {
		facts = append(facts, "alert_id", c.out.Alert.AlertID)
	}
	if c.out.Destination.Type != "" {
		facts = append(facts, "destination_type", c.out.Destination.Type)
	}
	a := c.attempt
	if a == nil && c.out.Misconfigured != nil {
		facts = append(facts, "error", c.out.Misconfigured)
	}
	if a == nil {
		return append(facts, "attempt", c.after.Attempts, "run", c.after.Run)
	}
	return append(facts,
		"attempt_id", a.ID,
		"attempt", a.Number,
		"run", a.Run,
		"counted", a.Counted,
		"class", a.Class,
		"status_code", a.StatusCode,
		"duration_ms", a.Duration.Milliseconds(),
		"error", a.Error,
	)
}
