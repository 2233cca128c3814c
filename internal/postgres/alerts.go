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

// AcceptedAlert is an alert that is ours, and what was decided of it.
type AcceptedAlert struct {
	alert.Alert
	AcceptedBy string
	Nowhere    delivery.Nowhere
	Unknown    []string // destinations it names that were not there
}

const (
	alertColumns = alertBegin + `a.context` + alertEnd

	alertBegin = `a.id, a.alert_id, a.detection_id, a.severity, a.type, a.title, a.name, a.link, a.description,
	a.runbook, a.version, a.tags, a.log_types, `
	alertEnd = `, a.override, a.unknown_destinations, coalesce(a.nowhere, ''),
	a.input_hash, a.created_at, a.created_at_nanos, a.accepted_at, a.accepted_by`
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
		&a.Runbook, &a.Version, &a.Tags, &a.LogTypes, &r.context, &a.Override, &a.Unknown, &a.Nowhere,
		&a.InputHash, &a.CreatedAt, &r.nanos, &a.AcceptedAt, &a.AcceptedBy,
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

// InsertAlerts stores alerts, in the order given, which must be that of their
// alertIds so that two replicas cannot deadlock. It returns the ids of those it
// stored: the others' alertIds were taken.
func (tx *Tx) InsertAlerts(ctx context.Context, alerts []AcceptedAlert) (map[uuid.UUID]bool, error) {
	const query = `
		INSERT INTO alerts (id, alert_id, detection_id, severity, type, title, name, link, description, runbook,
			version, tags, log_types, context, override, unknown_destinations, nowhere, input_hash,
			created_at, created_at_nanos, accepted_at, accepted_by)
		SELECT id, alert_id, detection_id, severity, type, title, name, link, description, runbook,
			version, tags::text[], log_types::text[], context, override::text[], unknown::text[], nowhere, input_hash,
			created_at, nanos, accepted_at, accepted_by
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
			$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
			$17::text[], $18::bytea[], $19::timestamptz[], $20::smallint[], $21::timestamptz[], $22::text[])
			AS u (id, alert_id, detection_id, severity, type, title, name, link, description, runbook, version, tags,
			log_types, context, override, unknown, nowhere, input_hash, created_at, nanos, accepted_at, accepted_by)
		ON CONFLICT (alert_id) DO NOTHING
		RETURNING id`
	rows, err := tx.q.Query(ctx, query, alertArrays(alerts)...)
	if err != nil {
		return nil, fmt.Errorf("insert alerts: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("insert alerts: %w", err)
	}
	stored := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		stored[id] = true
	}
	return stored, nil
}

// alertArrays turns rows into the columns that unnest takes. A list within a row
// goes as the text of an array, because unnest would flatten it.
func alertArrays(alerts []AcceptedAlert) []any {
	n := len(alerts)
	ids, hashes := make([]uuid.UUID, n), make([][]byte, n)
	created, accepted, nanos := make([]time.Time, n), make([]time.Time, n), make([]int16, n)
	var texts [17][]*string
	for i, a := range alerts {
		ids[i], hashes[i], accepted[i] = a.ID, a.InputHash, a.AcceptedAt
		created[i] = a.CreatedAt.Truncate(time.Microsecond)
		nanos[i] = int16(a.CreatedAt.Sub(created[i]))
		row := [17]*string{
			&a.AlertID, &a.DetectionID, (*string)(&a.Severity), (*string)(&a.Type), &a.Title, &a.Name, &a.Link,
			&a.Description, &a.Runbook, &a.Version, arrayText(a.Tags), arrayText(a.LogTypes),
			nil, nil, arrayText(a.Unknown), nil, &a.AcceptedBy,
		}
		if a.Context != nil {
			s := string(a.Context)
			row[12] = &s
		}
		if a.Override != nil {
			row[13] = arrayText(*a.Override)
		}
		if a.Nowhere != "" {
			row[15] = (*string)(&a.Nowhere)
		}
		for c := range row {
			texts[c] = append(texts[c], row[c])
		}
	}
	args := []any{ids}
	for _, column := range texts[:16] {
		args = append(args, column)
	}
	return append(args, hashes, created, nanos, accepted, texts[16])
}

var arrayEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// arrayText writes a list as Postgres reads an array of text.
func arrayText(list []string) *string {
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
	s := b.String()
	return &s
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
