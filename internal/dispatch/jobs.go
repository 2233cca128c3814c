package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
)

func deliveriesOf(outs []*postgres.Outgoing) []delivery.Delivery {
	ds := make([]delivery.Delivery, len(outs))
	for i, out := range outs {
		ds[i] = out.Delivery
	}
	return ds
}

// addJobs gives every delivery that is queued or retrying a job of its own, due
// when the delivery is. Those that are due now, and whose destination is known, are
// worked here, as far as there is room, once the transaction is committed: these are
// returned. Where the alert is known too, and small, it need not be loaded then.
func (t *transitions) addJobs(ctx context.Context, tx *postgres.Tx, outs []*postgres.Outgoing) ([]job, error) {
	var now, later []*postgres.Outgoing
	capacity := t.localCapacity()
	for _, out := range outs {
		switch dl := out.Delivery; {
		case dl.Status != delivery.Queued && dl.Status != delivery.Retrying:
		case len(now) < capacity && !dl.DueAt.After(t.now()) && out.Destination.ID != uuid.Nil:
			now = append(now, out)
		default:
			later = append(later, out)
		}
	}
	local, err := t.addLocal(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	return local, t.addQueued(ctx, tx, later)
}

func (t *transitions) addLocal(ctx context.Context, tx *postgres.Tx, owners []*postgres.Outgoing) ([]job, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	if err := tx.InsertRunningJobs(ctx, t.instance, deliverArgs{}.Kind(), deliverQueue, maxJobAttempts, owners); err != nil {
		return nil, err
	}
	seen := t.now()
	jobs := make([]job, len(owners))
	for i, out := range owners {
		jobs[i] = job{id: out.Delivery.JobID, deliveryID: out.Delivery.ID, destinationID: out.Delivery.DestinationID, out: out, seen: seen}
		if out.Alert.Size() > postgres.MaxKept {
			known := *out
			known.Alert = postgres.AcceptedAlert{}
			jobs[i].out = &known
		}
	}
	return jobs, nil
}

func (t *transitions) addQueued(ctx context.Context, tx *postgres.Tx, owners []*postgres.Outgoing) error {
	if len(owners) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(owners))
	for i, out := range owners {
		dl := out.Delivery
		params[i] = river.InsertManyParams{
			Args:       deliverArgs{DeliveryID: dl.ID},
			InsertOpts: &river.InsertOpts{ScheduledAt: scheduled(dl.DueAt, t.now()), Priority: int(dl.Priority)},
		}
	}
	pgxTx, err := tx.Pgx(ctx)
	if err != nil {
		return err
	}
	jobs, err := t.queue.InsertManyTx(ctx, pgxTx, params)
	if err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	for i, job := range jobs {
		// The fence hangs on this pairing, so it is not taken on trust.
		if !strings.Contains(string(job.Job.EncodedArgs), owners[i].Delivery.ID.String()) {
			return errors.New("insert jobs: they came back in another order")
		}
		owners[i].Delivery.JobID = job.Job.ID
	}
	return nil
}

// scheduled returns the zero time, which is now to River, for what is due: a job
// with an explicit time is not announced to the workers.
func scheduled(due, now time.Time) time.Time {
	if !due.After(now) {
		return time.Time{}
	}
	return due
}
