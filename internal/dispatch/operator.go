package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/invalid"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

var (
	// ErrOpen is returned for a re-send of a delivery that waits for its next
	// attempt: send it now, or cancel it.
	ErrOpen = errors.New("the delivery is still open")

	// ErrFinal is returned for what only an open delivery can do.
	ErrFinal = errors.New("the delivery is final")

	// ErrDelivered is returned for a re-send of a delivered one that does not say
	// "again".
	ErrDelivered = errors.New("the delivery was delivered")

	// ErrDestinationDeleted is returned when nothing can be sent any more.
	ErrDestinationDeleted = errors.New("the destination is deleted")
)

// By says who asks, for the record.
type By struct {
	Name      string
	RequestID string
}

// operator does what a person asks for with a single delivery, alert or destination.
type operator struct{ operatorParts }

// operatorParts is what an operator needs.
type operatorParts struct {
	log         *slog.Logger
	now         func() time.Time
	waits       delivery.Waits
	timeout     time.Duration // of an attempt
	client      *outbound.Client
	link        func(alertID string) string
	tests       *prometheus.CounterVec // by class
	tx          *transactions
	transitions *transitions
	recorder    *recorder
	limiter     *limiter.Limiter

	runsLocally func() bool // whether this process works the jobs that it makes
	share       int         // deliveries of a destination that may be due if other processes work them
}

// Resend opens a new run of a delivery. Several clicks open one: when run is not
// 0 it must be the present run, else nothing is done; and while the new run has
// not been tried, a further click changes nothing. A delivered one needs again.
func (o *operator) Resend(ctx context.Context, id uuid.UUID, run int, again bool, by By) (postgres.DeliveryView, error) {
	return o.changeOne(ctx, id, "delivery.resend", by, func(tx *postgres.Tx, dl delivery.Delivery) (delivery.Delivery, error) {
		switch {
		case run != 0 && run != dl.Run, dl.Status == delivery.Queued, awaitsRoom(dl) && dl.Attempts == 0:
			return dl, nil // clicked twice
		case dl.Status == delivery.Retrying, awaitsRoom(dl):
			return dl, ErrOpen
		case dl.Status == delivery.Delivered && !again:
			return dl, ErrDelivered
		}
		next := dl.Reopen(by.Name, o.waits.Budget(), o.now())
		err := tx.OpenRun(ctx, dl, postgres.Run{
			Run: next.Run, Trigger: delivery.Resend, RequestedBy: by.Name, OpenedAt: next.DueAt, MaxAttempts: next.MaxAttempts,
		})
		return next, err
	})
}

// SendNow brings the next attempt of a waiting or held delivery forward to now.
// While an attempt is in flight it changes nothing.
func (o *operator) SendNow(ctx context.Context, id uuid.UUID, by By) (postgres.DeliveryView, error) {
	return o.changeOne(ctx, id, "delivery.send_now", by, func(tx *postgres.Tx, dl delivery.Delivery) (delivery.Delivery, error) {
		if dl.Status.Final() {
			return dl, ErrFinal
		}
		if dl.JobID != 0 && !dl.DueAt.After(o.now()) || awaitsRoom(dl) {
			return dl, nil // due already: its job runs or is about to
		}
		return dl.SendNow(by.Name, o.now()), nil
	})
}

// awaitsRoom reports whether a person asked for a delivery that is held until there is
// room for it, or until it can be sent at all.
func awaitsRoom(dl delivery.Delivery) bool {
	return dl.Status == delivery.Held && dl.Manual() && dl.Reason != delivery.OurSide
}

// Cancel ends an open delivery. Cancelled twice is cancelled once.
func (o *operator) Cancel(ctx context.Context, id uuid.UUID, by By) (postgres.DeliveryView, error) {
	return o.changeOne(ctx, id, "delivery.cancel", by, func(_ *postgres.Tx, dl delivery.Delivery) (delivery.Delivery, error) {
		switch {
		case dl.Status == delivery.Cancelled:
			return dl, nil
		case dl.Status.Final():
			return dl, ErrFinal
		}
		return dl.Cancel(delivery.ByPerson, o.now()), nil
	})
}

// changeOne changes one delivery under its lock, gives it a new job if it needs
// one, and writes the audit log. change returns the delivery as it was when
// there is nothing to do.
func (o *operator) changeOne(ctx context.Context, id uuid.UUID, action string, by By,
	change func(*postgres.Tx, delivery.Delivery) (delivery.Delivery, error),
) (postgres.DeliveryView, error) {
	var v postgres.DeliveryView // as it is committed: a moment later it may be another
	err := o.tx.operatorTx(ctx, func(tx *postgres.Tx) error {
		dl, err := tx.LockDelivery(ctx, id)
		if err != nil {
			return err
		}
		next, err := change(tx, dl)
		if err != nil {
			return err
		}
		if next == dl {
			v, err = tx.Delivery(ctx, id)
			return err
		}
		t, err := tx.Destination(ctx, dl.DestinationID)
		switch {
		case errors.Is(err, postgres.ErrNotFound) && !next.Status.Final():
			return ErrDestinationDeleted
		case err != nil && !errors.Is(err, postgres.ErrNotFound):
			return err
		}
		out := &postgres.Outgoing{Delivery: dl, Destination: t}
		if next, err = o.holdManual(ctx, tx, next, t); err != nil {
			return err
		}
		err = o.transitions.change(ctx, tx, byPerson, []*postgres.Outgoing{out}, func(delivery.Delivery) delivery.Delivery { return next })
		if err != nil {
			return err
		}
		if v, err = tx.Delivery(ctx, id); err != nil {
			return err
		}
		out.Alert.AlertID = v.AlertID
		return tx.Audit(ctx, postgres.Entry{
			At: o.now(), Actor: by.Name, Action: action, SubjectType: "delivery", SubjectID: id.String(),
			Detail: map[string]any{"alertId": v.AlertID, "run": next.Run, "statusBefore": dl.Status}, RequestID: by.RequestID,
		})
	})
	if err != nil {
		return postgres.DeliveryView{}, fmt.Errorf("%s %s: %w", action, id, err)
	}
	return v, nil
}

// holdManual returns what a person asked for as it can be stored. Where it cannot go at
// once it is held, and released before all others: what has no room must not fill the
// queue, nor keep workers busy that wait for some.
func (o *operator) holdManual(ctx context.Context, tx *postgres.Tx, next delivery.Delivery, t destination.Destination) (delivery.Delivery, error) {
	if next.Status.Final() {
		return next, nil
	}
	// No health is read: it never holds what a person asked for. Room is looked for only if
	// nothing else holds the delivery, because that may take a query.
	target := delivery.TargetOf(t, delivery.Health{})
	if delivery.HoldReason(next, target, o.now()) == "" {
		room, err := o.roomFor(ctx, tx, t)
		if err != nil {
			return next, err
		}
		target.Full = room <= 0
	}
	if reason := delivery.HoldReason(next, target, o.now()); reason != "" {
		next = next.Hold(reason, o.now())
	}
	return next, nil
}

// roomFor returns how many more deliveries a destination can take.
func (o *operator) roomFor(ctx context.Context, tx *postgres.Tx, t destination.Destination) (int, error) {
	if o.runsLocally() {
		return o.limiter.Room(t.ID, t.Limits, releasedBacklog), nil
	}
	due, err := tx.Due(ctx, t.ID, o.share)
	return o.share - due, err
}

// SendTo sends an accepted alert to destinations that a person chose. Where the
// alert has gone already, its delivery is returned as it stands.
func (o *operator) SendTo(ctx context.Context, alertID string, destinationIDs []uuid.UUID, by By) ([]postgres.DeliveryView, error) {
	var of []postgres.DeliveryView // as they are committed
	err := o.tx.operatorTx(ctx, func(tx *postgres.Tx) error {
		a, err := tx.LockAlert(ctx, alertID)
		if err != nil {
			return err
		}
		if of, err = deliveriesOfAlert(ctx, tx, a.ID); err != nil {
			return err
		}
		fresh, err := o.manualDeliveries(ctx, tx, a, of, destinationIDs, by)
		if err != nil {
			return err
		}
		if len(fresh) == 0 {
			return nil
		}
		if err := o.transitions.create(ctx, tx, byPerson, fresh); err != nil {
			return err
		}
		if of, err = deliveriesOfAlert(ctx, tx, a.ID); err != nil {
			return err
		}
		return tx.Audit(ctx, postgres.Entry{
			At: o.now(), Actor: by.Name, Action: "alert.send", SubjectType: "alert", SubjectID: alertID,
			Detail: map[string]any{"destinationIds": destinationIDs}, RequestID: by.RequestID,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("send alert %q: %w", alertID, err)
	}
	var views []postgres.DeliveryView
	for _, id := range destinationIDs {
		for _, v := range of {
			if v.DestinationID == id {
				views = append(views, v)
			}
		}
	}
	return views, nil
}

// manualDeliveries returns new deliveries of an alert, to those of the destinations to
// which it has not gone yet.
func (o *operator) manualDeliveries(ctx context.Context, tx *postgres.Tx, a postgres.AcceptedAlert, of []postgres.DeliveryView, to []uuid.UUID, by By) ([]*postgres.Outgoing, error) {
	has := map[uuid.UUID]bool{}
	for _, v := range of {
		has[v.DestinationID] = true
	}
	healths, err := tx.Healths(ctx, to)
	if err != nil {
		return nil, err
	}
	var fresh []*postgres.Outgoing
	for i, id := range to {
		t, err := tx.Destination(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil, invalid.FieldErrors{{Field: fmt.Sprintf("destinationIds[%d]", i), Code: invalid.CodeConflict, Message: "is not a destination"}}
		}
		if err != nil {
			return nil, err
		}
		if !has[id] {
			has[id] = true
			fresh = append(fresh, &postgres.Outgoing{
				Alert:       postgres.AcceptedAlert{Alert: alert.Alert{AlertID: a.AlertID}}, // the rest is loaded when it goes
				Destination: t, Delivery: o.manualDelivery(a, delivery.TargetOf(t, healths[id]), id, by),
			})
		}
	}
	return fresh, nil
}

func deliveriesOfAlert(ctx context.Context, tx *postgres.Tx, alertID uuid.UUID) ([]postgres.DeliveryView, error) {
	of, err := tx.DeliveriesOf(ctx, []uuid.UUID{alertID})
	return of[alertID], err
}

// manualDelivery returns a new delivery that a person asked for. Like every other one it
// waits while its destination is paused or keeps failing.
func (o *operator) manualDelivery(a postgres.AcceptedAlert, t delivery.Target, to uuid.UUID, by By) delivery.Delivery {
	dl := delivery.New(a.ID, to, delivery.ByHand, o.waits.Budget(), o.now())
	dl.NextBy = by.Name
	if reason := delivery.HoldReason(dl, t, o.now()); reason != "" {
		dl = dl.Hold(reason, o.now())
	}
	return dl
}

// Test sends the sample alert to a destination, now and once, and returns the
// attempt whatever came of it. Filters, pauses and holds do not matter. The
// attempt is stored only if the destination is: where it cannot be, because too
// many wait for that already, nothing is sent and ErrUnavailable returned.
func (o *operator) Test(ctx context.Context, t destination.Destination, severity alert.Severity, typ alert.Type, by By) (delivery.Attempt, []byte, error) {
	if t.ID != uuid.Nil {
		soon, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		if !o.recorder.reserveTest(soon) {
			return delivery.Attempt{}, nil, fmt.Errorf("send test: %w", ErrUnavailable)
		}
		defer o.recorder.freeTest()
	}
	now := o.now()
	sample := alert.Sample(severity, typ)
	sample.CreatedAt, sample.AlertID = now.UTC().Truncate(time.Millisecond), alert.NewAlertID()
	sample.Link = o.link(sample.AlertID)
	body, err := sample.Payload()
	if err != nil {
		return delivery.Attempt{}, nil, fmt.Errorf("write sample alert: %w", err)
	}
	a := delivery.Attempt{
		ID: uuid.Must(uuid.NewV7()), DestinationID: t.ID, Run: 1, Number: 1, Trigger: delivery.Test, RequestedBy: by.Name,
		ResponseStorage: t.ResponseStorage,
	}
	a.Result = destination.Send(ctx, o.client, t.Settings, destination.Message{
		ID: a.ID, Alert: sample, Attempt: 1, Test: true, SentAt: now, Keys: t.Signing.Keys(now),
	})
	a.Result = a.ResponseStorage.Keep(a.Result)
	o.tests.WithLabelValues(string(a.Class)).Inc()
	o.log.InfoContext(ctx, "test sent", "destination_id", t.ID, "destination_type", t.Type, "class", a.Class,
		"status_code", a.StatusCode, "duration_ms", a.Duration.Milliseconds(), "error", a.Error, "request_id", by.RequestID)
	if t.ID == uuid.Nil {
		return a, body, nil
	}
	if _, err := o.recorder.record(recordItem{attempt: a}); err != nil {
		return a, body, err
	}
	return a, body, nil
}
