package dispatch

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"belfry/internal/batch"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/live"
	"belfry/internal/postgres"
	"belfry/internal/sampler"
)

// transitions is the one place where deliveries change. It stores them and drops and
// adds their jobs in one transaction, and tells of them once that is committed: see
// tell. Why a delivery must wait is not decided here: see delivery.HoldReason.
//
// Only the recorder writes with statements of its own, a whole batch at a time. It
// has the rest told here.
type transitions struct {
	transitionParts
	deferrals     *batch.Batcher[*deferral]
	misconfigured sampler.Sampler // of lines that say that a destination is
}

// transitionParts is what transitions need.
type transitionParts struct {
	db      *postgres.DB
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics
	events  *live.Bus
	limiter *limiter.Limiter
	workers int

	queue         *river.Client[pgx.Tx]
	instance      string
	localCapacity func() int  // how many more jobs local execution can take
	runLocal      func([]job) // works jobs in this process
}

// newTransitions starts what stores deferrals. It runs until close.
func newTransitions(p transitionParts) *transitions {
	t := &transitions{transitionParts: p, misconfigured: sampler.Sampler{Every: logEvery}}
	t.deferrals = batch.New(batch.Config{Capacity: (2 + limiter.JobsPerWorker) * p.workers, Max: 512}, t.commitDeferrals)
	return t
}

// close waits until all deferrals are stored.
func (t *transitions) close() { t.deferrals.Close() }

// cause is who changes a delivery. It decides how those who look on are told.
type cause int

const (
	byAccept  cause = iota // an alert was accepted: the event of the alert stands for its deliveries
	byAttempt              // an attempt was recorded
	byPerson               // somebody asked for it
	byBulk                 // a bulk re-send took it
	byWorker               // a worker must not send it now
	byUpkeep               // somebody looked at what is
)

// create stores new deliveries with their jobs: both are committed, or none. A held
// delivery has no job.
func (t *transitions) create(ctx context.Context, tx *postgres.Tx, by cause, fresh []*postgres.Outgoing) error {
	if len(fresh) == 0 {
		return nil
	}
	local, err := t.addJobs(ctx, tx, fresh)
	if err != nil {
		return err
	}
	tx.InsertDeliveries(deliveriesOf(fresh))
	tx.AfterCommit(func() {
		t.tell(ctx, by, nil, fresh)
		t.runLocal(local) // last: an attempt may change them before tell has told of this
	})
	return nil
}

// change applies how to deliveries whose rows are locked, and stores the result. The job that one
// had is dropped: whatever that job still does is fenced out from here on. One that is
// queued or retrying now gets a new job.
func (t *transitions) change(ctx context.Context, tx *postgres.Tx, by cause, list []*postgres.Outgoing, how func(delivery.Delivery) delivery.Delivery) error {
	if len(list) == 0 {
		return nil
	}
	before := deliveriesOf(list)
	var dropped []int64
	for i, out := range list {
		out.Delivery = how(before[i])
		if before[i].JobID != 0 {
			dropped = append(dropped, before[i].JobID)
		}
	}
	local, err := t.addJobs(ctx, tx, list)
	if err != nil {
		return err
	}
	tx.DropJobs(dropped)
	tx.UpdateDeliveries(deliveriesOf(list))
	tx.AfterCommit(func() {
		t.tell(ctx, by, before, list)
		t.runLocal(local) // last: an attempt may change them before tell has told of this
	})
	return nil
}

// cancel ends open deliveries of one destination, whose rows are locked. There may be
// very many of them in one transaction, so nothing is kept of them until its commit.
func (t *transitions) cancel(tx *postgres.Tx, destinationID uuid.UUID, list []delivery.Delivery, r delivery.Reason) {
	if len(list) == 0 {
		return
	}
	var dropped []int64
	for i, dl := range list {
		if dl.JobID != 0 {
			dropped = append(dropped, dl.JobID)
		}
		list[i] = dl.Cancel(r, t.now())
	}
	tx.DropJobs(dropped)
	tx.UpdateDeliveries(list)
	tx.AfterCommit(func() { t.events.Changed(destinationID) })
}

// rename gives held deliveries of a destination the reason that holds them now: what a
// person asked for, or all others. Where it has not changed, nothing is done.
func (t *transitions) rename(ctx context.Context, d destination.Destination, manual bool, was, now delivery.Reason) error {
	if was == now {
		return nil
	}
	n, err := t.db.Rename(ctx, d.ID, manual, was, now, t.now(), 10*maxMoved)
	if err != nil || n == 0 {
		return err
	}
	t.events.Changed(d.ID)
	if now == delivery.Misconfigured {
		t.logMisconfigured(ctx, d.ID, d.Unopened)
	}
	return nil
}

// deferral is a delivery that a worker must not send now.
type deferral struct {
	out  *postgres.Outgoing
	how  func(delivery.Delivery) delivery.Delivery
	done chan error
}

// putOff has a worker's delivery wait, unless it has moved meanwhile. The worker's job
// then ends, with what this returns; how may leave the delivery its job.
func (t *transitions) putOff(out *postgres.Outgoing, how func(delivery.Delivery) delivery.Delivery) error {
	item := &deferral{out: out, how: how, done: make(chan error, 1)}
	if !t.deferrals.Add(item) {
		return river.JobSnooze(ourFault)
	}
	if err := <-item.done; err != nil {
		t.log.Warn("delivery not put off", "delivery_id", out.Delivery.ID, "error", err)
		return river.JobSnooze(ourFault)
	}
	return nil
}

// hold is putOff until a reason holds the delivery no longer.
func (t *transitions) hold(out *postgres.Outgoing, r delivery.Reason) error {
	return t.putOff(out, func(dl delivery.Delivery) delivery.Delivery { return dl.Hold(r, t.now()) })
}

// commitDeferrals stores deferrals. The jobs are left to those who are at them.
func (t *transitions) commitDeferrals(items []*deferral) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout) // of many callers
	defer cancel()
	err := t.storeDeferrals(ctx, items)
	if postgres.IsData(err) && len(items) > 1 { // one bad item must not spoil its batch
		for _, item := range items {
			t.commitDeferrals([]*deferral{item})
		}
		return
	}
	for _, item := range items {
		item.done <- err
	}
}

func (t *transitions) storeDeferrals(ctx context.Context, items []*deferral) error {
	ids := make([]uuid.UUID, len(items))
	for i, item := range items {
		ids[i] = item.out.Delivery.ID
	}
	return t.db.InTx(ctx, func(tx *postgres.Tx) error {
		present, err := tx.LockDeliveries(ctx, ids)
		if err != nil {
			return err
		}
		var changes []changed
		for _, item := range items {
			if dl, ok := present[item.out.Delivery.ID]; ok && dl.JobID == item.out.Delivery.JobID {
				after := item.how(dl)
				changes = append(changes, changed{by: byWorker, before: &dl, after: &after, out: item.out})
			}
		}
		slices.SortFunc(changes, func(a, b changed) int { return cmp.Compare(a.after.ID.String(), b.after.ID.String()) })
		list := make([]delivery.Delivery, len(changes))
		for i, c := range changes {
			list[i] = *c.after
		}
		tx.UpdateDeliveries(list)
		tx.AfterCommit(func() { t.tellAll(ctx, changes) })
		return nil
	})
}
