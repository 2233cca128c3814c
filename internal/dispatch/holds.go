package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/postgres"
)

// holds is the releasing side. It gives held deliveries jobs when no reason holds them
// any more and their destination has room, has every hold say the reason that is still
// true, and lets one delivery at a time probe a destination that keeps failing.
type holds struct {
	*transactions
	db             *postgres.DB
	log            *slog.Logger
	now            func() time.Time
	limiter        *limiter.Limiter
	transitions    *transitions
	attemptTimeout time.Duration
}

// run works until ctx ends on the destinations that may have room.
func (h *holds) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.limiter.Looks():
		}
		for _, id := range h.limiter.TakeLooks() {
			if err := h.release(ctx, id); err != nil && ctx.Err() == nil {
				h.log.WarnContext(ctx, "held deliveries not released", "destination_id", id, "error", err)
			}
		}
	}
}

// release gives jobs to held deliveries of a destination that no reason holds any
// more, as many as it has room for: what a person asked for first, then first
// attempts, re-sends in bulk last and only into half of the room, so that a new
// alert finds some.
func (h *holds) release(ctx context.Context, id uuid.UUID) error {
	t, err := h.db.Destination(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		h.limiter.Deleted(id)
		return nil // deleted meanwhile
	}
	if err != nil || errors.Is(t.Unopened, destination.ErrNoKey) {
		return err // left to replicas that have the key
	}
	h.limiter.BeginLook(id)
	var found limiter.Found
	err = h.inTx(ctx, func(tx *postgres.Tx) (err error) {
		found, err = h.releaseIn(ctx, tx, t)
		return err
	})
	if err != nil {
		return err // what was believed of the destination still is
	}
	h.limiter.EndLook(id, found)
	return nil
}

// releaseIn is release in a transaction. It returns what is to be believed of the
// destination once that is committed.
func (h *holds) releaseIn(ctx context.Context, tx *postgres.Tx, t destination.Destination) (found limiter.Found, err error) {
	healths, err := tx.Healths(ctx, []uuid.UUID{t.ID})
	if err != nil {
		return found, err
	}
	health := healths[t.ID]
	target := delivery.TargetOf(t, health)
	room := min(h.limiter.Room(t.ID, t.Limits, releasedBacklog), maxRelease)
	list, err := h.lockManual(ctx, tx, t.ID, target, room, &found)
	if err != nil {
		return found, err
	}
	h.limiter.LookWhenCool(t.ID, health.SlowUntil)
	if target.HoldsOthers("", h.now()) == "" {
		rest, err := h.lockNext(ctx, tx, t.ID, room-len(list), &found)
		if err != nil {
			return found, err
		}
		list = append(list, rest...)
	} else {
		found.None = true
	}
	switch {
	case len(list) == 0 && room > 0:
		found.None = true
	case len(list) == maxRelease:
		found.More = true
	case t.Limits.RatePerSecond > 0:
		h.limiter.LookWhenRated(t.ID, t.Limits)
	}
	for _, out := range list {
		out.Destination, out.Health = t, health
	}
	return found, h.transitions.change(ctx, tx, byUpkeep, list, h.releaseTo(target))
}

// releaseTo returns what becomes of a delivery that is to be released: its own wait may
// still hold it.
func (h *holds) releaseTo(t delivery.Target) func(delivery.Delivery) delivery.Delivery {
	now := h.now()
	return func(dl delivery.Delivery) delivery.Delivery {
		if reason := delivery.HoldReason(dl, t, now); reason != "" {
			return dl.Hold(reason, now)
		}
		return dl.Release(now)
	}
}

const (
	// maxRelease bounds the transaction.
	maxRelease = 256

	// releasedBacklog is how long the backlog of a destination may last for deliveries to
	// be released. It is less than newBacklog, so that new deliveries find room and are
	// not held.
	releasedBacklog = limiter.WorkerWait / 8
)

var releasable = delivery.Releasable()

// lockManual returns held deliveries that a person asked for, locked, in the order in
// which they were asked for. They go whatever else is held.
func (h *holds) lockManual(ctx context.Context, tx *postgres.Tx, id uuid.UUID, t delivery.Target, room int, found *limiter.Found) ([]*postgres.Outgoing, error) {
	if room <= 0 || !h.limiter.HasManual(id) {
		return nil, nil
	}
	if t.HoldsManual("", h.now()) != "" {
		found.NoneManual = true
		return nil, nil
	}
	list, err := tx.LockManual(ctx, id, room)
	found.NoneManual = err == nil && len(list) < room
	return list, err
}

func (h *holds) lockNext(ctx context.Context, tx *postgres.Tx, id uuid.UUID, room int, found *limiter.Found) ([]*postgres.Outgoing, error) {
	if room <= 0 {
		return nil, nil
	}
	list, err := tx.LockReleasable(ctx, id, releasable, delivery.First, delivery.Late, room)
	found.NoneAhead = err == nil && len(list) < room
	half := max(1, room/2)
	if err != nil || len(list) >= half {
		return list, err
	}
	bulk, err := tx.LockReleasable(ctx, id, releasable, delivery.Bulk, delivery.Bulk, half-len(list))
	return append(list, bulk...), err
}

// review looks at every hold. If its reason is no longer true, the hold gets the reason
// that is, or is released. It also has destinations that keep failing probed.
func (h *holds) review(ctx context.Context) error {
	list, err := h.db.Holds(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	reasons := map[uuid.UUID][]delivery.Reason{}
	for _, held := range list {
		reasons[held.DestinationID] = append(reasons[held.DestinationID], held.Reason)
	}
	ids := make(map[uuid.UUID]bool, len(reasons))
	for id := range reasons {
		ids[id] = true
	}
	healths, err := h.db.Healths(ctx, sorted(ids))
	if err != nil {
		return err
	}
	manual, err := h.db.HeldManual(ctx)
	if err != nil {
		return err
	}
	var failed error // one destination's trouble must not stop the others
	for _, id := range sorted(ids) {
		t, err := h.db.Destination(ctx, id)
		switch {
		case errors.Is(err, postgres.ErrNotFound):
			continue // deleted: cancelled by another step
		case errors.Is(t.Unopened, destination.ErrNoKey):
			continue // left to replicas that have the key
		}
		if err == nil {
			target := delivery.TargetOf(t, healths[id])
			if slices.Contains(manual, id) {
				err = h.reviewManual(ctx, t, target, reasons[id])
			}
			err = errors.Join(err, h.reviewOthers(ctx, t, target, reasons[id]))
		}
		failed = errors.Join(failed, ignore(err, postgres.ErrLocked))
	}
	return failed
}

func (h *holds) reviewOthers(ctx context.Context, t destination.Destination, target delivery.Target, held []delivery.Reason) error {
	for _, was := range held {
		now := target.HoldsOthers(was, h.now())
		if now == "" {
			h.limiter.NoteHeld(t.ID, limiter.Held{Look: true})
			continue
		}
		if err := h.transitions.rename(ctx, t, false, was, now); err != nil {
			return err
		}
	}
	if target.Health.MayProbe(h.now()) && target.HoldsOthers("", h.now()) == delivery.Failing {
		return h.probe(ctx, t.ID)
	}
	return nil
}

// reviewManual is reviewOthers for what a person asked for.
func (h *holds) reviewManual(ctx context.Context, t destination.Destination, target delivery.Target, held []delivery.Reason) error {
	for _, was := range held {
		now := target.HoldsManual(was, h.now())
		if now == "" {
			h.limiter.NoteHeld(t.ID, limiter.Held{Manual: true, Look: true})
			continue
		}
		if err := h.transitions.rename(ctx, t, true, was, now); err != nil {
			return err
		}
	}
	return nil
}

// releaseOurSide lets deliveries try again whose last attempts our own side cut short,
// each when its wait is over: that is the only thing that holds them. Whether our
// side is well again only an attempt shows.
func (h *holds) releaseOurSide(ctx context.Context) error {
	return h.inTx(ctx, func(tx *postgres.Tx) error {
		now := h.now()
		list, err := tx.LockOurSide(ctx, now, maxRelease)
		if err != nil {
			return err
		}
		return h.transitions.change(ctx, tx, byUpkeep, outgoing(list), func(dl delivery.Delivery) delivery.Delivery { return dl.Release(now) })
	})
}

// probe lets one held delivery try whether its destination answers. Its right to
// is a lease in the one row that all replicas share.
func (h *holds) probe(ctx context.Context, id uuid.UUID) error {
	return h.inTx(ctx, func(tx *postgres.Tx) error {
		t, err := tx.Destination(ctx, id)
		if err != nil {
			return ignore(err, postgres.ErrNotFound)
		}
		health, err := tx.LockHealth(ctx, id)
		if err != nil || !health.MayProbe(h.now()) {
			return err
		}
		list, err := tx.LockProbe(ctx, id, h.now())
		if err != nil || len(list) == 0 {
			return err // each waits for a time of its own
		}
		health = health.GrantProbe(list[0].ID, h.now().Add(h.attemptTimeout+probeSlack))
		tx.SaveHealth(health)
		outs := outgoing(list, t)
		outs[0].Health = health
		return h.transitions.change(ctx, tx, byUpkeep, outs, delivery.Delivery.Probe)
	})
}

// probeSlack is how long, beyond its attempt's deadline, a probe may take to be
// fetched and recorded before another is let go: long enough for a dead
// replica's to be taken over.
const probeSlack = 20 * time.Second
