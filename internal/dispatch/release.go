package dispatch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// holding is the set of destinations of which this instance believes that they
// have held deliveries which could go. It only makes things quick: what is
// missing here is found once a second, in the table.
type holding struct {
	mu    sync.Mutex
	ids   map[uuid.UUID]bool
	busy  map[uuid.UUID]bool // of these, where some wait for their turn before any new one
	asked map[uuid.UUID]bool // where some wait that a person asked for
	wake  chan struct{}
	due   map[uuid.UUID]bool // to be looked at now
	timed map[uuid.UUID]bool // to be looked at in a while
}

func newHolding() *holding {
	return &holding{ids: map[uuid.UUID]bool{}, busy: map[uuid.UUID]bool{}, asked: map[uuid.UUID]bool{}, due: map[uuid.UUID]bool{}, timed: map[uuid.UUID]bool{}, wake: make(chan struct{}, 1)}
}

// add says that a destination has held deliveries, and that it is worth a look.
func (h *holding) add(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids[id] = true
	h.look(id)
}

// note says that a destination has held deliveries for which there was no room
// just now: a look is worth it when there is some again.
func (h *holding) note(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids[id] = true
}

// queue says that a delivery is held because its destination is busy.
func (h *holding) queue(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[id] = true
}

// ask says that a destination has a held delivery that a person asked for, and
// that it is worth a look.
func (h *holding) ask(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids[id], h.asked[id] = true, true
	h.look(id)
}

// noteAsked is ask without the look, as note is add.
func (h *holding) noteAsked(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids[id], h.asked[id] = true, true
}

// hasAsked reports whether a destination is believed to have a held delivery that a
// person asked for.
func (h *holding) hasAsked(id uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[id]
}

// noAsked says that a destination has none of these.
func (h *holding) noAsked(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.asked, id)
}

// queued reports whether a destination is believed to have held deliveries that go
// before new ones.
func (h *holding) queued(id uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.busy[id]
}

// noQueue says that a destination has none of these.
func (h *holding) noQueue(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.busy, id)
}

// lookIn looks at a destination after a time, and no sooner.
func (h *holding) lookIn(id uuid.UUID, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timed[id] {
		return
	}
	h.timed[id] = true
	time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.timed, id)
		h.look(id)
	})
}

// freed says that a destination has room again.
func (h *holding) freed(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ids[id] {
		h.look(id)
	}
}

func (h *holding) look(id uuid.UUID) {
	h.due[id] = true
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// take returns the destinations to look at, and forgets that they are.
func (h *holding) take() []uuid.UUID {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := sorted(h.due)
	clear(h.due)
	return ids
}

// empty says that a destination has nothing held that could go.
func (h *holding) empty(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.busy, id)
	if !h.asked[id] {
		delete(h.ids, id)
	}
}

// freed lets the releasing of held deliveries keep step with the recording of
// others: as many go as have come back.
func (d *Dispatcher) freed(id uuid.UUID) { d.held.freed(id) }

// releases works until ctx ends on the destinations that may have room.
func (d *Dispatcher) releases(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.held.wake:
		}
		for _, id := range d.held.take() {
			if err := d.release(ctx, id); err != nil && ctx.Err() == nil {
				d.Log.WarnContext(ctx, "held deliveries not released", "destination_id", id, "error", err)
			}
		}
	}
}

// release gives jobs to held deliveries of a destination that no reason holds any
// more, as many as it has room for: what a person asked for first, then first
// attempts, re-sends in bulk last and only into half of the room, so that a new
// alert finds some.
func (d *Dispatcher) release(ctx context.Context, id uuid.UUID) error {
	t, err := d.DB.Destination(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		d.held.noAsked(id)
		d.noneHeld(id)
		return nil // deleted meanwhile
	}
	if err != nil || errors.Is(t.Unopened, destination.ErrNoKey) {
		return err // those that have the key release
	}
	return d.inTx(ctx, func(tx *postgres.Tx) error {
		healths, err := tx.Healths(ctx, []uuid.UUID{id})
		if err != nil {
			return err
		}
		target := delivery.TargetOf(t, healths[id])
		room := min(d.slots.room(id, t.Limits, patience/8), maxRelease)
		list, err := d.lockAsked(ctx, tx, id, target, room)
		if err != nil {
			return err
		}
		d.lookWhenOpen(id, healths[id])
		if target.HoldsOthers(d.Now()) == "" {
			rest, err := d.lockNext(ctx, tx, id, room-len(list))
			if err != nil {
				return err
			}
			list = append(list, rest...)
		} else {
			d.noneHeld(id)
		}
		switch {
		case len(list) == 0 && room > 0:
			d.noneHeld(id)
		case len(list) == maxRelease:
			d.held.add(id)
		case t.Limits.RatePerSecond > 0:
			d.lookWhenRated(t)
		}
		for _, out := range list {
			out.Destination, out.Health = t, healths[id]
		}
		now := d.Now()
		return d.rejobAll(ctx, tx, list, func(dl delivery.Delivery) delivery.Delivery { return dl.Release(now) })
	})
}

// lookWhenOpen looks at a destination again when the time is over for which it asked
// to be left alone.
func (d *Dispatcher) lookWhenOpen(id uuid.UUID, h delivery.Health) {
	if wait := max(d.slots.opensIn(id), h.SlowUntil.Sub(d.Now())); wait > 0 && wait <= longPause {
		d.held.lookIn(id, wait)
	}
	if d.Now().Before(h.SlowUntil) { // as another replica may have been told
		d.slots.narrow(id)
	}
}

// lookWhenRated looks at a destination again when its rate allows another attempt.
func (d *Dispatcher) lookWhenRated(t destination.Destination) {
	d.held.lookIn(t.ID, max(patience/4, d.slots.tokenIn(t.ID, t.Limits)-patience))
}

// noneHeld is for a destination that has nothing held that could go.
func (d *Dispatcher) noneHeld(id uuid.UUID) {
	d.held.empty(id)
	d.slots.released(id)
}

// maxRelease bounds the transaction.
const maxRelease = 256

var releasable = []delivery.Reason{delivery.Busy, delivery.NotAnswering, delivery.Paused, delivery.Misconfigured}

// lockAsked returns held deliveries that a person asked for, locked, those that
// were asked for first, first. They go whatever else is held.
func (d *Dispatcher) lockAsked(ctx context.Context, tx *postgres.Tx, id uuid.UUID, t delivery.Target, room int) ([]*postgres.Outgoing, error) {
	if room <= 0 || !d.held.hasAsked(id) {
		return nil, nil
	}
	d.held.noAsked(id) // before it is looked: one may come meanwhile
	if t.HoldsAsked(d.Now()) != "" {
		return nil, nil
	}
	list, err := tx.LockAsked(ctx, id, room)
	if err != nil || len(list) == room {
		d.held.noteAsked(id)
	}
	return list, err
}

func (d *Dispatcher) lockNext(ctx context.Context, tx *postgres.Tx, id uuid.UUID, room int) ([]*postgres.Outgoing, error) {
	if room <= 0 {
		return nil, nil
	}
	list, err := tx.LockReleasable(ctx, id, releasable, delivery.First, delivery.Late, room)
	if err == nil && len(list) < room {
		d.held.noQueue(id)
		d.slots.released(id)
	}
	half := max(1, room/2)
	if err != nil || len(list) >= half {
		return list, err
	}
	bulk, err := tx.LockReleasable(ctx, id, releasable, delivery.Bulk, delivery.Bulk, half-len(list))
	return append(list, bulk...), err
}

// keepHolds looks at every hold: one whose reason is no longer true gets the
// reason that is, or is released; and a destination that does not answer is
// probed.
func (d *Dispatcher) keepHolds(ctx context.Context) error {
	holds, err := d.DB.Holds(ctx)
	if err != nil || len(holds) == 0 {
		return err
	}
	reasons := map[uuid.UUID][]delivery.Reason{}
	for _, h := range holds {
		reasons[h.DestinationID] = append(reasons[h.DestinationID], h.Reason)
	}
	ids := make(map[uuid.UUID]bool, len(reasons))
	for id := range reasons {
		ids[id] = true
	}
	healths, err := d.DB.Healths(ctx, sorted(ids))
	if err != nil {
		return err
	}
	asked, err := d.DB.HeldAsked(ctx)
	if err != nil {
		return err
	}
	var failed error // one destination's trouble must not stop the others
	for _, id := range sorted(ids) {
		t, err := d.DB.Destination(ctx, id)
		switch {
		case errors.Is(err, postgres.ErrNotFound):
			continue // deleted: cancelled by another step
		case errors.Is(t.Unopened, destination.ErrNoKey):
			continue // those that have the key know better
		}
		if err == nil {
			target := delivery.TargetOf(t, healths[id])
			if slices.Contains(asked, id) {
				err = d.keepAsked(ctx, id, target, reasons[id])
			}
			err = errors.Join(err, d.keepHold(ctx, id, target, reasons[id]))
		}
		failed = errors.Join(failed, ignore(err, postgres.ErrLocked))
	}
	return failed
}

func (d *Dispatcher) keepHold(ctx context.Context, id uuid.UUID, t delivery.Target, held []delivery.Reason) error {
	now := t.HoldsOthers(d.Now())
	if now == "" {
		d.held.add(id)
		return nil
	}
	if err := d.rename(ctx, id, false, held, now); err != nil {
		return err
	}
	if now == delivery.NotAnswering && t.Health.MayProbe(d.Now()) {
		return d.probe(ctx, id)
	}
	return nil
}

// keepAsked is keepHold for what a person asked for.
func (d *Dispatcher) keepAsked(ctx context.Context, id uuid.UUID, t delivery.Target, held []delivery.Reason) error {
	now := t.HoldsAsked(d.Now())
	if now == "" {
		d.held.ask(id)
		return nil
	}
	return d.rename(ctx, id, true, held, now)
}

func (d *Dispatcher) rename(ctx context.Context, id uuid.UUID, asked bool, held []delivery.Reason, now delivery.Reason) error {
	for _, was := range held {
		if was == now || was == delivery.OurSide && now == delivery.Busy { // the order of delivery.HoldReason
			continue
		}
		n, err := d.DB.Rename(ctx, id, asked, was, now, d.Now(), 10*pace)
		if err != nil {
			return err
		}
		if n > 0 {
			d.Events.Changed(id)
		}
	}
	return nil
}

// tryOurSide lets deliveries try again whose last attempts our own side cut short,
// each when its wait is over: that is the only thing that holds them. Whether our
// side is well again only an attempt shows.
func (d *Dispatcher) tryOurSide(ctx context.Context) error {
	return d.inTx(ctx, func(tx *postgres.Tx) error {
		now := d.Now()
		list, err := tx.LockOurSide(ctx, now, maxRelease)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() {
			for _, dl := range list {
				d.Events.Changed(dl.DestinationID)
			}
		})
		return d.rejobAll(ctx, tx, outgoing(list), func(dl delivery.Delivery) delivery.Delivery { return dl.Release(now) })
	})
}

// probe lets one held delivery try whether its destination answers. Its right to
// is a lease in the one row that all replicas share.
func (d *Dispatcher) probe(ctx context.Context, id uuid.UUID) error {
	return d.inTx(ctx, func(tx *postgres.Tx) error {
		t, err := tx.Destination(ctx, id)
		if err != nil {
			return ignore(err, postgres.ErrNotFound)
		}
		h, err := tx.LockHealth(ctx, id)
		if err != nil || !h.MayProbe(d.Now()) {
			return err
		}
		list, err := tx.LockProbe(ctx, id, d.Now())
		if err != nil || len(list) == 0 {
			return err // each waits for a time of its own
		}
		h = h.Lend(list[0].ID, d.Now().Add(d.AttemptTimeout+probeSlack))
		tx.SaveHealth(h)
		outs := outgoing(list)
		outs[0].Destination, outs[0].Health = t, h
		return d.rejobAll(ctx, tx, outs, delivery.Delivery.Probe)
	})
}

// probeSlack is how long, beyond its attempt's deadline, a probe may take to be
// fetched and recorded before another is let go: long enough for a dead
// replica's to be taken over.
const probeSlack = 20 * time.Second
