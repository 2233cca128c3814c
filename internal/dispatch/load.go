package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/postgres"
)

const (
	loadTimeout = 10 * time.Second
	maxLoads    = 64 // in one query: an alert may have a megabyte
)

// loadItem is a delivery that a worker wants to send.
type loadItem struct {
	id   uuid.UUID
	done chan loaded
}

type loaded struct {
	out *postgres.Outgoing
	err error
}

// load reads all that is needed to send a delivery. Workers that ask at the same
// moment share a query; where more ask than fit into the next ones, they wait.
func (d *Dispatcher) load(id uuid.UUID) (*postgres.Outgoing, error) {
	item := &loadItem{id: id, done: make(chan loaded, 1)}
	if !d.loads.Add(item) {
		return nil, errors.New("load delivery: this process stops")
	}
	l := <-item.done
	return l.out, l.err
}

func (d *Dispatcher) commitLoads(items []*loadItem) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	ids := make([]uuid.UUID, len(items))
	for i, item := range items {
		ids[i] = item.id
	}
	found, err := d.DB.Outgoing(ctx, ids)
	for _, item := range items {
		out, ok := found[item.id]
		switch {
		case err != nil:
			item.done <- loaded{err: err}
		case !ok:
			item.done <- loaded{err: fmt.Errorf("load delivery %s: %w", item.id, postgres.ErrNotFound)}
		default:
			item.done <- loaded{out: out}
		}
	}
}

// parkItem is a delivery that must not be sent now.
type parkItem struct {
	seen   delivery.Delivery
	how    func(delivery.Delivery, delivery.Reason, time.Time) delivery.Delivery
	reason delivery.Reason
	done   chan error
}

// park takes a delivery from its job, or puts it off, unless it has moved meanwhile.
// Then the job ends.
func (d *Dispatcher) park(seen delivery.Delivery, how func(delivery.Delivery, delivery.Reason, time.Time) delivery.Delivery, r delivery.Reason) error {
	item := &parkItem{seen: seen, how: how, reason: r, done: make(chan error, 1)}
	if !d.parks.Add(item) {
		return river.JobSnooze(ourFault)
	}
	if err := <-item.done; err != nil {
		d.Log.Warn("delivery not parked", "delivery_id", seen.ID, "reason", r, "error", err)
		return river.JobSnooze(ourFault)
	}
	d.limiter.NoteHeld(seen.DestinationID, limiter.Held{
		Ahead:  r == delivery.Busy && seen.Priority != delivery.Bulk,
		Manual: seen.Forced(),
	})
	return nil
}

func (d *Dispatcher) commitParks(items []*parkItem) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	ids := make([]uuid.UUID, len(items))
	for i, item := range items {
		ids[i] = item.seen.ID
	}
	err := d.DB.InTx(ctx, func(tx *postgres.Tx) error {
		present, err := tx.LockDeliveries(ctx, ids)
		if err != nil {
			return err
		}
		var parked []delivery.Delivery
		for _, item := range items {
			if dl, ok := present[item.seen.ID]; ok && dl.JobID == item.seen.JobID {
				parked = append(parked, item.how(dl, item.reason, d.Now()))
			}
		}
		slices.SortFunc(parked, func(a, b delivery.Delivery) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
		tx.UpdateDeliveries(parked)
		return nil
	})
	for _, item := range items {
		item.done <- err
	}
}
