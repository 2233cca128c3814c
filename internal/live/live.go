// Package live tells those who look on what has changed, in whichever replica it
// did. Changes are gathered for a moment and travel by NOTIFY, so that a flood costs
// four notifications a second from each replica.
package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
)

// PublishEvery is how long changes are gathered: whoever runs a bus calls
// [Bus.Publish] so often.
const PublishEvery = 250 * time.Millisecond

const (
	channel     = "belfry_events"
	maxEvents   = 40          // published one by one; more become one event
	maxPayload  = 8000        // NOTIFY takes fewer bytes
	maxUnread   = 256         // events that a subscriber may be behind
	listenAgain = time.Second // after a connection that broke
	bulkEvery   = time.Second // events of one bulk re-send, at most
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
	ManyChanged        = "many" // too much to say, or something was missed
)

// Bus carries changes from those who make them, in any replica, to those who look
// on in this one.
type Bus struct {
	db  *postgres.DB
	log *slog.Logger
	now func() time.Time

	mu          sync.Mutex
	pending     []Event // to be published
	bulks       map[uuid.UUID]*bulkState
	subscribers map[chan Event]bool
	subscribed  chan struct{} // somebody has, perhaps for the first time
}

// bulkState is when a change of a bulk re-send was last published, and whether the
// re-send has changed since: it changes four times a second.
type bulkState struct {
	published time.Time
	changed   bool
}

// New returns a bus. What happens on it is up to who calls Publish and Listen.
func New(db *postgres.DB, log *slog.Logger, now func() time.Time) *Bus {
	return &Bus{
		db: db, log: log, now: now,
		bulks: map[uuid.UUID]*bulkState{}, subscribers: map[chan Event]bool{}, subscribed: make(chan struct{}, 1),
	}
}

// AlertAccepted says that an alert is ours.
func (b *Bus) AlertAccepted(alertID string) {
	b.add(Event{Kind: AlertAccepted, AlertID: alertID})
}

// DeliveryChanged says what has become of a delivery.
func (b *Bus) DeliveryChanged(alertID string, dl delivery.Delivery) {
	b.add(Event{
		Kind: DeliveryChanged, ID: dl.ID, AlertID: alertID, DestinationID: dl.DestinationID, Status: dl.Status, Reason: dl.Reason,
	})
}

// Changed says that a destination has changed: once, however often it does before
// that is published.
func (b *Bus) Changed(destinationID uuid.UUID) {
	ev := Event{Kind: DestinationChanged, ID: destinationID}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) <= maxEvents && !slices.Contains(b.pending, ev) {
		b.pending = append(b.pending, ev)
	}
}

// BulkResendChanged says that a bulk re-send has changed: once a second, however
// often it does.
func (b *Bus) BulkResendChanged(id uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bulks[id] == nil {
		b.bulks[id] = &bulkState{}
	}
	b.bulks[id].changed = true
}

// add puts an event among those to be published. One more than fit shows that there
// were too many.
func (b *Bus) add(ev Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) <= maxEvents {
		b.pending = append(b.pending, ev)
	}
}

// Publish tells all replicas what has changed in this one.
func (b *Bus) Publish(ctx context.Context) error {
	list := b.Take(b.now())
	if len(list) == 0 {
		return nil
	}
	payload, err := json.Marshal(list)
	if err != nil || len(payload) >= maxPayload {
		payload = []byte(`[{"kind":"many"}]`)
	}
	return b.db.Notify(ctx, channel, string(payload))
}

// Take returns what Publish would tell now, and forgets it.
func (b *Bus) Take(now time.Time) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.pending
	b.pending = nil
	for id, bulk := range b.bulks {
		switch {
		case now.Sub(bulk.published) < bulkEvery:
		case bulk.changed:
			taken = append(taken, Event{Kind: BulkResendChanged, ID: id})
			*bulk = bulkState{published: now}
		default:
			delete(b.bulks, id)
		}
	}
	if len(taken) > maxEvents {
		return []Event{{Kind: ManyChanged}}
	}
	return taken
}
