package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/postgres"
)

// acceptedByUs is who accepted an alert of our own.
const acceptedByUs = "belfry"

// notice is what Belfry itself has to say. It becomes an alert of type
// SYSTEM_ERROR: a system alert.
type notice struct {
	id          string // of the detection: what kind of notice it is
	name        string
	severity    alert.Severity
	title       string
	description string
	runbook     string
	context     json.RawMessage // nil, or a JSON object
}

// alert returns the notice as an alert. No producer can send the same input.
func (n notice) alert(now time.Time) alert.Alert {
	a := alert.Alert{
		ID: uuid.Must(uuid.NewV7()), AlertID: alert.NewAlertID(), DetectionID: n.id,
		CreatedAt: now, AcceptedAt: now, Type: alert.SystemError, Severity: n.severity,
		Title: n.title, Name: n.name, Description: n.description, Runbook: n.runbook, Context: n.context,
		Version: "1", Tags: []string{}, LogTypes: []string{},
	}
	hash := sha256.Sum256([]byte("belfry " + a.AlertID))
	a.InputHash = hash[:]
	return a
}

// tell stores a notice as an alert, with its deliveries to those that take system
// errors, and returns its alertId. It commits with what the caller writes to say
// that this was told. A destination that it must not go to is in except.
func (d *Dispatcher) tell(ctx context.Context, tx *postgres.Tx, among postgres.Routing, n notice, except ...uuid.UUID) (alertID string, err error) {
	now := d.Now().UTC().Truncate(time.Microsecond)
	a := n.alert(now)
	a.Link = d.Link(a.AlertID)
	failing, err := tx.NotAnswering(ctx)
	if err != nil {
		return "", err
	}
	route := among.Without(append(failing, except...)...).Route(a)
	item := &acceptItem{among: &among, route: route, alert: postgres.AcceptedAlert{Alert: a, AcceptedBy: acceptedByUs, Nowhere: route.Nowhere}}
	in, rooms, err := d.insert(ctx, tx, []*acceptItem{item})
	if err != nil {
		return "", err
	}
	tx.AfterCommit(func() { d.unrouted.note(item.alert) })
	return a.AlertID, d.promise(ctx, tx, d.inLine(ctx, item, in.Lines, rooms, now))
}
