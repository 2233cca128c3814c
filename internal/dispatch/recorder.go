package dispatch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/batch"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

const (
	maxTests      = 64  // test sends at once, until they are recorded
	maxRecords    = 512 // attempts in one transaction
	recordTimeout = 10 * time.Second
	recordPause   = 500 * time.Millisecond // between tries while the database is away, or refuses
	maxPause      = 5 * time.Second        // the same, after several
)

// recorder stores attempts and what they lead to, many in one transaction. Whoever makes
// an attempt reserves room for its record before the request, and frees it when the
// record is committed. So a record is never refused, and the records that wait take a
// bounded amount of memory.
type recorder struct {
	recorderParts
	batcher     *batch.Batcher[*recordItem]
	jobRecords  semaphore // of attempts that jobs make
	testRecords semaphore // of tests

	// untilGivenUp ends when nobody waits any longer for a database that is away: at the
	// very end of a stop.
	untilGivenUp context.Context
	giveUp       context.CancelFunc
}

// recorderParts is what a recorder needs.
type recorderParts struct {
	db         *postgres.DB
	log        *slog.Logger
	now        func() time.Time
	workers    int
	longest    time.Duration      // that passes between two attempts of a run
	retries    prometheus.Counter // of batches
	partitions *partitions

	// freed is told of each attempt that is recorded: its destination may have room for
	// what is held.
	freed func(destinationID uuid.UUID)
}

// recordItem is an attempt that has been made and must not be forgotten.
type recordItem struct {
	attempt delivery.Attempt
	claim   delivery.Claim
	loaded  delivery.Delivery // as it was loaded before the attempt
	wait    time.Duration     // until the next attempt, should this one have failed
	mayHold bool              // the destination's settings let its deliveries be held while it keeps failing

	// maybeStored: no answer came to the COMMIT that was to store it. decided is what
	// the last of these tries decided, nil where that is not known.
	maybeStored bool
	decided     *recordedAttempt
	done        chan recordReply
}

// recordedAttempt is an attempt as it was stored and what it led to.
type recordedAttempt struct {
	attempt  delivery.Attempt
	before   delivery.Delivery // as it was under its lock
	delivery delivery.Delivery
	jobGone  bool
}

// recordReply is what record returns.
type recordReply struct {
	recorded *recordedAttempt // one of a batch: what is large is not copied
	err      error
}

// errNeedsLocks says that attempts cannot be settled on what was loaded before they
// were made.
var errNeedsLocks = errors.New("not only first acks of healthy destinations")

// newRecorder starts a recorder. It runs until close.
func newRecorder(p recorderParts) *recorder {
	r := &recorder{recorderParts: p, jobRecords: make(semaphore, 2*p.workers), testRecords: make(semaphore, maxTests)}
	r.untilGivenUp, r.giveUp = context.WithCancel(context.Background()) // no caller's: it ends with the process
	r.batcher = batch.New(batch.Config{Capacity: cap(r.jobRecords) + cap(r.testRecords), Max: maxRecords, MinInterval: commitInterval}, r.commit)
	return r
}

// reserve waits for room for the record of a job's attempt, or reports false when ctx
// ends first. The caller gives it back with free once the attempt is recorded.
func (r *recorder) reserve(ctx context.Context) bool { return r.jobRecords.take(ctx) }

func (r *recorder) free() { r.jobRecords.free() }

// reserveTest is reserve for a test, which freeTest gives back: jobs never wait for
// tests.
func (r *recorder) reserveTest(ctx context.Context) bool { return r.testRecords.take(ctx) }

func (r *recorder) freeTest() { r.testRecords.free() }

// close records what waits, or gives up on what cannot be recorded now.
func (r *recorder) close() {
	r.giveUp()
	r.batcher.Close()
}

// record stores an attempt, for which the caller has reserved room, and what it leads to.
// It returns when that is committed: the worker is not free before. It waits for a
// database that is away. An error means that a stop ended the waiting, or that not even
// the bare facts could be stored.
func (r *recorder) record(item recordItem) (*recordedAttempt, error) {
	item.done = make(chan recordReply, 1)
	if !r.batcher.TryAdd(&item) {
		return nil, errors.New("record attempt: this process stops")
	}
	reply := <-item.done
	return reply.recorded, reply.err
}

// commit stores a batch, however long the database is away. One bad item
// must not spoil its batch: when the data is refused, each goes alone, and one
// that is still refused goes without what the destination sent.
func (r *recorder) commit(items []*recordItem) {
	made, pause, logged := false, recordPause, ""
	for {
		err := r.recordOutcomes(items)
		switch {
		case err == nil:
			if !r.partitions.there() { // there may be some again
				r.partitionsFor(items)
			}
			return
		case postgres.IsMissingPartition(err) && !made && r.partitionsFor(items):
			made = true
		case postgres.IsData(err) && len(items) > 1:
			for _, item := range items {
				r.commit([]*recordItem{item})
			}
			return
		case postgres.IsData(err) && !items[0].attempt.Stripped:
			r.log.Error("attempt stored without body and headers", "attempt_id", items[0].attempt.ID, "error", err)
			items[0].attempt = stripped(items[0].attempt)
		case postgres.IsData(err):
			items[0].done <- recordReply{err: err}
			return
		default:
			r.retries.Inc()
			if logged != err.Error() {
				logged = err.Error()
				r.log.Warn("attempts wait to be recorded", "attempts", len(items), "error", err)
			}
			if !r.pause(pause) {
				for _, item := range items {
					item.done <- recordReply{err: err}
				}
				return
			}
			made = false
			if postgres.IsMissingPartition(err) {
				pause = min(2*pause, maxPause)
			}
		}
	}
}

// pause waits before the next try, or reports false when a stop has
// ended the waiting.
func (r *recorder) pause(wait time.Duration) bool {
	select {
	case <-r.untilGivenUp.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

func stripped(a delivery.Attempt) delivery.Attempt {
	a.Stripped = true
	a.RequestHeaders, a.ResponseHeaders, a.Body, a.Sent.Body = nil, nil, nil, nil
	a.Error = "The answer could not be stored; only its facts are kept."
	return a
}

// recordOutcomes stores attempts and moves their deliveries in one transaction, and then
// tells those who wait.
func (r *recorder) recordOutcomes(items []*recordItem) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout) // a batch serves many callers
	defer cancel()
	results, err := r.recordAcks(ctx, items)
	if errors.Is(err, errNeedsLocks) || errors.Is(err, postgres.ErrChanged) {
		results, err = r.recordLocked(ctx, items)
	}
	if err != nil {
		for i, item := range items {
			item.maybeStored = true // a COMMIT of which no answer came may have happened
			if results != nil && !postgres.IsData(err) {
				item.decided = &results[i]
			}
		}
		return fmt.Errorf("record attempts: %w", err)
	}
	for i, item := range items {
		item.done <- recordReply{recorded: &results[i]}
		r.freed(item.attempt.DestinationID)
	}
	return nil
}

// recordAcks writes a batch of acks optimistically: it settles them on the deliveries as
// they were loaded before the attempts, and locks nothing. If a row has changed since,
// COMMIT fails with postgres.ErrChanged. If the batch has anything but first acks, the
// error is errNeedsLocks. In both cases nothing is stored.
func (r *recorder) recordAcks(ctx context.Context, items []*recordItem) ([]recordedAttempt, error) {
	state := postgres.DeliveryState{
		Deliveries: make(map[uuid.UUID]delivery.Delivery, len(items)),
		Healths:    map[uuid.UUID]delivery.Health{},
	}
	jobOf := make(map[uuid.UUID]int64, len(items))
	for _, item := range items {
		if item.attempt.Class != outbound.Acked || item.loaded.ID == uuid.Nil || item.maybeStored {
			return nil, errNeedsLocks
		}
		state.Deliveries[item.loaded.ID] = item.loaded
		jobOf[item.loaded.ID] = item.loaded.JobID
	}
	if len(state.Deliveries) < len(items) { // two of one delivery: COMMIT would refuse them too
		return nil, errNeedsLocks
	}
	results, outcome := r.decide(items, state)
	jobs := make([]int64, len(outcome.Deliveries))
	for i, dl := range outcome.Deliveries {
		jobs[i] = jobOf[dl.ID]
	}
	err := r.db.InTx(ctx, func(tx *postgres.Tx) error {
		tx.StoreAcks(outcome, jobs)
		return nil
	})
	return results, err
}

// recordLocked settles attempts on their deliveries and destinations as they are now,
// under locks.
func (r *recorder) recordLocked(ctx context.Context, items []*recordItem) (results []recordedAttempt, err error) {
	err = r.db.InTx(ctx, func(tx *postgres.Tx) error {
		state, err := tx.LockDeliveryState(ctx, deliveryIDs(items), destinationIDs(items), maybeStoredIDs(items))
		if err != nil {
			return err
		}
		var outcome postgres.Outcome
		results, outcome = r.decide(items, state)
		tx.Store(outcome)
		return nil
	})
	return results, err
}

// decide returns what attempts lead to: for each of them, and for the batch.
func (r *recorder) decide(items []*recordItem, state postgres.DeliveryState) ([]recordedAttempt, postgres.Outcome) {
	var (
		results = make([]recordedAttempt, len(items))
		out     = postgres.Outcome{Attempts: make([]delivery.Attempt, 0, len(items))}
		changed = map[uuid.UUID]bool{}
		judged  = map[uuid.UUID]bool{}
		sums    = map[span]*delivery.Stats{}
	)
	for i, item := range items {
		dl, there := state.Deliveries[item.attempt.DeliveryID]
		before := dl
		a, gone := item.attempt, false
		switch {
		case state.Stored[a.ID]: // by a try that got no answer: what that decided is yet to be told
			if item.decided != nil {
				results[i] = *item.decided
				continue
			}
		case a.Trigger == delivery.Test:
			out.Attempts = append(out.Attempts, a)
		case there:
			jobID := dl.JobID
			dl, a = delivery.Settle(dl, item.claim, a, item.wait)
			h := state.Healths[a.DestinationID]
			h.DestinationID = a.DestinationID
			h = h.After(a, item.mayHold, r.longest)
			if a.Counted && !dl.Status.Final() {
				dl = r.holdFailing(dl, h)
			}
			if jobID != 0 && dl.JobID == 0 {
				out.Jobs = append(out.Jobs, jobID)
				gone = jobID == item.claim.JobID
			}
			state.Deliveries[dl.ID], state.Healths[h.DestinationID] = dl, h
			changed[dl.ID], judged[h.DestinationID] = true, true
			if !a.Unstored {
				out.Attempts = append(out.Attempts, a)
			}
			sum(sums, a)
		}
		results[i] = recordedAttempt{a, before, dl, gone}
	}
	out.Deliveries = make([]delivery.Delivery, 0, len(changed))
	for _, id := range sorted(changed) {
		out.Deliveries = append(out.Deliveries, state.Deliveries[id])
	}
	for _, id := range sorted(judged) {
		out.Healths = append(out.Healths, state.Healths[id])
	}
	for of, s := range sums {
		out.Stats = append(out.Stats, postgres.DestinationStats{DestinationID: of.destinationID, Stats: *s})
	}
	slices.SortFunc(out.Stats, func(a, b postgres.DestinationStats) int {
		return cmp.Or(bytes.Compare(a.DestinationID[:], b.DestinationID[:]), a.Since.Compare(b.Since))
	})
	return results, out
}

// holdFailing holds a delivery whose attempt has failed, if its destination keeps
// failing. Every other reason is looked for when the delivery is due.
func (r *recorder) holdFailing(dl delivery.Delivery, h delivery.Health) delivery.Delivery {
	target := delivery.Target{State: destination.Active, Usable: true, Health: delivery.Health{HeldSince: h.HeldSince}}
	if reason := delivery.HoldReason(dl, target, r.now()); reason != "" {
		return dl.Hold(reason, r.now())
	}
	dl.HeldAt = time.Time{} // its probe came back to a destination that is healthy
	return dl
}

// span is ten minutes of a destination.
type span struct {
	destinationID uuid.UUID
	since         time.Time
}

func sum(sums map[span]*delivery.Stats, a delivery.Attempt) {
	if !a.Counted {
		return
	}
	at := span{a.DestinationID, a.StartedAt.Add(a.Duration).UTC().Truncate(delivery.StatsSpan)}
	if sums[at] == nil {
		sums[at] = &delivery.Stats{Since: at.since}
	}
	sums[at].Add(a)
}

// sorted returns ids in the order in which the database sorts them.
func sorted(ids map[uuid.UUID]bool) []uuid.UUID {
	return slices.SortedFunc(maps.Keys(ids), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
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

func destinationIDs(items []*recordItem) []uuid.UUID {
	ids := map[uuid.UUID]bool{}
	for _, item := range items {
		if item.attempt.Trigger != delivery.Test {
			ids[item.attempt.DestinationID] = true
		}
	}
	return sorted(ids)
}

func maybeStoredIDs(items []*recordItem) []uuid.UUID {
	var ids []uuid.UUID
	for _, item := range items {
		if item.maybeStored {
			ids = append(ids, item.attempt.ID)
		}
	}
	return ids
}

// partitionsFor makes the partitions that a batch needs, and reports whether they
// are there: an attempt is never lost for want of one.
func (r *recorder) partitionsFor(items []*recordItem) bool {
	times := make([]time.Time, len(items))
	for i, item := range items {
		sec, nsec := item.attempt.ID.Time().UnixTime()
		times[i] = time.Unix(sec, nsec)
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout) // a batch serves many callers
	defer cancel()
	return r.partitions.makeFor(ctx, times...)
}
