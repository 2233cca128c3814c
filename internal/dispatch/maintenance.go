package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/cluster"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/postgres"
)

const (
	moveEvery      = time.Second
	reconcileEvery = 30 * time.Second
	maxMoved       = 500 // deliveries moved at once, per destination and step
)

// maintenance compares the tables with what they should be, again and again, and mends
// them: jobs of dead replicas, deliveries that must wait or need not wait any more, and
// deliveries that nobody would ever send.
type maintenance struct {
	*transactions
	db            *postgres.DB
	log           *slog.Logger
	now           func() time.Time
	cluster       *cluster.Member
	transitions   *transitions
	repairs       *prometheus.CounterVec // by kind
	failingMaxAge time.Duration          // that a delivery is held as failing
	nudges        chan struct{}

	// jobsAtWork returns the jobs that this replica is at: those who work them know.
	jobsAtWork func() []int64

	// moves are what other components do once a second, in this order, after the moves of
	// maintenance itself.
	moves []func(context.Context) error
}

func (m *maintenance) steps() []step {
	return []step{
		{name: "take over", every: moveEvery, do: m.takeOver},
		{name: "move", every: moveEvery, wake: m.nudges, do: m.move},
		{name: "reconcile", every: reconcileEvery, do: m.reconcile},
		{name: "expire", every: reconcileEvery, do: m.expire},
	}
}

// Nudge says that a destination was paused, resumed, mended or deleted. What
// follows from it would be found within a second; this finds it now.
func (m *maintenance) Nudge() {
	select {
	case m.nudges <- struct{}{}:
	default: // one is on its way
	}
}

// takeOver takes over the jobs that dead replicas left running, and those that were lost
// on their way to this one. It also makes due jobs available, which River's leader would
// do if there is one.
func (m *maintenance) takeOver(ctx context.Context) error {
	if err := m.cluster.TakeOver(ctx); err != nil {
		return err
	}
	if err := m.cluster.Reclaim(ctx, m.jobsAtWork()); err != nil {
		return err
	}
	_, err := m.db.FreeDueJobs(ctx)
	return err
}

// move holds what must be held, cancels what a deleted destination leaves behind, releases
// what no reason holds any more, and probes. Each step moves a bounded number, and goes on
// in the next second. A step that fails must not stop the others.
func (m *maintenance) move(ctx context.Context) error {
	var failed error
	for _, step := range append([]func(context.Context) error{m.db.ForgiveUnheld, m.holdAllWaiting, m.cancelDeleted}, m.moves...) {
		err := step(ctx)
		if postgres.IsAway(err) || ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, ignore(err, postgres.ErrLocked))
	}
	return failed
}

// holdAllWaiting is holdWaiting for all destinations that are paused or keep failing.
func (m *maintenance) holdAllWaiting(ctx context.Context) error {
	paused, err := m.db.PausedWithOpen(ctx)
	if err != nil {
		return err
	}
	failing, err := m.db.FailingWithOpen(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range append(paused, failing...) {
		failed = errors.Join(failed, m.holdWaiting(ctx, id))
	}
	return failed
}

// holdWaiting takes the jobs away from deliveries of a destination that must wait. It
// leaves those with an attempt in flight: their outcome decides first.
func (m *maintenance) holdWaiting(ctx context.Context, id uuid.UUID) error {
	return m.db.InTx(ctx, func(tx *postgres.Tx) error {
		t, err := tx.Destination(ctx, id)
		if err != nil {
			return ignore(err, postgres.ErrNotFound) // deleted: cancelled by another step
		}
		h, err := tx.LockHealth(ctx, id)
		switch {
		case errors.Is(err, postgres.ErrLocked) && t.State != destination.Paused:
			return nil // an attempt that is being recorded may mend it
		case errors.Is(err, postgres.ErrLocked): // the row may also be missing: nothing was ever sent to it
		case err != nil:
			return err
		}
		list, err := tx.LockWaiting(ctx, id, h.Probing, maxMoved)
		if err != nil {
			return err
		}
		now, target := m.now(), delivery.TargetOf(t, h)
		list = slices.DeleteFunc(list, func(dl delivery.Delivery) bool { return delivery.HoldReason(dl, target, now) == "" })
		return m.transitions.change(ctx, tx, byUpkeep, outgoing(list, t), func(dl delivery.Delivery) delivery.Delivery {
			return dl.Hold(delivery.HoldReason(dl, target, now), now)
		})
	})
}

// cancelDeleted cancels what deleted destinations leave behind.
func (m *maintenance) cancelDeleted(ctx context.Context) error {
	deleted, err := m.db.DeletedWithOpen(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range deleted {
		failed = errors.Join(failed, m.db.InTx(ctx, func(tx *postgres.Tx) error {
			_, err := m.cancelOpen(ctx, tx, id, delivery.DestinationDeleted)
			return err
		}))
	}
	return failed
}

// Discard cancels what waits for a destination, whose row the caller has locked, and
// returns how many deliveries that were. Attempts in flight go on. Jobs that wait in
// memory are stored as running too and cannot be told from these. So Discard comes back
// until all of them have had their turn, and were held because of the pause.
func (m *maintenance) Discard(ctx context.Context, tx *postgres.Tx, destinationID uuid.UUID) (int, error) {
	total := 0
	for late := time.After(2 * limiter.BacklogWait); ; {
		n, err := m.cancelOpen(ctx, tx, destinationID, delivery.ByPerson)
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
		case <-late: // what is left is in flight
			return total, nil
		case <-ctx.Done():
			return total, ctx.Err()
		}
	}
}

// cancelOpen cancels open deliveries of a destination and returns how many.
func (m *maintenance) cancelOpen(ctx context.Context, tx *postgres.Tx, id uuid.UUID, r delivery.Reason) (int, error) {
	list, err := tx.LockOpen(ctx, id, maxMoved)
	if err != nil {
		return 0, err
	}
	m.transitions.cancel(tx, id, list, r)
	return len(list), nil
}

// expire fails what has been held as failing for too long.
func (m *maintenance) expire(ctx context.Context) error {
	for {
		n := 0
		err := m.db.InTx(ctx, func(tx *postgres.Tx) error {
			list, err := tx.LockExpired(ctx, m.now().Add(-m.failingMaxAge), maxMoved)
			if err != nil {
				return err
			}
			n = len(list)
			return m.transitions.change(ctx, tx, byUpkeep, outgoing(list), func(dl delivery.Delivery) delivery.Delivery {
				return dl.Expire(m.now())
			})
		})
		if err != nil || n < maxMoved {
			return err
		}
	}
}

// reconcile gives a new job to open deliveries that would never be sent. Without
// a crash there are none: each is counted, and worth a look.
func (m *maintenance) reconcile(ctx context.Context) error {
	n := 0
	err := m.db.Exclusively(ctx, "reconcile", func(tx *postgres.Tx) error {
		list, err := tx.LockStuck(ctx, maxMoved)
		if err != nil {
			return err
		}
		n = len(list)
		return m.transitions.change(ctx, tx, byUpkeep, outgoing(list), delivery.Delivery.Probe) // it may be one
	})
	if m.jobTaken(ctx, err, 1) {
		err = nil // the next round has other ids
	}
	if err == nil && n > 0 {
		m.repairs.WithLabelValues("stuck_delivery").Add(float64(n))
		m.log.ErrorContext(ctx, "stuck deliveries repaired", "deliveries", n)
	}
	return err
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

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}
