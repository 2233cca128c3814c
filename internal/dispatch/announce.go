package dispatch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// announce tells the other destinations, by an alert of our own, that one has
// stopped answering or answers again. What has been told is written with the
// alert: one alert for each change, whoever sends it, and a change that was
// undone before anyone looked is none.
func (d *Dispatcher) announce(ctx context.Context) error {
	ids, err := d.DB.ToAnnounce(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		err := d.DB.InTx(ctx, func(tx *postgres.Tx) error { return d.announceOne(ctx, tx, id) })
		if ignore(err, postgres.ErrLocked) != nil {
			failed = errors.Join(failed, fmt.Errorf("announce destination %s: %w", id, err))
		}
	}
	return failed
}

func (d *Dispatcher) announceOne(ctx context.Context, tx *postgres.Tx, id uuid.UUID) error {
	h, err := tx.LockHealth(ctx, id)
	if err != nil {
		return err
	}
	if changed, err := tx.Announce(ctx, id, !h.Answering()); err != nil || !changed {
		return err
	}
	among, err := tx.Routing(ctx)
	if err != nil {
		return err
	}
	all := among.All
	i := slices.IndexFunc(all, func(t destination.Destination) bool { return t.ID == id })
	if i < 0 {
		return nil // deleted meanwhile
	}
	about := all[i]
	now := d.Now().UTC().Truncate(time.Microsecond)
	a := systemAlert(about, h, now)
	a.Link = d.Link(a.AlertID)
	// Never to itself: it could not be told, and would be told of that.
	route := delivery.Route(a, slices.Delete(all, i, i+1))
	item := &acceptItem{among: &among, route: route, alert: postgres.AcceptedAlert{Alert: a, AcceptedBy: "belfry", Nowhere: route.Nowhere}}
	in, rooms, err := d.insert(ctx, tx, []*acceptItem{item})
	if err != nil {
		return err
	}
	d.Log.WarnContext(ctx, "destination health changed", "destination_id", id, "answering", h.Answering(), "alert_id", a.AlertID)
	d.Changed(id)
	return d.promise(ctx, tx, d.inLine(item, in.Lines, rooms, now))
}

// systemAlert says that a destination stopped answering, or that it answers
// again. Like what the seeds' product sends, its id is ALERT_DELIVERY.
func systemAlert(about destination.Destination, h delivery.Health, now time.Time) alert.Alert {
	a := alert.Alert{
		ID: uuid.Must(uuid.NewV7()), AlertID: alert.NewAlertID(), DetectionID: "ALERT_DELIVERY",
		CreatedAt: now, AcceptedAt: now, Type: alert.SystemError, Severity: alert.Critical,
		Title: fmt.Sprintf("Destination %q is not answering", about.DisplayName), Name: "Alert delivery",
		Description: fmt.Sprintf("The last %d attempts at this destination failed, since %s. Its deliveries are held, and one at a time tries whether it answers again.",
			h.Failures, h.FailingSince.UTC().Format(time.RFC3339)),
		Runbook: "Open the destination's page, read what the last attempt got back, and mend the receiver or the destination's settings. Held deliveries go out by themselves once it answers; none is lost.",
		Version: "1", Tags: []string{}, LogTypes: []string{},
	}
	if h.Answering() {
		a.Severity = alert.Info
		a.Title = fmt.Sprintf("Destination %q answers again", about.DisplayName)
		a.Description = "What was held for it is being sent."
		a.Runbook = ""
	}
	hash := sha256.Sum256([]byte("belfry " + a.AlertID)) // no producer can send the same input
	a.InputHash = hash[:]
	return a
}
