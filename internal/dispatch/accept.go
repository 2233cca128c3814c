package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/postgres"
)

const (
	maxWaiting      = 8192           // alerts that wait to be stored
	maxWaitingBytes = 64 << 20       // of all of them together
	maxDeliveries   = 1000           // in one transaction: more take memory and win nothing
	maxBatchAlerts  = 1000           // alerts of batches that are routed and prepared together
	maxSmallCall    = 16             // alerts in a call: one with more is a batch, which can wait a little
	batchChunk      = limiter.AtOnce // deliveries of batches in one transaction: more come late, and all at once
	smallChunk      = 25             // the same while there are small calls too
	maxWaitingCall  = 1 << 20        // bytes of a call that waits for room: a larger one would keep others from being read
	commitTimeout   = 10 * time.Second

	// newBacklog is how long the backlog of a destination may last for new deliveries to
	// join it. Beyond that they are held from the start.
	newBacklog = limiter.WorkerWait / 4
)

// ErrAlertConflict is returned when an alertId was accepted before with another
// input.
var ErrAlertConflict = errors.New("this alertId was accepted before with another input")

// ErrStopping is returned when this process takes no more alerts because it stops:
// nothing was accepted.
var ErrStopping = errors.New("belfry is stopping")

// Accepted is an alert that is ours.
type Accepted struct {
	Alert      postgres.AcceptedAlert
	Deliveries []postgres.DeliveryView
	Repeated   bool // it had been accepted before; nothing is new
}

// Result is what became of one alert handed to Accept.
type Result struct {
	Accepted
	Err error // ErrAlertConflict, ErrOverloaded, ErrStopping, ErrUnavailable or a fault of ours
}

// acceptItem is one alert on its way into a transaction.
type acceptItem struct {
	in    alert.Parsed
	by    string
	bytes int64
	alert postgres.AcceptedAlert
	route delivery.Decision
	among *postgres.Routing  // the destinations that it was routed among
	call  *limiter.Admission // nil: it did not wait for room
	done  chan Result
}

// Accept stores alerts with their deliveries and jobs. An alert whose result has
// no error is ours: it survives whatever happens next. Alerts of many callers
// share transactions, but each is accepted or refused on its own.
func (g *ingest) Accept(ctx context.Context, by string, alerts []alert.Parsed) []Result {
	batcher := g.smallCalls
	if len(alerts) > maxSmallCall {
		batcher = g.batches
	}
	results := make([]Result, len(alerts))
	items := make([]*acceptItem, len(alerts))
	for i, in := range alerts {
		items[i] = &acceptItem{in: in, by: by, done: make(chan Result, 1)}
		items[i].bytes = int64(1024 + in.Alert.Size())
	}
	defer g.admit(ctx, items)()
	for i, item := range items {
		if g.waiting.Add(item.bytes) > g.maxWaiting || !batcher.TryAdd(item) {
			g.waiting.Add(-item.bytes)
			results[i].Err = ErrOverloaded
			if batcher.Closed() {
				results[i].Err = ErrStopping
			}
			items[i] = nil
		}
	}
	for i, item := range items {
		if item == nil {
			continue
		}
		select {
		case results[i] = <-item.done:
		case <-ctx.Done():
			results[i].Err = ctx.Err()
		}
	}
	return results
}

// admit waits a moment if a call's alerts are for quick destinations that have more
// before them than they can take at once. Otherwise the deliveries would be held first
// and released afterwards, which costs a quarter to a third more CPU for each. The
// caller says when its alerts have arrived.
func (g *ingest) admit(ctx context.Context, items []*acceptItem) (arrived func()) {
	among := g.routing.Load()
	if among == nil || !g.runsLocally() {
		return func() {}
	}
	wants, bytes := map[uuid.UUID]int{}, int64(0)
	for _, item := range items {
		bytes += item.bytes
		item.routeBy(among)
		for _, t := range item.route.To {
			if t.State != destination.Paused {
				wants[t.ID]++
			}
		}
	}
	wait := limiter.WorkerWait
	switch {
	case bytes > maxWaitingCall:
		wait = 0
	case len(items) > maxSmallCall:
		wait = 2 * limiter.BacklogWait
	}
	call := g.limiter.Admit(ctx, wants, wait)
	for _, item := range items {
		item.call = call
	}
	return call.Arrived
}

// commitSmall accepts the alerts of small calls.
func (g *ingest) commitSmall(items []*acceptItem) {
	g.lastSmall.Store(g.now().UnixNano())
	g.commitAccepts(items, maxDeliveries)
}

// commitBatches accepts the alerts of calls with many. While there are small calls too,
// it commits a few deliveries at a time, so that they get their turn in between: a flood
// in batches must not delay an alert that comes alone.
func (g *ingest) commitBatches(items []*acceptItem) {
	most := batchChunk
	if g.now().UnixNano()-g.lastSmall.Load() < int64(time.Second) {
		most = smallChunk
	}
	g.commitAccepts(items, most)
}

// commitAccepts is the one place where alerts become ours, with at most so many
// deliveries in one transaction. Items go in the order of their alertIds, so that two
// replicas cannot deadlock.
func (g *ingest) commitAccepts(items []*acceptItem, most int) {
	if g.cluster.Lapsed() {
		g.refuse(items, errors.New("no heartbeat"))
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout) // a commit serves many callers
	defer cancel()
	if g.reroute.Swap(false) || g.routing.Load() == nil {
		if err := g.readRouting(ctx); err != nil {
			g.reroute.Store(true) // for the next commit
			g.refuse(items, err)
			return
		}
	}
	now := g.now().UTC().Truncate(time.Microsecond) // what the database can hold
	for _, item := range items {
		item.prepare(now, g.link)
	}
	slices.SortStableFunc(items, func(a, b *acceptItem) int {
		return strings.Compare(a.in.Alert.AlertID, b.in.Alert.AlertID)
	})
	for len(items) > 0 {
		n := g.route(items, most)
		g.committing <- struct{}{} // a channel is fair: the batcher that has waited for longer goes first
		g.commitChunk(ctx, items[:n], now)
		<-g.committing
		items = items[n:]
	}
}

// prepare fills in what the producer left out.
func (item *acceptItem) prepare(now time.Time, link func(string) string) {
	item.in.Fill(now, alert.NewAlertID, link)
	a := item.in.Alert
	a.ID, a.AcceptedAt = uuid.Must(uuid.NewV7()), now
	a.KeepPayload()
	item.alert = postgres.AcceptedAlert{Alert: a, AcceptedBy: item.by}
}

// route decides where items go, until they have most deliveries together, and returns how
// many items that is: at least one.
func (g *ingest) route(items []*acceptItem, most int) int {
	among, deliveries := g.routing.Load(), 0
	for n, item := range items {
		item.routeBy(among)
		if deliveries += len(item.route.To); n > 0 && deliveries > most {
			return n
		}
	}
	return len(items)
}

func (item *acceptItem) routeBy(among *postgres.Routing) {
	if item.among != among {
		item.among, item.route = among, among.Route(item.in.Alert)
	}
	item.alert.Unrouted, item.alert.Unknown = item.route.Unrouted, item.route.Unknown
}

// readRouting reads what alerts are routed by. It is kept until a transaction that
// accepts some finds that a destination has changed.
func (g *ingest) readRouting(ctx context.Context) error {
	r, err := g.db.Routing(ctx)
	if err == nil {
		g.routing.Store(&r)
	}
	return err
}

// errRouting says that a destination has changed since alerts were routed.
var errRouting = errors.New("a destination has changed since the alerts were routed")

// commitChunk writes items in one transaction. If the database refuses the data, each item
// goes alone, so that one bad item does not spoil the others.
func (g *ingest) commitChunk(ctx context.Context, items []*acceptItem, now time.Time) {
	results, taken, err := g.store(ctx, items, now)
	for try := 1; errors.Is(err, errRouting) || g.txs.jobTaken(ctx, err, try); try++ {
		if err = g.readRouting(ctx); err == nil {
			g.route(items, math.MaxInt)
			results, taken, err = g.store(ctx, items, now)
		}
	}
	switch {
	case err == nil:
		for i, item := range items {
			if results[i].Alert.ID != uuid.Nil { // otherwise its alertId was taken
				g.answer(item, results[i])
			}
		}
		g.answerRepeats(ctx, taken)
	case postgres.IsData(err) && !postgres.IsJobTaken(err) && len(items) > 1:
		for _, item := range items {
			g.commitChunk(ctx, []*acceptItem{item}, now)
		}
	default:
		g.refuse(items, err)
	}
}

func (g *ingest) refuse(items []*acceptItem, err error) {
	if !postgres.IsData(err) || postgres.IsJobTaken(err) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for _, item := range items {
		g.answer(item, Result{Err: fmt.Errorf("accept alert %q: %w", item.in.Alert.AlertID, err)})
	}
}

func (g *ingest) answer(item *acceptItem, r Result) {
	g.waiting.Add(-item.bytes)
	if r.Err == nil && !r.Repeated {
		g.metrics.accepted.Inc()
		g.unrouted.note(r.Alert)
		if len(r.Alert.Altered) > 0 {
			g.metrics.altered.Inc()
		}
		g.events.AlertAccepted(r.Alert.AlertID)
	}
	item.done <- r
}

// store writes alerts, deliveries and jobs, all or nothing. Items whose alertId was taken
// have no result yet.
func (g *ingest) store(ctx context.Context, items []*acceptItem, now time.Time) (results []Result, taken []*acceptItem, err error) {
	results = make([]Result, len(items))
	err = g.db.InTx(ctx, func(tx *postgres.Tx) error {
		in, rooms, err := g.insert(ctx, tx, items)
		if err != nil {
			return err
		}
		taken = taken[:0]
		var fresh []*postgres.Outgoing
		for i, item := range items {
			if !in.Stored[item.alert.ID] {
				taken = append(taken, item)
				continue
			}
			results[i].Alert = item.alert
			fresh = append(fresh, g.newDeliveries(item, in.Queues, rooms, now)...)
		}
		if err := g.transitions.create(ctx, tx, byAccept, fresh); err != nil {
			return err
		}
		for i := range results {
			n := 0
			for n < len(fresh) && fresh[n].Alert.ID == results[i].Alert.ID {
				n++
			}
			results[i].Deliveries, fresh = items[i].views(fresh[:n]), fresh[n:]
		}
		return nil
	})
	if err != nil {
		return results, nil, err
	}
	return results, taken, nil
}

// firsts returns the alerts, each alertId once, because one INSERT must not have an alertId
// twice.
func firsts(items []*acceptItem) []postgres.AcceptedAlert {
	alerts := make([]postgres.AcceptedAlert, 0, len(items))
	for _, item := range items {
		if n := len(alerts); n == 0 || alerts[n-1].AlertID != item.alert.AlertID {
			alerts = append(alerts, item.alert)
		}
	}
	return alerts
}

// share is how many deliveries to one destination may be due in the queue, if other
// processes work them. What exceeds it is held, so that one destination's flood cannot
// fill the queue that all share.
func (g *ingest) share() int { return max(8, g.workers/2) }

// insert stores alerts, and returns also how many new deliveries each destination can
// take before more are held. Its error is errRouting if destinations have changed since
// the alerts were routed.
func (g *ingest) insert(ctx context.Context, tx *postgres.Tx, items []*acceptItem) (in postgres.Insertion, rooms map[uuid.UUID]int, err error) {
	local := g.runsLocally()
	limit := g.share()
	if local {
		limit = 0 // this process knows from its limiter what waits
	}
	in, err = tx.InsertAlerts(ctx, firsts(items), targets(items), limit)
	if err == nil && in.Routing != items[0].among.Version {
		err = errRouting
	}
	return in, g.rooms(in.Queues, local), err
}

// rooms returns how many more deliveries each destination can take.
func (g *ingest) rooms(queues map[uuid.UUID]postgres.DestinationQueue, local bool) map[uuid.UUID]int {
	rooms := make(map[uuid.UUID]int, len(queues))
	for id, queue := range queues {
		switch {
		case local:
			rooms[id] = g.limiter.Room(id, queue.Destination.Limits, newBacklog)
		default:
			rooms[id] = g.share() - queue.Due
		}
	}
	return rooms
}

// targets returns the destinations that alerts go to, each once.
func targets(items []*acceptItem) []uuid.UUID {
	ids := map[uuid.UUID]bool{}
	for _, item := range items {
		for _, t := range item.route.To {
			ids[t.ID] = true
		}
	}
	return sorted(ids)
}

// newDeliveries returns an alert's new deliveries: queued as far as their destinations
// have room, and held from the start otherwise. They still need their jobs.
func (g *ingest) newDeliveries(item *acceptItem, queues map[uuid.UUID]postgres.DestinationQueue, rooms map[uuid.UUID]int, now time.Time) []*postgres.Outgoing {
	outs := make([]*postgres.Outgoing, len(item.route.To))
	for i, t := range item.route.To {
		queue := queues[t.ID]
		out := &postgres.Outgoing{
			Delivery: delivery.New(item.alert.ID, t.ID, item.route.By, g.budget, now), Alert: item.alert,
			Destination: queue.Destination, Health: queue.Health, Misconfigured: queue.Misconfigured,
		}
		target := delivery.TargetOf(queue.Destination, queue.Health)
		target.Full = queue.Busy || rooms[t.ID] <= 0 && !item.call.Has(t.ID)
		if reason := delivery.HoldReason(out.Delivery, target, now); reason != "" {
			out.Delivery = out.Delivery.Hold(reason, now)
		} else {
			rooms[t.ID]--
		}
		outs[i] = out
	}
	return outs
}

func (item *acceptItem) views(fresh []*postgres.Outgoing) []postgres.DeliveryView {
	views := make([]postgres.DeliveryView, len(fresh))
	for i, out := range fresh {
		t := item.route.To[i]
		views[i] = postgres.DeliveryView{
			Delivery: out.Delivery, AlertID: item.alert.AlertID, AlertTitle: item.alert.Title,
			AlertSeverity: string(item.alert.Severity), AlertType: string(item.alert.Type),
			DestinationName: t.DisplayName, DestinationType: t.Type,
		}
	}
	return views
}

// answerRepeats answers for alertIds that were taken: with the stored alert if the input
// is the same, and with a conflict if it is not. The alerts that were stored with them in
// one transaction are ours already, even if this fails.
func (g *ingest) answerRepeats(ctx context.Context, taken []*acceptItem) {
	if len(taken) == 0 {
		return
	}
	found, of, err := g.readRepeats(ctx, taken)
	if err != nil {
		g.refuse(taken, err)
		return
	}
	for _, item := range taken {
		a, ok := found[item.alert.AlertID]
		r := Result{Accepted: Accepted{Alert: a, Deliveries: of[a.ID], Repeated: true}}
		switch {
		case !ok: // dropped by retention since the INSERT met it
			r = Result{Err: fmt.Errorf("accept alert: %w", ErrUnavailable)}
		case !slices.Equal(a.InputHash, item.alert.InputHash):
			r = Result{Err: ErrAlertConflict}
		}
		g.answer(item, r)
	}
}

func (g *ingest) readRepeats(ctx context.Context, taken []*acceptItem) (map[string]postgres.AcceptedAlert, map[uuid.UUID][]postgres.DeliveryView, error) {
	alertIDs := make([]string, len(taken))
	for i, item := range taken {
		alertIDs[i] = item.alert.AlertID
	}
	found, err := g.db.AlertsByAlertID(ctx, alertIDs)
	if err != nil {
		return nil, nil, err
	}
	var ids []uuid.UUID
	for _, a := range found {
		ids = append(ids, a.ID)
	}
	of, err := g.db.DeliveriesOf(ctx, ids)
	return found, of, err
}

// acceptOurs stores an alert of our own in a transaction of the caller's, with its
// deliveries to where it was routed.
func (g *ingest) acceptOurs(ctx context.Context, tx *postgres.Tx, among *postgres.Routing, ours postgres.AcceptedAlert, route delivery.Decision) error {
	item := &acceptItem{among: among, route: route, alert: ours}
	in, rooms, err := g.insert(ctx, tx, []*acceptItem{item})
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { g.unrouted.note(ours) })
	return g.transitions.create(ctx, tx, byAccept, g.newDeliveries(item, in.Queues, rooms, ours.AcceptedAt))
}
