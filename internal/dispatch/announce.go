package dispatch

import (
	"context"
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
	// Never to itself: it could not be told, and would be told of that.
	alertID, err := d.tell(ctx, tx, among, healthNotice(all[i], h), id)
	if err != nil {
		return err
	}
	d.Log.WarnContext(ctx, "destination health changed", "destination_id", id, "answering", h.Answering(), "alert_id", alertID)
	d.Changed(id)
	return nil
}

// healthNotice says that a destination stopped answering, or that it answers
// again. Like what the seeds' product sends, its id is ALERT_DELIVERY.
func healthNotice(about destination.Destination, h delivery.Health) notice {
	n := notice{
		id: "ALERT_DELIVERY", name: "Alert delivery", severity: alert.Critical,
		title: fmt.Sprintf("Destination %q is not answering", about.DisplayName),
		description: fmt.Sprintf("The last %d attempts at this destination failed, since %s. Its deliveries are held, and one at a time tries whether it answers again.",
			h.Failures, h.FailingSince.UTC().Format(time.RFC3339)),
		runbook: "Open the destination's page, read what the last attempt got back, and mend the receiver or the destination's settings. Held deliveries go out by themselves once it answers; none is lost.",
	}
	if h.Answering() {
		n.severity = alert.Info
		n.title = fmt.Sprintf("Destination %q answers again", about.DisplayName)
		n.description = "What was held for it is being sent."
		n.runbook = ""
	}
	return n
}
