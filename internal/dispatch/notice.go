package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/live"
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

// announcer tells of what happens to Belfry itself, by system alerts: of destinations
// that fail or are healthy again, and of names that alerts give and nobody has.
type announcer struct {
	*transactions
	db     *postgres.DB
	log    *slog.Logger
	now    func() time.Time
	link   func(alertID string) string
	events *live.Bus

	// accept stores an alert of ours with its deliveries, like every other alert.
	accept func(context.Context, *postgres.Tx, *postgres.Routing, postgres.AcceptedAlert, delivery.Decision) error
}

// tell stores a notice as an alert, with deliveries to the destinations that take system
// errors, and returns its alertId. The caller writes in the same transaction that this was
// told. The alert does not go to the destinations in except.
func (n *announcer) tell(ctx context.Context, tx *postgres.Tx, among postgres.Routing, what notice, except ...uuid.UUID) (alertID string, err error) {
	a := what.alert(n.now().UTC().Truncate(time.Microsecond))
	a.Link = n.link(a.AlertID)
	failing, err := tx.Failing(ctx)
	if err != nil {
		return "", err
	}
	route := among.Without(append(failing, except...)...).Route(a)
	ours := postgres.AcceptedAlert{Alert: a, AcceptedBy: acceptedByUs, Unrouted: route.Unrouted}
	return a.AlertID, n.accept(ctx, tx, &among, ours, route)
}
