package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AlertFilter selects alerts for a list. Zero fields select all.
type AlertFilter struct {
	Severities    []string
	Types         []string
	LogTypes      []string
	Statuses      []string // of any delivery
	Unrouted      *bool
	Unknown       string // one of the destinations it names that nobody had
	DestinationID uuid.UUID
	From, To      time.Time // of acceptance; To is exclusive
	Query         string    // part of title, name, id or alertId, any case
	Before        uuid.UUID // the last one of the page before
	Limit         int
}

func (f AlertFilter) args() []any {
	from, to := idRange(f.From, f.To, f.Before)
	return []any{
		from, to, f.Severities, f.Types, f.LogTypes, f.Unrouted, strings.ToLower(f.Query), f.Statuses, nullID(f.DestinationID),
		f.Limit, f.Unknown,
	}
}

// alertMatches says whether a scanned alert a matches. OFFSET 0 makes the planner look up the
// alert's deliveries by the alert's id. Otherwise it may read, for each alert, all
// deliveries that have a status.
const alertMatches = `($3::text[] IS NULL OR a.severity = ANY($3))
			AND ($4::text[] IS NULL OR a.type = ANY($4))
			AND ($5::text[] IS NULL OR a.log_types && $5)
			AND ($6::boolean IS NULL OR (a.unrouted IS NOT NULL) = $6)
			AND ($11::text = '' OR $11 = ANY(a.unknown_destinations))
			AND ($7::text = '' OR strpos(lower(a.title), $7) > 0 OR strpos(lower(a.name), $7) > 0
			     OR strpos(lower(a.detection_id), $7) > 0 OR strpos(lower(a.alert_id), $7) > 0)
			AND ($8::text[] IS NULL AND $9::uuid IS NULL OR EXISTS (
				SELECT
				FROM (SELECT status, destination_id FROM deliveries WHERE alert_id = a.id OFFSET 0) AS d
				WHERE ($8::text[] IS NULL OR d.status = ANY($8))
				  AND ($9::uuid IS NULL OR d.destination_id = $9)))`

// The alerts to scan: the $10 newest, or the $10 newest that name somebody
// unknown, or those of $13.
const (
	newestAlerts = `
			SELECT a.id, ` + alertMatches + ` AS matches, row_number() OVER (ORDER BY a.id DESC) AS nth
			FROM alerts a
			WHERE a.id >= $1 AND a.id < $2
			ORDER BY a.id DESC
			LIMIT $10`

	newestUnknown = `
			SELECT a.id, ` + alertMatches + ` AS matches, row_number() OVER (ORDER BY a.id DESC) AS nth
			FROM alerts a
			WHERE a.id >= $1 AND a.id < $2 AND a.unknown_destinations <> '{}'
			ORDER BY a.id DESC
			LIMIT $10`

	theseAlerts = `
			SELECT a.id, ` + alertMatches + ` AS matches, NULL::bigint AS nth
			FROM unnest($13::uuid[]) AS c (id)
			CROSS JOIN LATERAL (
				SELECT id, severity, type, log_types, unrouted, unknown_destinations, title, name, detection_id, alert_id
				FROM alerts
				WHERE id = c.id
				OFFSET 0) AS a
			WHERE a.id >= $1 AND a.id < $2`
)

// Alerts lists alerts, newest first, without their contexts, which may be large.
// It scans a bounded number of them: when the list is not full, rest says where
// to go on, and is zero if there is nothing left.
func (q queries) Alerts(ctx context.Context, f AlertFilter) (list []AcceptedAlert, rest uuid.UUID, err error) {
	windows := 0
	return scan(f.Before, f.Limit, func(before uuid.UUID, limit, window int) (scanned[AcceptedAlert], error) {
		f.Before, f.Limit = before, window
		if f.Unknown != "" {
			return q.matchingAlerts(ctx, newestUnknown, append(f.args(), limit))
		}
		if windows++; windows == 2 { // the first did not fill the page
			few, all, err := q.fewAlerts(ctx, f)
			if err != nil {
				return scanned[AcceptedAlert]{}, err
			}
			if all {
				return q.matchingAlerts(ctx, theseAlerts, append(f.args(), limit, few))
			}
		}
		return q.matchingAlerts(ctx, newestAlerts, append(f.args(), limit))
	})
}

// fewAlerts returns the alerts whose deliveries a filter asks for, if these are
// few and can be found by index: then the other alerts need not be scanned.
func (q queries) fewAlerts(ctx context.Context, f AlertFilter) (ids []uuid.UUID, all bool, err error) {
	const few = 1000
	of := DeliveryFilter{Statuses: f.Statuses}
	if f.DestinationID != uuid.Nil {
		of.DestinationIDs = []uuid.UUID{f.DestinationID}
	}
	of = of.narrowed()
	w := of.way()
	if w.text == newestDeliveries {
		return nil, false, nil
	}
	of.Limit = few / w.values
	query := `
		SELECT array_agg(DISTINCT d.alert_id) FILTER (WHERE d.matches), coalesce(bool_or(d.nth = $12), false)
		FROM (` + w.text + `) AS d`
	var more bool
	if err := q.q.QueryRow(ctx, query, of.args()...).Scan(&ids, &more); err != nil {
		return nil, false, fmt.Errorf("select alerts of few deliveries: %w", err)
	}
	return ids, !more, nil
}

// matchingAlerts returns the first alerts that match, of those in a scan window.
func (q queries) matchingAlerts(ctx context.Context, alerts string, args []any) (scanned[AcceptedAlert], error) {
	query := `
		WITH scanned AS MATERIALIZED (` + alerts + `
		)
		SELECT ` + alertBegin + `NULL::text` + alertEnd + itemColumns + `
		FROM alerts a
		JOIN (
			(SELECT s.id, true AS matches
			FROM scanned s
			WHERE s.matches
			ORDER BY s.id DESC
			LIMIT $12)
			UNION ALL
			SELECT s.id, false
			FROM scanned s
			WHERE s.nth = $10) AS p ON p.id = a.id
		ORDER BY a.id` + itemOrder
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return scanned[AcceptedAlert]{}, fmt.Errorf("select alerts: %w", err)
	}
	p, err := collectScanned(rows, func(row pgx.CollectableRow, item ...any) (AcceptedAlert, uuid.UUID, error) {
		var r alertRow
		err := row.Scan(append(r.targets(), item...)...)
		return r.alert(), r.a.ID, err
	})
	if err != nil {
		return p, fmt.Errorf("select alerts: %w", err)
	}
	return p, nil
}

// idRange turns a time range and a cursor into a range of UUIDv7 ids, which
// begin with their time in milliseconds.
func idRange(from, to time.Time, before uuid.UUID) (lo, hi uuid.UUID) {
	hi = uuid.Max
	if !from.IsZero() {
		lo = idAt(from)
	}
	if !to.IsZero() {
		hi = idAt(to)
	}
	if before != uuid.Nil && strings.Compare(string(before[:]), string(hi[:])) < 0 {
		hi = before
	}
	return lo, hi
}

// idAt returns the least UUIDv7 of a time.
func idAt(t time.Time) (id uuid.UUID) {
	ms := max(t.UnixMilli(), 0)
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}

func nullID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
