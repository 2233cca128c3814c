package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/cluster"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/live"
	"belfry/internal/postgres"
)

const (
	moveEvery      = time.Second
	keysetEvery    = 2 * time.Second
	reconcileEvery = 30 * time.Second
	pace           = 500 // deliveries moved at once, per destination and step
)

// startUpkeep runs the loops that keep every delivery moving. All of them look at
// what is, not at what was announced, so that no message that gets lost can leave
// a delivery behind; and all may run in every replica at once.
func (d *Dispatcher) startUpkeep() {
	for _, s := range d.steps() {
		d.loops.run(s)
	}
	d.loops.start(d.Events.Listen)
	if d.works() {
		d.loops.start(d.releases)
	}
}

func (d *Dispatcher) steps() []step {
	steps := []step{
		{name: "heartbeat", every: cluster.HeartbeatEvery, wake: d.Cluster.Wake(), do: d.Cluster.Heartbeat},
		{name: "keyset", every: keysetEvery, do: func(context.Context) error { return d.DB.RefreshKey() }},
		{name: "partitions", every: reconcileEvery, do: func(ctx context.Context) error { d.partitions.ensure(ctx); return nil }},
		{name: "publish", every: live.PublishEvery, do: d.Events.Publish},
	}
	if !d.works() {
		return steps
	}
	steps = append(steps, d.retention.steps()...)
	return append(steps,
		step{name: "take over", every: moveEvery, do: d.takeOver},
		step{name: "move", every: moveEvery, wake: d.nudges, do: d.move},
		step{name: "reconcile", every: reconcileEvery, do: d.reconcile},
		step{name: "expire", every: reconcileEvery, do: d.expire},
		step{name: "unknown destinations", every: tellUnknownEvery, do: d.announcer.tellUnknown},
		step{name: "bulk re-send", every: bulkEvery, do: d.stepBulks},
	)
}

// Nudge says that a destination was paused, resumed, mended or deleted. What
// follows from it would be found within a second; this finds it now.
func (d *Dispatcher) Nudge() {
	select {
	case d.nudges <- struct{}{}:
	default: // one is on its way
	}
}

// takeOver takes over what dead replicas left running and what was lost on its way
// to this one, and makes due jobs available for which River's leader may be gone.
func (d *Dispatcher) takeOver(ctx context.Context) error {
	if err := d.Cluster.TakeOver(ctx); err != nil {
		return err
	}
	if err := d.Cluster.Reclaim(ctx, d.running.list(d.Now())); err != nil {
		return err
	}
	_, err := d.DB.FreeDueJobs(ctx)
	return err
}

// move holds what must be held, cancels what a deleted destination leaves behind,
// releases what no reason holds any more, and probes. Each step moves so many and no
// more; the next second goes on. One that cannot must not stop the others.
func (d *Dispatcher) move(ctx context.Context) error {
	var failed error
	for _, step := range []func(context.Context) error{
		d.DB.ForgiveUnheld, d.holdAllWaiting, d.cancelDeleted, d.keepHolds, d.tryOurSide, d.announcer.announce,
	} {
		err := step(ctx)
		if postgres.IsAway(err) || ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, ignore(err, postgres.ErrLocked))
	}
	return failed
}

// holdAllWaiting is holdWaiting for all destinations that are paused or do not answer.
func (d *Dispatcher) holdAllWaiting(ctx context.Context) error {
	paused, err := d.DB.PausedWithOpen(ctx)
	if err != nil {
		return err
	}
	unanswering, err := d.DB.UnansweringWithOpen(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range append(paused, unanswering...) {
		failed = errors.Join(failed, d.holdWaiting(ctx, id))
	}
	return failed
}

// cancelDeleted cancels what deleted destinations leave behind.
func (d *Dispatcher) cancelDeleted(ctx context.Context) error {
	deleted, err := d.DB.DeletedWithOpen(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range deleted {
		failed = errors.Join(failed, d.DB.InTx(ctx, func(tx *postgres.Tx) error {
			_, err := d.cancelOpen(ctx, tx, id, delivery.DestinationDeleted)
			return err
		}))
	}
	return failed
}

// holdWaiting takes deliveries of a destination that must wait from their jobs, but
// none of which an attempt is in flight: that one's outcome decides first.
func (d *Dispatcher) holdWaiting(ctx context.Context, id uuid.UUID) error {
	return d.DB.InTx(ctx, func(tx *postgres.Tx) error {
		t, err := tx.Destination(ctx, id)
		if err != nil {
			return ignore(err, postgres.ErrNotFound) // deleted: cancelled by another step
		}
		h, err := tx.LockHealth(ctx, id)
		switch {
		case errors.Is(err, postgres.ErrLocked) && t.State != destination.Paused:
			return nil // an attempt that is being recorded may mend it
		case errors.Is(err, postgres.ErrLocked): // or there is none: it was never sent to
		case err != nil:
			return err
		}
		list, err := tx.LockWaiting(ctx, id, h.Probing, pace)
		if err != nil {
			return err
		}
		now, target := d.Now(), delivery.TargetOf(t, h)
		list = slices.DeleteFunc(list, func(dl delivery.Delivery) bool { return delivery.HoldReason(dl, target, now) == "" })
		return d.transitions.change(ctx, tx, byUpkeep, outgoing(list, t), func(dl delivery.Delivery) delivery.Delivery {
			return dl.Hold(delivery.HoldReason(dl, target, now), now)
		})
	})
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// cancelOpen cancels open deliveries of a destination and returns how many.
func (d *Dispatcher) cancelOpen(ctx context.Context, tx *postgres.Tx, id uuid.UUID, r delivery.Reason) (int, error) {
	list, err := tx.LockOpen(ctx, id, pace)
	if err != nil {
		return 0, err
	}
	return len(list), d.transitions.change(ctx, tx, byUpkeep, outgoing(list), func(dl delivery.Delivery) delivery.Delivery {
		return dl.Cancel(r, d.Now())
	})
}

// Discard cancels what waits for a destination, whose row the caller has locked,
// and returns how many deliveries that were. An attempt in flight goes on. Jobs
// that wait in memory are stored as running like those: what is left is looked at
// again until all of them have had their turn, and met the pause.
func (d *Dispatcher) Discard(ctx context.Context, tx *postgres.Tx, destinationID uuid.UUID) (int, error) {
	total := 0
	for late := time.After(2 * limiter.BacklogWait); ; {
		n, err := d.cancelOpen(ctx, tx, destinationID, delivery.ByPerson)
		if total += n; err != nil {
			return total, err
		}
		if n > 0 {
			continue
		}
		if open, err := tx.HasOpen(ctx, destinationID); err != nil || !open {
			return total, err
		}
		select {
		case <-time.After(limiter.WorkerWait / 5):
		case <-late: // these are under way
			return total, nil
		case <-ctx.Done():
			return total, ctx.Err()
		}
	}
}

// expire fails what has been held for a destination that has not answered for
// too long.
func (d *Dispatcher) expire(ctx context.Context) error {
	for {
		n := 0
		err := d.DB.InTx(ctx, func(tx *postgres.Tx) error {
			list, err := tx.LockExpired(ctx, d.Now().Add(-d.MaxUnanswered), pace)
			if err != nil {
				return err
			}
			n = len(list)
			return d.transitions.change(ctx, tx, byUpkeep, outgoing(list), func(dl delivery.Delivery) delivery.Delivery {
				return dl.Expire(d.Now())
			})
		})
		if err != nil || n < pace {
			return err
		}
	}
}

// outgoing wraps deliveries whose alerts are still to be loaded, and their destination
// too where it is not given.
func outgoing(list []delivery.Delivery, t ...destination.Destination) []*postgres.Outgoing {
	outs := make([]*postgres.Outgoing, len(list))
	for i, dl := range list {
		outs[i] = &postgres.Outgoing{Delivery: dl}
		if len(t) > 0 {
			outs[i].Destination = t[0]
		}
	}
	return outs
}

// reconcile gives a new job to open deliveries that would never be sent. Without
// a crash there are none: each is counted, and worth a look.
func (d *Dispatcher) reconcile(ctx context.Context) error {
	n := 0
	err := d.DB.Exclusively(ctx, "reconcile", func(tx *postgres.Tx) error {
		list, err := tx.LockStuck(ctx, pace)
		if err != nil {
			return err
		}
		n = len(list)
		return d.transitions.change(ctx, tx, byUpkeep, outgoing(list), delivery.Delivery.Probe) // it may be one
	})
	if d.jobTaken(ctx, err, 1) {
		err = nil // the next one goes by what is then
	}
	if err == nil && n > 0 {
		d.metrics.repairs.WithLabelValues("stuck_delivery").Add(float64(n))
		d.Log.ErrorContext(ctx, "stuck deliveries repaired", "deliveries", n)
	}
	return err
}
