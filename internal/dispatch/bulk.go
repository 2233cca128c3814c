package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/live"
	"belfry/internal/postgres"
)

const (
	bulkEvery = 250 * time.Millisecond
	bulkMost  = 100_000 // deliveries that one order takes
	bulkAhead = 1000    // re-sends in bulk that may wait for one destination
)

// ErrBulkFinal is returned for an order that is done or cancelled, and cannot be changed
// any more.
var ErrBulkFinal = errors.New("the bulk re-send is final")

// bulk re-sends many deliveries, at the pace that a person orders.
type bulk struct{ bulkParts }

// bulkParts is what bulk needs.
type bulkParts struct {
	db          *postgres.DB
	log         *slog.Logger
	now         func() time.Time
	waits       delivery.Waits
	events      *live.Bus
	tx          *transactions
	transitions *transitions
}

// BulkOrder asks to re-send many deliveries: those that match Filter and, unless
// it is nil, are among DeliveryIDs. Only final ones are taken, delivered ones
// only Again, and none of a deleted destination; of more than 100,000 the oldest.
type BulkOrder struct {
	Filter      postgres.DeliveryFilter // its page does not matter
	DeliveryIDs []uuid.UUID
	Again       bool
	PerSecond   int // 1 to 1000
}

// Takes returns the statuses of what the order can take: none when its filter
// asks only for others.
func (o BulkOrder) Takes() []string {
	takes := []string{string(delivery.Failed), string(delivery.Cancelled)}
	if o.Again {
		takes = append(takes, string(delivery.Delivered))
	}
	if asked := o.Filter.Statuses; len(asked) > 0 {
		takes = slices.DeleteFunc(takes, func(s string) bool { return !slices.Contains(asked, s) })
	}
	return takes
}

// filter narrows the order's filter to what a re-send takes.
func (o BulkOrder) filter() postgres.DeliveryFilter {
	f := o.Filter
	f.Statuses, f.Before, f.Limit = o.Takes(), uuid.Nil, bulkMost
	return f
}

// BulkCount is what an order would take.
type BulkCount struct {
	Total    int
	Capped   bool // there may be more, which it would leave
	ByStatus map[delivery.Status]int
}

// CountBulk counts what an order would take if it were made now. It uses the caller's
// connections: it may read much, and must not keep the dispatcher waiting.
func (r *bulk) CountBulk(ctx context.Context, db *postgres.DB, order BulkOrder) (BulkCount, error) {
	counts, err := db.CountBulk(ctx, order.filter(), order.DeliveryIDs)
	if err != nil {
		return BulkCount{}, err
	}
	return newBulkCount(counts), nil
}

func newBulkCount(counts map[delivery.Status]int) BulkCount {
	c := BulkCount{ByStatus: counts}
	for _, n := range counts {
		c.Total += n
	}
	c.Capped = c.Total >= bulkMost
	return c
}

// StartBulk makes an order. The order's deliveries are chosen now. A delivery that has
// finished anew when its turn comes is skipped, so two orders for the same deliveries, as
// by a double click, re-send each of them once. StartBulk uses the caller's connections,
// like CountBulk.
func (r *bulk) StartBulk(ctx context.Context, db *postgres.DB, order BulkOrder, by By) (postgres.BulkResend, error) {
	now := r.now().Truncate(time.Microsecond) // as the table has it
	b := postgres.BulkResend{
		ID: uuid.Must(uuid.NewV7()), State: postgres.BulkRunning, Filter: order.Filter, DeliveryIDs: order.DeliveryIDs,
		Again: order.Again, PerSecond: order.PerSecond, SteppedAt: now, RequestedBy: by.Name, RequestID: by.RequestID,
		CreatedAt: now,
	}
	err := db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.InsertBulkResend(ctx, b); err != nil {
			return err
		}
		var err error
		if b.Total, err = tx.ChooseForBulk(ctx, b.ID, order.filter(), order.DeliveryIDs); err != nil {
			return err
		}
		if err := tx.UpdateBulkResend(ctx, b); err != nil {
			return err
		}
		return r.auditBulk(ctx, tx, b, "bulk_resend.start", by)
	})
	if err != nil {
		return postgres.BulkResend{}, fmt.Errorf("start bulk re-send: %w", err)
	}
	r.events.BulkResendChanged(b.ID)
	return b, nil
}

// PauseBulk stops an order until it is resumed. What it has re-sent so far goes
// out: at most a thousand wait for a destination.
func (r *bulk) PauseBulk(ctx context.Context, id uuid.UUID, by By) (postgres.BulkResend, error) {
	return r.changeBulk(ctx, id, "bulk_resend.pause", postgres.BulkPaused, by)
}

// ResumeBulk lets a paused order go on.
func (r *bulk) ResumeBulk(ctx context.Context, id uuid.UUID, by By) (postgres.BulkResend, error) {
	return r.changeBulk(ctx, id, "bulk_resend.resume", postgres.BulkRunning, by)
}

// CancelBulk stops an order for good. What it has re-sent so far goes out.
func (r *bulk) CancelBulk(ctx context.Context, id uuid.UUID, by By) (postgres.BulkResend, error) {
	return r.changeBulk(ctx, id, "bulk_resend.cancel", postgres.BulkCancelled, by)
}

// changeBulk brings an order into a state. If it has that state already, nothing is done.
func (r *bulk) changeBulk(ctx context.Context, id uuid.UUID, action, state string, by By) (postgres.BulkResend, error) {
	var b postgres.BulkResend
	err := r.tx.operatorTx(ctx, func(tx *postgres.Tx) error {
		var err error
		b, err = tx.LockBulkResend(ctx, id)
		switch {
		case err != nil || b.State == state:
			return err
		case !b.FinishedAt.IsZero():
			return ErrBulkFinal
		case state == postgres.BulkRunning:
			b.SteppedAt = r.now() // the time of the pause does not count
		}
		return r.moveBulk(ctx, tx, &b, state, action, by)
	})
	if err != nil {
		return postgres.BulkResend{}, fmt.Errorf("%s %s: %w", action, id, err)
	}
	r.events.BulkResendChanged(id)
	return b, nil
}

// moveBulk stores an order in its next state, and that it came there.
func (r *bulk) moveBulk(ctx context.Context, tx *postgres.Tx, b *postgres.BulkResend, state, action string, by By) error {
	b.State = state
	if state == postgres.BulkDone || state == postgres.BulkCancelled {
		b.FinishedAt = r.now().Truncate(time.Microsecond)
		if err := tx.DropAllBulkChoices(ctx, b.ID); err != nil {
			return err
		}
	}
	if err := tx.UpdateBulkResend(ctx, *b); err != nil {
		return err
	}
	return r.auditBulk(ctx, tx, *b, action, by)
}

func (r *bulk) auditBulk(ctx context.Context, tx *postgres.Tx, b postgres.BulkResend, action string, by By) error {
	return tx.Audit(ctx, postgres.Entry{
		At: r.now(), Actor: by.Name, Action: action, SubjectType: "bulk_resend", SubjectID: b.ID.String(),
		Detail: map[string]any{
			"total": b.Total, "resent": b.Resent, "skipped": b.Skipped, "again": b.Again, "perSecond": b.PerSecond,
		},
		RequestID: by.RequestID,
	})
}

// stepBulks lets each running order take its next few deliveries. An order that fails must
// not stop the others.
func (r *bulk) stepBulks(ctx context.Context) error {
	ids, err := r.db.RunningBulks(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		if err := r.stepBulk(ctx, id); err != nil {
			failed = errors.Join(failed, fmt.Errorf("bulk re-send %s: %w", id, err))
		}
	}
	return failed
}

// stepBulk moves the deliveries of a step and the progress of their order in one
// transaction, so that a crash repeats and loses nothing. Its lock on the order
// keeps the other replicas off.
func (r *bulk) stepBulk(ctx context.Context, id uuid.UUID) error {
	var (
		b   postgres.BulkResend
		had int // how many deliveries had their turn before
	)
	err := r.db.InTx(ctx, func(tx *postgres.Tx) error {
		var err error
		if b, err = tx.LockRunningBulk(ctx, id); err != nil {
			return err
		}
		had = b.Resent + b.Skipped
		if had == b.Total {
			by := By{Name: b.RequestedBy, RequestID: b.RequestID}
			return r.moveBulk(ctx, tx, &b, postgres.BulkDone, "bulk_resend.finish", by)
		}
		turns, from := bulkTurns(b, r.now())
		if turns == 0 {
			return nil
		}
		return r.resendNext(ctx, tx, &b, turns, from)
	})
	switch {
	case errors.Is(err, postgres.ErrNotFound):
		return nil // another replica is at it, or it was stopped
	case err != nil:
		return err
	case b.State == postgres.BulkDone:
		r.log.InfoContext(ctx, "bulk re-send done", "bulk_resend_id", b.ID, "request_id", b.RequestID, "total", b.Total,
			"resent", b.Resent, "skipped", b.Skipped, "duration_ms", b.FinishedAt.Sub(b.CreatedAt).Milliseconds())
	}
	if b.State == postgres.BulkDone || b.Resent+b.Skipped > had {
		r.events.BulkResendChanged(id)
	}
	return nil
}

// bulkTurns returns how many deliveries an order may take now, and the time from which
// they were counted. It counts at most one second, so that no rush follows a standstill or
// a clock that was set back.
func bulkTurns(b postgres.BulkResend, now time.Time) (turns int, from time.Time) {
	from = b.SteppedAt
	if saved := now.Sub(from); saved > time.Second || saved < -time.Minute {
		from = now.Add(-time.Second)
	}
	return max(0, int(now.Sub(from)*time.Duration(b.PerSecond)/time.Second)), from
}

// resendNext gives the next deliveries of an order their turn, and brings the order up to
// date. It leaves out destinations for which enough re-sends wait already, because a
// delivery that is not reopened yet can still be stopped.
func (r *bulk) resendNext(ctx context.Context, tx *postgres.Tx, b *postgres.BulkResend, turns int, from time.Time) error {
	choices, err := tx.BulkChoices(ctx, b.ID, turns, bulkAhead)
	if err != nil || len(choices) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(choices))
	for i, c := range choices {
		ids[i] = c.DeliveryID
	}
	present, err := tx.LockDeliveries(ctx, ids)
	if err != nil {
		return err
	}
	targets, err := tx.Targets(ctx, destinationsOf(choices))
	if err != nil {
		return err
	}
	var (
		outs []*postgres.Outgoing
		next []delivery.Delivery
		of   = map[uuid.UUID]delivery.Delivery{}
	)
	for _, c := range choices {
		dl := present[c.DeliveryID] // a deleted one has no time of finishing, and is skipped
		if t, there := targets[c.DestinationID]; there && dl.FinishedAt.Equal(c.FinishedAt) {
			of[dl.ID] = r.reopenInBulk(dl, b.RequestedBy, t)
			outs, next = append(outs, &postgres.Outgoing{Delivery: dl}), append(next, of[dl.ID])
		}
	}
	b.Resent += len(next)
	b.Skipped += len(choices) - len(next)
	b.SteppedAt = from.Add(time.Duration(len(choices)) * time.Second / time.Duration(b.PerSecond))
	tx.OpenRuns(b.ID, next) // before the deliveries move on: it stores their first run as well
	err = r.transitions.change(ctx, tx, byBulk, outs, func(dl delivery.Delivery) delivery.Delivery { return of[dl.ID] })
	if err != nil {
		return err
	}
	if err := tx.DropBulkChoices(ctx, b.ID, choices); err != nil {
		return err
	}
	return tx.UpdateBulkResend(ctx, *b)
}

// destinationsOf returns where choices go, each once.
func destinationsOf(choices []postgres.BulkChoice) []uuid.UUID {
	ids := map[uuid.UUID]bool{}
	for _, c := range choices {
		ids[c.DestinationID] = true
	}
	return sorted(ids)
}

// reopenInBulk begins the next run of a delivery. The delivery is held busy from the start,
// and released after everything else when its destination has room.
func (r *bulk) reopenInBulk(dl delivery.Delivery, by string, t delivery.Target) delivery.Delivery {
	now := r.now()
	dl = dl.Reopen(by, r.waits.Budget(), now)
	dl.Priority = delivery.Bulk
	t.Full = true
	return dl.Hold(delivery.HoldReason(dl, t, now), now)
}
