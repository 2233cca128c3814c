package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
)

const (
	maxTests      = 64 // test sends that may wait to be recorded
	recordTimeout = 10 * time.Second
	recordPause   = 500 * time.Millisecond // between tries while the database is away
)

// recordItem is an attempt that has been made and must not be forgotten.
type recordItem struct {
	attempt delivery.Attempt
	claim   delivery.Claim
	wait    time.Duration // until the next attempt, should this one have failed
	done    chan recorded
}

// settled is an attempt as it was stored and what it led to.
type settled struct {
	attempt  delivery.Attempt
	delivery delivery.Delivery
}

type recorded struct {
	settled
	err error
}

// record stores an attempt and what it leads to, and returns when that is
// committed: a worker's slot is not free before. It waits for a database that is
// away. An error means that a stop ended the waiting, or that not even the bare
// facts could be stored.
func (d *Dispatcher) record(a delivery.Attempt, c delivery.Claim, wait time.Duration) (settled, error) {
	item := &recordItem{attempt: a, claim: c, wait: wait, done: make(chan recorded, 1)}
	if !d.records.add(item) {
		return settled{}, errors.New("record attempt: too many wait already")
	}
	r := <-item.done
	return r.settled, r.err
}

// commitRecords stores a batch, however long the database is away. One bad item
// must not spoil its batch: when the data is refused, each goes alone, and one
// that is still refused goes without what the destination sent.
func (d *Dispatcher) commitRecords(items []*recordItem) {
	for {
		err := d.settle(items)
		switch {
		case err == nil:
			return
		case postgres.IsMissingPartition(err) && d.partitionsFor(items) == nil:
		case postgres.IsData(err) && len(items) > 1:
			for _, item := range items {
				d.commitRecords([]*recordItem{item})
			}
			return
		case postgres.IsData(err) && !items[0].attempt.Stripped:
			d.Log.Error("attempt stored without body and headers", "attempt_id", items[0].attempt.ID, "error", err)
			items[0].attempt = stripped(items[0].attempt)
		case postgres.IsData(err):
			items[0].done <- recorded{err: err}
			return
		default:
			d.metrics.waits.Inc()
			d.Log.Warn("attempts wait to be recorded", "attempts", len(items), "error", err)
			if !d.pauseRecording() {
				for _, item := range items {
					item.done <- recorded{err: err}
				}
				return
			}
		}
	}
}

// pauseRecording waits before the next try, or reports false when a stop has
// ended the waiting.
func (d *Dispatcher) pauseRecording() bool {
	select {
	case <-d.recording.Done():
		return false
	case <-time.After(recordPause):
		return true
	}
}

func stripped(a delivery.Attempt) delivery.Attempt {
	a.Stripped = true
	a.RequestHeaders, a.ResponseHeaders, a.Body = nil, nil, nil
	a.Error = "The answer could not be stored; only its facts are kept."
	return a
}

// settle stores attempts and moves their deliveries in one transaction, and then
// tells those who wait. The deliveries are locked in the order of their ids.
func (d *Dispatcher) settle(items []*recordItem) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	results := make([]settled, len(items))
	err := d.DB.InTx(ctx, func(tx *postgres.Tx) error {
		present, err := tx.LockDeliveries(ctx, deliveryIDs(items))
		if err != nil {
			return err
		}
		// A COMMIT of which no answer came may have happened.
		stored, err := tx.StoredAttempts(ctx, attemptIDs(items))
		if err != nil {
			return err
		}
		var fresh []delivery.Attempt
		changed := map[uuid.UUID]delivery.Delivery{}
		for i, item := range items {
			dl, there := present[item.attempt.DeliveryID]
			a := item.attempt
			switch {
			case stored[a.ID]:
			case a.Trigger == delivery.Test:
				fresh = append(fresh, a)
			case there:
				dl, a = delivery.Settle(dl, item.claim, a, item.wait)
				present[dl.ID], changed[dl.ID] = dl, dl
				fresh = append(fresh, a)
			}
			results[i] = settled{a, dl}
		}
		if err := tx.InsertAttempts(ctx, fresh); err != nil {
			return err
		}
		return tx.UpdateDeliveries(ctx, inOrder(changed))
	})
	if err != nil {
		return fmt.Errorf("record attempts: %w", err)
	}
	for i, item := range items {
		item.done <- recorded{settled: results[i]}
	}
	return nil
}

func deliveryIDs(items []*recordItem) []uuid.UUID {
	var ids []uuid.UUID
	for _, item := range items {
		if item.attempt.DeliveryID != uuid.Nil {
			ids = append(ids, item.attempt.DeliveryID)
		}
	}
	return ids
}

func attemptIDs(items []*recordItem) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for i, item := range items {
		ids[i] = item.attempt.ID
	}
	return ids
}

func inOrder(changed map[uuid.UUID]delivery.Delivery) []delivery.Delivery {
	list := make([]delivery.Delivery, 0, len(changed))
	for _, dl := range changed {
		list = append(list, dl)
	}
	slices.SortFunc(list, func(a, b delivery.Delivery) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
	return list
}

// partitionsFor makes the partitions that a batch needs: an attempt is never
// lost for want of one.
func (d *Dispatcher) partitionsFor(items []*recordItem) error {
	var times []time.Time
	for _, item := range items {
		sec, nsec := item.attempt.ID.Time().UnixTime()
		times = append(times, time.Unix(sec, nsec))
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	return d.DB.EnsurePartitions(ctx, times...)
}
