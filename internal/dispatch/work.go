package dispatch

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

const (
	deliverQueue   = "deliver"
	maxJobAttempts = 30_000
	pollHealth     = 250 * time.Millisecond
	ourFault       = 2 * time.Second        // wait before we try again what failed on our side
	maxSnapshotAge = 150 * time.Millisecond // what was read longer ago is read again before it is acted on
)

// deliverArgs is the queued form of a delivery. It carries only the id, so a job
// that has waited an hour still sends the settings of now.
type deliverArgs struct {
	DeliveryID uuid.UUID `json:"deliveryId"`
}

// Kind implements river.JobArgs.
func (deliverArgs) Kind() string { return "deliver" }

// InsertOpts gives River a budget that it can never use up: Belfry's own count
// decides.
func (deliverArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: deliverQueue, MaxAttempts: maxJobAttempts}
}

// worker makes attempts.
type worker struct {
	river.WorkerDefaults[deliverArgs]
	x *executor
}

// NextRetry implements river.Worker. Work returns no errors, so this is for a
// panic.
func (w *worker) NextRetry(*river.Job[deliverArgs]) time.Time { return w.x.now().Add(ourFault) }

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, j *river.Job[deliverArgs]) error {
	remove, gone := w.x.running.add(j.ID), false
	defer func() { // also after a panic
		if gone {
			remove()
		} else {
			w.x.running.ended(j.ID, w.x.now())
		}
	}()
	err := w.x.work(ctx, job{id: j.ID, deliveryID: j.Args.DeliveryID})
	if gone = errors.Is(err, errGone); gone {
		return nil // River does not mind that the row is gone
	}
	return err
}

// job is the right to make a delivery's next attempt.
type job struct {
	id            int64
	deliveryID    uuid.UUID
	destinationID uuid.UUID          // zero when it came from the queue
	out           *postgres.Outgoing // what is to be sent, as far as it is known; nil when it came from the queue
	seen          time.Time          // since when it is known
}

// work makes one attempt at one delivery and records it. A job that is no longer
// the delivery's own, or whose delivery is final, sends nothing. The job lives as
// long as the run: between attempts it snoozes, which costs no attempt of River's.
func (x *executor) work(ctx context.Context, j job) error {
	if !x.mayStart(ctx) {
		return river.JobSnooze(0)
	}
	out, ok, end := x.loadAndCheck(ctx, &j)
	if !ok {
		return end
	}
	if j.destinationID == uuid.Nil {
		x.limiter.Enter(out.Destination.ID)
		defer x.limiter.Leave(out.Destination.ID)
	}
	if !x.limiter.Acquire(ctx, out.Destination.ID, out.Destination.Limits, urgencyOf(out)) {
		return x.workTooLate(ctx, j)
	}
	return x.workSlot(ctx, j, &slot{limiter: x.limiter, destinationID: out.Destination.ID})
}

// workInTurn is work for a job that has waited in a backlog for the slot it holds.
func (x *executor) workInTurn(ctx context.Context, j job) error {
	held := &slot{limiter: x.limiter, destinationID: j.destinationID}
	defer held.release(limiter.Outcome{})
	if !x.mayStart(ctx) {
		return river.JobSnooze(0)
	}
	if urgencyOf(j.out) != limiter.Probe && !x.limiter.AwaitToken(ctx, j.destinationID) {
		held.released = true // by AwaitToken
		return x.workTooLate(ctx, j)
	}
	return x.workSlot(ctx, j, held)
}

// workTooLate is for a job that got no slot. What a person asked for goes before all
// others once there is one.
func (x *executor) workTooLate(ctx context.Context, j job) error {
	if ctx.Err() != nil {
		return river.JobSnooze(0)
	}
	target := delivery.TargetOf(j.out.Destination, j.out.Health)
	target.Full = true
	end := x.transitions.hold(j.out, delivery.HoldReason(j.out.Delivery, target, x.now()))
	if t := j.out.Destination; t.Limits.RatePerSecond > 0 {
		x.limiter.LookWhenRated(t.ID, t.Limits)
	}
	return end
}

// workSlot makes an attempt in the slot that the caller holds, and gives the slot back. It
// checks first what may have changed while the job waited for the slot.
func (x *executor) workSlot(ctx context.Context, j job, held *slot) error {
	defer held.release(limiter.Outcome{})
	out, ok, end := x.loadAndCheck(ctx, &j)
	if !ok {
		return end
	}
	return x.attempt(ctx, j.id, out, held)
}

// slot is the right to one attempt, which a job holds from the limiter. Whoever takes
// it defers its release, so that a panic on the way does not keep it: what a
// destination may have in flight would be less for good.
type slot struct {
	limiter       *limiter.Limiter
	destinationID uuid.UUID
	released      bool
}

// release gives the slot back, once.
func (s *slot) release(o limiter.Outcome) {
	if !s.released {
		s.released = true
		s.limiter.Release(s.destinationID, o)
	}
}

func urgencyOf(out *postgres.Outgoing) limiter.Urgency {
	switch {
	case out.Health.Probing == out.Delivery.ID:
		return limiter.Probe
	case out.Delivery.Manual():
		return limiter.Manual
	}
	return limiter.Normal
}

// loadAndCheck loads what a job is for, unless it has just been read, and checks that
// it may be sent now. If it may not, ok is false, and the job ends with end.
func (x *executor) loadAndCheck(ctx context.Context, j *job) (out *postgres.Outgoing, ok bool, end error) {
	var err error
	if j.out == nil || j.out.Alert.ID == uuid.Nil || x.now().Sub(j.seen) > maxSnapshotAge {
		j.seen = x.now()
		j.out, err = x.load(j.deliveryID)
	}
	out = j.out
	switch {
	case errors.Is(err, postgres.ErrNotFound):
		return out, false, nil // dropped by retention
	case err != nil:
		x.log.WarnContext(ctx, "delivery not loaded", "delivery_id", j.deliveryID, "error", err)
		return out, false, river.JobSnooze(ourFault)
	case out.Delivery.JobID != j.id:
		return out, false, nil // another job may act, or none
	case x.now().Before(out.Delivery.DueAt):
		return out, false, river.JobSnooze(out.Delivery.DueAt.Sub(x.now()))
	case out.Destination.DeletedAt != nil:
		return out, false, x.transitions.deferDelivery(out, func(dl delivery.Delivery) delivery.Delivery {
			return dl.Cancel(delivery.DestinationDeleted, x.now())
		})
	}
	if x.now().Before(out.Health.SlowUntil) { // as another replica may have been told
		x.limiter.Narrow(out.Destination.ID)
	}
	if reason := delivery.HoldReason(out.Delivery, delivery.TargetOf(out.Destination, out.Health), x.now()); reason != "" {
		return out, false, x.transitions.hold(out, reason)
	}
	if errors.Is(out.Misconfigured, destination.ErrNoKey) {
		return out, false, x.deferForKey(ctx, out)
	}
	return out, true, nil
}

// deferForKey puts off a delivery that only a process with a newer key can send, like every
// fault of our own side. The process that takes the job next may have the key.
func (x *executor) deferForKey(ctx context.Context, out *postgres.Outgoing) error {
	if _, ok := x.noKey.Allow(out.Destination.ID.String(), x.now()); ok {
		x.log.ErrorContext(ctx, "sealing key missing",
			"destination_id", out.Destination.ID, "delivery_id", out.Delivery.ID, "error", out.Misconfigured)
	}
	next := out.Delivery.OurSideFailed(x.now())
	end := x.transitions.deferDelivery(out, func(dl delivery.Delivery) delivery.Delivery { return dl.OurSideFailed(x.now()) })
	if end != nil || next.JobID == 0 {
		return end
	}
	return river.JobSnooze(next.DueAt.Sub(x.now()))
}

// attempt sends and records, in a slot that it gives back, and with room for the
// record from before it sends. The id of the attempt is made before sending, so
// that recording it twice adds nothing.
func (x *executor) attempt(ctx context.Context, jobID int64, out *postgres.Outgoing, held *slot) error {
	if !x.recorder.reserve(ctx) {
		return river.JobSnooze(0)
	}
	defer x.recorder.free()
	now := x.now()
	a := out.Delivery.Next(now)
	a.ID, a.ResponseStorage = uuid.Must(uuid.NewV7()), out.Destination.ResponseStorage
	a.Result = x.send(ctx, out.Destination, held, destination.Message{
		ID:      out.Delivery.ID,
		Alert:   out.Alert.Alert,
		Attempt: out.Delivery.Made + 1,
		SentAt:  now,
		Keys:    out.Destination.Signing.Keys(now),
	})
	a.Result = a.ResponseStorage.Keep(a.Result)
	recorded, err := x.recorder.record(recordItem{
		attempt: a,
		claim:   out.Delivery.Claim(),
		loaded:  out.Delivery,
		wait:    x.waits.After(out.Delivery.Attempts+1, a.RetryAfter, rand.Float64()),
		mayHold: out.Destination.Limits.HoldFailing,
	})
	if err != nil {
		x.log.ErrorContext(ctx, "attempt not recorded", "delivery_id", a.DeliveryID, "attempt_id", a.ID, "error", err)
		return river.JobSnooze(ourFault)
	}
	x.transitions.tellAttempt(ctx, out, recorded)
	switch {
	case recorded.jobGone:
		return errGone
	case recorded.delivery.JobID != jobID:
		return nil
	}
	return river.JobSnooze(max(0, recorded.delivery.DueAt.Sub(x.now())))
}

// send makes the attempt and gives its slot back, whatever happens: the record does not
// keep the next attempt waiting.
func (x *executor) send(ctx context.Context, t destination.Destination, held *slot, m destination.Message) (r outbound.Result) {
	defer func() { held.release(outcomeOf(r)) }()
	return destination.Send(ctx, x.client, t.Settings, m)
}

// mayStart waits until attempts may start, and reports false when ctx ends
// first. A worker that waits keeps its slot, so that nothing more is fetched.
func (x *executor) mayStart(ctx context.Context) bool {
	for {
		if x.cluster.Alive() && x.partitions.there() {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pollHealth):
		}
	}
}
