package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/alert"
	"belfry/internal/delivery"
)

// AcceptedAlert is an alert that Belfry has accepted, and where it goes.
type AcceptedAlert struct {
	alert.Alert
	AcceptedBy string
	Unrouted   delivery.Unrouted
	Unknown    []string // destinations it names that were not there
}

const (
	alertColumns = alertBegin + `a.context` + alertEnd

	alertBegin = `a.id, a.alert_id, a.detection_id, a.severity, a.type, a.title, a.name, a.link, a.description,
	a.runbook, a.version, a.tags, a.log_types, `
	// Before migration 56 an alert by_request was stored as skip or empty_destinations.
	alertEnd = `, a.override, a.unknown_destinations,
	CASE WHEN a.unrouted IN ('skip', 'empty_destinations') THEN 'by_request' ELSE coalesce(a.unrouted, '') END,
	a.input_hash, a.created_at, a.created_at_nanos, a.accepted_at, a.accepted_by, a.altered_fields`
)

// alertRow is what scanning an alert takes beside the alert itself.
type alertRow struct {
	a       AcceptedAlert
	context *string
	nanos   int16
}

func (r *alertRow) targets() []any {
	a := &r.a
	return []any{
		&a.ID, &a.AlertID, &a.DetectionID, &a.Severity, &a.Type, &a.Title, &a.Name, &a.Link, &a.Description,
		&a.Runbook, &a.Version, &a.Tags, &a.LogTypes, &r.context, &a.Override, &a.Unknown, &a.Unrouted,
		&a.InputHash, &a.CreatedAt, &r.nanos, &a.AcceptedAt, &a.AcceptedBy, &a.Altered,
	}
}

func (r *alertRow) alert() AcceptedAlert {
	if r.context != nil {
		r.a.Context = json.RawMessage(*r.context)
	}
	r.a.CreatedAt = r.a.CreatedAt.UTC().Add(time.Duration(r.nanos))
	r.a.AcceptedAt = r.a.AcceptedAt.UTC()
	return r.a
}

// Insertion is the result of storing alerts: which were new, and what their
// deliveries will find at their destinations.
type Insertion struct {
	Stored  map[uuid.UUID]bool             // ids of the alerts that are new: the others' alertIds were taken
	Queues  map[uuid.UUID]DestinationQueue // what new deliveries would wait behind, by destination
	Routing int64                          // version of the destinations
}

// InsertAlerts stores alerts, in the order given, which must be that of their
// alertIds so that two replicas cannot deadlock. What new deliveries would wait behind is
// counted up to limit.
func (tx *Tx) InsertAlerts(ctx context.Context, alerts []AcceptedAlert, destinations []uuid.UUID, limit int) (Insertion, error) {
	in := Insertion{Stored: make(map[uuid.UUID]bool, len(alerts)), Queues: make(map[uuid.UUID]DestinationQueue, len(destinations))}
	b := &pgx.Batch{}
	b.Queue(insertAlerts, alertRows(alerts)...).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			in.Stored[id] = true
			return nil
		})
		return err
	})
	b.Queue(selectQueues, destinations, limit).Query(func(rows pgx.Rows) error {
		return tx.scanQueues(rows, in.Queues)
	})
	b.Queue(selectRoutingVersion).QueryRow(func(row pgx.Row) error { return row.Scan(&in.Routing) })
	if err := tx.q.SendBatch(ctx, b).Close(); err != nil {
		return in, fmt.Errorf("insert alerts: %w", err)
	}
	return in, nil
}

const insertAlerts = `
	INSERT INTO alerts (id, alert_id, detection_id, severity, type, title, name, link, description, runbook,
		version, tags, log_types, context, override, unknown_destinations, unrouted, input_hash,
		created_at, created_at_nanos, accepted_at, accepted_by, altered_fields)
	SELECT id, alert_id, detection_id, severity, type, title, name, link, description, runbook,
		version, tags::text[], log_types::text[], context, override::text[], unknown::text[], unrouted, input_hash,
		created_at, nanos, accepted_at, accepted_by, altered::text[]
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
		$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
		$17::text[], $18::bytea[], $19::timestamptz[], $20::smallint[], $21::timestamptz[], $22::text[],
		$23::text[])
		AS u (id, alert_id, detection_id, severity, type, title, name, link, description, runbook, version, tags,
		log_types, context, override, unknown, unrouted, input_hash, created_at, nanos, accepted_at, accepted_by,
		altered)
	ON CONFLICT (alert_id) DO NOTHING
	RETURNING id`

// alertRows returns the columns that insertAlerts takes. A list within a row goes as
// the text of an array, because unnest would flatten it.
func alertRows(alerts []AcceptedAlert) []any {
	c := newColumns(23)
	for i := range alerts {
		a := &alerts[i]
		created := a.CreatedAt.Truncate(time.Microsecond)
		c.id(a.ID)
		c.text(a.AlertID)
		c.text(a.DetectionID)
		c.text(string(a.Severity))
		c.text(string(a.Type))
		c.text(a.Title)
		c.text(a.Name)
		c.text(a.Link)
		c.text(a.Description)
		c.text(a.Runbook)
		c.text(a.Version)
		c.text(arrayText(a.Tags))
		c.text(arrayText(a.LogTypes))
		c.textOrNull(string(a.Context))
		if a.Override != nil {
			c.text(arrayText(*a.Override))
		} else {
			c.textOrNull("")
		}
		c.text(arrayText(a.Unknown))
		c.textOrNull(string(a.Unrouted))
		c.bytes(a.InputHash)
		c.time(created)
		c.int2(int(a.CreatedAt.Sub(created)))
		c.time(a.AcceptedAt)
		c.text(a.AcceptedBy)
		if len(a.Altered) > 0 {
			c.text(arrayText(a.Altered))
		} else {
			c.textOrNull("")
		}
	}
	return c.args()
}

var arrayEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// arrayText writes a list as Postgres reads an array of text.
func arrayText(list []string) string {
	if len(list) == 0 {
		return "{}"
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		arrayEscape.WriteString(&b, s)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// AlertsByAlertID returns the stored alerts that have one of the alertIds.
func (q queries) AlertsByAlertID(ctx context.Context, alertIDs []string) (map[string]AcceptedAlert, error) {
	const query = `
		SELECT ` + alertColumns + `
		FROM alerts a
		WHERE a.alert_id = ANY($1)`
	list, err := q.alerts(ctx, query, alertIDs)
	if err != nil {
		return nil, err
	}
	found := make(map[string]AcceptedAlert, len(list))
	for _, a := range list {
		found[a.AlertID] = a
	}
	return found, nil
}

// Alert returns the alert with an alertId, or ErrNotFound.
func (q queries) Alert(ctx context.Context, alertID string) (AcceptedAlert, error) {
	found, err := q.AlertsByAlertID(ctx, []string{alertID})
	if err != nil {
		return AcceptedAlert{}, err
	}
	a, ok := found[alertID]
	if !ok {
		return AcceptedAlert{}, fmt.Errorf("select alert: %w", ErrNotFound)
	}
	return a, nil
}

func (q queries) alerts(ctx context.Context, query string, args ...any) ([]AcceptedAlert, error) {
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select alerts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (AcceptedAlert, error) {
		var r alertRow
		err := row.Scan(r.targets()...)
		return r.alert(), err
	})
	if err != nil {
		return nil, fmt.Errorf("select alerts: %w", err)
	}
	return list, nil
}

// LockAlert returns the alert with an alertId, or ErrNotFound, locked against
// its dropping and against others who add deliveries to it.
func (tx *Tx) LockAlert(ctx context.Context, alertID string) (AcceptedAlert, error) {
	const query = `
		SELECT ` + alertColumns + `
		FROM alerts a
		WHERE a.alert_id = $1
		FOR NO KEY UPDATE`
	list, err := tx.alerts(ctx, query, alertID)
	if err != nil {
		return AcceptedAlert{}, err
	}
	if len(list) == 0 {
		return AcceptedAlert{}, fmt.Errorf("lock alert: %w", ErrNotFound)
	}
	return list[0], nil
}
