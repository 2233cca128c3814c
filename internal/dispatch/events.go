package dispatch

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
)

const (
	eventsChannel = "belfry_events"
	eventsEvery   = 250 * time.Millisecond // changes are gathered so long, and told together
	maxTold       = 40                     // events told one by one; more are told as one
	maxUnread     = 256                    // events that a subscriber may be behind
	listenAgain   = time.Second
	bulkToldEvery = time.Second // of one bulk re-send, at most
)

// Event is that something changed, for those who look at it. It is a hint to read
// again, never the only word: events may be missed, and then one of kind many
// says so.
type Event struct {
	Kind          string          `json:"kind"` // one of those below
	ID            uuid.UUID       `json:"id,omitzero"`
	AlertID       string          `json:"alertId,omitempty"`
	DestinationID uuid.UUID       `json:"destinationId,omitzero"`
	Status        delivery.Status `json:"status,omitempty"`
	Reason        delivery.Reason `json:"reason,omitempty"`
}

// The kinds of events.
const (
	AlertAccepted      = "alert"
	DeliveryChanged    = "delivery"
	DestinationChanged = "destination"
	BulkResendChanged  = "bulk_resend"
	ManyChanged        = "many" // too much to tell, or something was missed
)

// events carries changes from those who make them, in any replica, to those who
// look on. They travel by NOTIFY, gathered, so that a flood costs four a second.
type events struct {
	mu      sync.Mutex
	pending []Event
	bulks   map[uuid.UUID]*bulkNews
	subs    map[chan Event]bool
	someone chan struct{} // looks on for the first time
}

// bulkNews is when a bulk re-send was last told of, and whether it has changed
// since: it changes four times a second.
type bulkNews struct {
	told    time.Time
	changed bool
}

func newEvents() *events {
	return &events{bulks: map[uuid.UUID]*bulkNews{}, subs: map[chan Event]bool{}, someone: make(chan struct{}, 1)}
}

// add puts a change among those to be told next.
func (e *events) add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.pending) <= maxTold {
		e.pending = append(e.pending, ev)
	}
}

// addOnce is add for a change that says nothing of what has become.
func (e *events) addOnce(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.pending) <= maxTold && !slices.Contains(e.pending, ev) {
		e.pending = append(e.pending, ev)
	}
}

// addBulk puts a change of a bulk re-send among those to be told.
func (e *events) addBulk(id uuid.UUID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bulks[id] == nil {
		e.bulks[id] = &bulkNews{}
	}
	e.bulks[id].changed = true
}

// take returns what is to be told.
func (e *events) take(now time.Time) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.pending
	e.pending = nil
	for id, news := range e.bulks {
		switch {
		case now.Sub(news.told) < bulkToldEvery:
		case news.changed:
			taken = append(taken, Event{Kind: BulkResendChanged, ID: id})
			*news = bulkNews{told: now}
		default:
			delete(e.bulks, id)
		}
	}
	if len(taken) > maxTold {
		return []Event{{Kind: ManyChanged}}
	}
	return taken
}

// Subscribe returns what changes from now on, in all replicas. The channel is
// closed when the subscriber is too slow or when cancel is called.
func (d *Dispatcher) Subscribe() (changes <-chan Event, cancel func()) {
	e := d.events
	ch := make(chan Event, maxUnread)
	e.mu.Lock()
	e.subs[ch] = true
	e.mu.Unlock()
	select {
	case e.someone <- struct{}{}:
	default:
	}
	return ch, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.drop(ch)
	}
}

// drop ends a subscription. e.mu is held.
func (e *events) drop(ch chan Event) {
	if e.subs[ch] {
		delete(e.subs, ch)
		close(ch)
	}
}

// tell hands an event to all subscribers and ends those that do not keep up.
func (e *events) tell(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for ch := range e.subs {
		select {
		case ch <- ev:
		default:
			e.drop(ch)
		}
	}
}

func (e *events) watched() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.subs) > 0
}

// Changed tells those who look on that a destination has changed: once, however
// often it does before they are told.
func (d *Dispatcher) Changed(destinationID uuid.UUID) {
	d.events.addOnce(Event{Kind: DestinationChanged, ID: destinationID})
}

func (d *Dispatcher) deliveryChanged(alertID string, dl delivery.Delivery) {
	d.events.add(Event{
		Kind: DeliveryChanged, ID: dl.ID, AlertID: alertID, DestinationID: dl.DestinationID, Status: dl.Status, Reason: dl.Reason,
	})
}

// publish tells all replicas what changed in this one.
func (d *Dispatcher) publish(ctx context.Context) error {
	list := d.events.take(d.Now())
	if len(list) == 0 {
		return nil
	}
	payload, err := json.Marshal(list)
	if err != nil || len(payload) >= 8000 {
		payload = []byte(`[{"kind":"many"}]`)
	}
	return d.DB.Notify(ctx, eventsChannel, string(payload))
}

// listen hears what changed in any replica, as long as somebody here looks on.
func (d *Dispatcher) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.events.someone:
		}
		for d.events.watched() && ctx.Err() == nil {
			err := d.DB.Listen(ctx, eventsChannel, func() { d.events.tell(Event{Kind: ManyChanged}) }, d.heard)
			if ctx.Err() != nil {
				return
			}
			d.Log.WarnContext(ctx, "events missed", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(listenAgain):
			}
		}
	}
}

func (d *Dispatcher) heard(payload string) {
	var list []Event
	if json.Unmarshal([]byte(payload), &list) != nil {
		list = []Event{{Kind: ManyChanged}} // a newer replica's
	}
	for _, ev := range list {
		d.events.tell(ev)
	}
}
