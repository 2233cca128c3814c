// Package delivery defines the promise to get one alert to one destination, and
// the pure rules of it: where an alert goes, what an outcome leads to, how long
// to wait.
package delivery

import (
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
	"belfry/internal/outbound"
)

// Status is how far a delivery has come. There is no status for a delivery that is
// being sent at this moment: only the queue knows that.
type Status string

// The statuses; the first three are open, the others final.
const (
	Queued    Status = "queued"
	Retrying  Status = "retrying"
	Held      Status = "held" // waits on purpose, with a reason; spends no attempt
	Delivered Status = "delivered"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Statuses returns every status, open ones first.
func Statuses() []Status { return []Status{Queued, Retrying, Held, Delivered, Failed, Cancelled} }

// Final reports whether nothing more happens unless a person asks for it.
func (s Status) Final() bool { return s == Delivered || s == Failed || s == Cancelled }

// RoutedBy says why a delivery exists.
type RoutedBy string

// How an alert came to a destination.
const (
	ByFilters  RoutedBy = "filters"  // the destination's filters take it
	ByOverride RoutedBy = "override" // the alert named the destination
	ByHand     RoutedBy = "manual"   // a person sent it
)

// Why says the same in a sentence.
func (r RoutedBy) Why() string {
	switch r {
	case ByOverride:
		return "The alert names this destination."
	case ByHand:
		return "A person sent the alert here."
	default:
		return "The destination's severities, alert types and log types include this alert's."
	}
}

// Trigger is what caused an attempt.
type Trigger string

// The triggers.
const (
	Automatic Trigger = "automatic"
	Resend    Trigger = "resend"
	SendNow   Trigger = "send_now"
	Test      Trigger = "test"
)

// Delivery is the promise to get one alert to one destination.
type Delivery struct {
	ID            uuid.UUID
	AlertID       uuid.UUID // the alert's row, not its alertId
	DestinationID uuid.UUID
	RoutedBy      RoutedBy
	Status        Status
	Reason        Reason
	Run           int
	Attempts      int   // counted, of the present run
	MaxAttempts   int   // budget of the present run
	Made          int   // every attempt stored, counted or not, of all runs
	Uncounted     int   // attempts in a row, up to now, that our own side cut short
	JobID         int64 // the one job that may act; 0 when held or final
	Priority      Priority
	DueAt         time.Time
	HeldAt        time.Time // since when it is held, probing included; else zero
	NextTrigger   Trigger   // of the next attempt
	NextBy        string    // who asked for it
	Waiting       Waiting
	LastAttemptID uuid.UUID
	LastClass     outbound.Class
	LastCode      int
	CreatedAt     time.Time
	FirstAckAt    time.Time // zero until acked; kept when a later run fails
	FinishedAt    time.Time
}

// Manual reports whether a person asked for the next attempt of this very
// delivery, which then goes out whatever its destination is held for.
func (d Delivery) Manual() bool { return d.NextTrigger != Automatic && d.Priority != Bulk }

// Priority says which of the deliveries that wait goes first: the lower one. The
// numbers are the queue's.
type Priority int

// The priorities.
const (
	First Priority = 1 // first attempts, and what one person asked for
	Late  Priority = 2 // retries
	Bulk  Priority = 4 // re-sends of many at once
)

// Attempt is one try at a delivery and what came back. It is never changed.
type Attempt struct {
	ID            uuid.UUID // made before sending, so that recording it twice adds nothing
	DeliveryID    uuid.UUID // zero for a test
	DestinationID uuid.UUID
	Run           int
	Number        int // 1, 2, 3 … over all runs
	Trigger       Trigger
	RequestedBy   string
	WaitReason    WaitReason    // why it was not made sooner
	Waited        time.Duration // since the attempt before; 0 when that is not known
	Counted       bool
	Stripped      bool // stored without body and headers, because storing them failed
	Unstored      bool // cut short by our own side like the one before, and not to be stored: see Settle
	// What of the answer is kept, by the destination's settings of then.
	ResponseStorage destination.ResponseStorage
	outbound.Result
}

// New returns a delivery that is due at once and still needs its job. budget is
// how many attempts its first run has.
func New(alertID, destinationID uuid.UUID, by RoutedBy, budget int, now time.Time) Delivery {
	return Delivery{
		ID:            uuid.Must(uuid.NewV7()),
		AlertID:       alertID,
		DestinationID: destinationID,
		RoutedBy:      by,
		Status:        Queued,
		Run:           1,
		MaxAttempts:   budget,
		Priority:      First,
		DueAt:         now,
		NextTrigger:   Automatic,
		CreatedAt:     now,
	}
}
