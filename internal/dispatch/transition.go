package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

	releases bool // this process releases what is held; else nobody asks its limiter about that

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

// cause is who changes a delivery. It decides what the console is told.
type cause int

const (
	byAccept  cause = iota // an alert was accepted: the event of the alert stands for its deliveries
	byAttempt              // an attempt was recorded
	byPerson               // somebody asked for it
	byBulk                 // a bulk re-send took it
	byWorker               // a worker must not send it now
	byUpkeep               // maintenance, or the releasing side, found that it must change
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
// had is dropped: whatever that job still does is fenced out from here on. A delivery that
// is queued or retrying now gets a new job.
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

// rename gives held deliveries of a destination the reason that holds them now: those that
// a person asked for, or all others. If the reason has not changed, nothing is done.
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

// deferDelivery has a worker's delivery wait, unless it has moved meanwhile. The worker's job
// then ends, with what this returns; how may leave the delivery its job.
func (t *transitions) deferDelivery(out *postgres.Outgoing, how func(delivery.Delivery) delivery.Delivery) error {
	item := &deferral{out: out, how: how, done: make(chan error, 1)}
	if !t.deferrals.Add(item) {
		return river.JobSnooze(ourFault)
	}
	if err := <-item.done; err != nil {
		t.log.Warn("delivery not deferred", "delivery_id", out.Delivery.ID, "error", err)
		return river.JobSnooze(ourFault)
	}
	return nil
}

// hold is deferDelivery until a reason holds the delivery no longer.
func (t *transitions) hold(out *postgres.Outgoing, r delivery.Reason) error {
	return t.deferDelivery(out, func(dl delivery.Delivery) delivery.Delivery { return dl.Hold(r, t.now()) })
}

// commitDeferrals stores deferrals. The jobs are left to those who are at them.
func (t *transitions) commitDeferrals(items []*deferral) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout) // a commit serves many callers
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

// scheduled returns when a job is to be fetched: the zero time, which means now to River,
// if it is due. River does not announce a job with an explicit time to its workers.
func scheduled(due, now time.Time) time.Time {
	if !due.After(now) {
		return time.Time{}
	}
	return due
}
