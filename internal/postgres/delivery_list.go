package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// DeliveryFilter selects deliveries for a list or a count. Zero fields select all.
type DeliveryFilter struct {
	Statuses       []string
	Reasons        []string
	DestinationIDs []uuid.UUID
	AlertID        string
	Classes        []string // of the newest attempt
	StatusCode     int      // of the newest attempt
	RoutedBy       []string
	Severities     []string
	Types          []string
	From, To       time.Time // of creation; To is exclusive
	Before         uuid.UUID // the last one of the page before
	Limit          int
}

// ownConditions are those of a filter that a delivery d fulfils by itself,
// alertConditions those that its alert a does.
const (
	ownConditions = `($3::text[] IS NULL OR d.status = ANY($3))
		  AND ($4::text[] IS NULL OR d.reason = ANY($4))
		  AND ($5::uuid[] IS NULL OR d.destination_id = ANY($5))
		  AND ($6::text = '' OR d.alert_id = (SELECT id FROM alerts WHERE alert_id = $6))
		  AND ($7::text[] IS NULL OR d.last_class = ANY($7))
		  AND ($8::integer = 0 OR d.last_status_code = $8)
		  AND ($9::text[] IS NULL OR d.routed_by = ANY($9))`
	alertConditions = `($10::text[] IS NULL OR a.severity = ANY($10))
		  AND ($11::text[] IS NULL OR a.type = ANY($11))`
)

func (f DeliveryFilter) args() []any {
	from, to := idRange(f.From, f.To, f.Before)
	return []any{
		from, to, f.Statuses, f.Reasons, f.DestinationIDs, f.AlertID, f.Classes, f.StatusCode, f.RoutedBy,
		f.Severities, f.Types, f.Limit,
	}
}

// scannedColumns are the columns of a scanned delivery, among them whether it matches. Its
// alert is looked up only if the filter asks for it. OFFSET 0 makes the planner do that by
// the alert's id.
const scannedColumns = `d.id, d.alert_id, d.status,
			` + ownConditions + `
			AND ($10::text[] IS NULL AND $11::text[] IS NULL OR EXISTS (
				SELECT
				FROM (SELECT severity, type FROM alerts WHERE id = d.alert_id OFFSET 0) AS a
				WHERE ` + alertConditions + `)) AS matches`

// The ways to choose $12 deliveries to scan, the newest, each with its number.
// Rows are compared as a whole, so that only the index that is meant can serve. Where the
// planner thinks that many rows have the status, it would rather take the index by id, and
// read the whole table if they turn out to be old.
const (
	newestDeliveries = `
			SELECT ` + scannedColumns + `, row_number() OVER (ORDER BY d.id DESC) AS nth
			FROM deliveries d
			WHERE d.id >= $1 AND d.id < $2
			ORDER BY d.id DESC
			LIMIT $12`

	deliveriesOfAlert = `
			SELECT ` + scannedColumns + `, row_number() OVER (ORDER BY d.id DESC) AS nth
			FROM (
				SELECT id, alert_id, destination_id, status, reason, last_class, last_status_code, routed_by
				FROM deliveries
				WHERE alert_id = (SELECT id FROM alerts WHERE alert_id = $6)
				OFFSET 0) AS d
			WHERE d.id >= $1 AND d.id < $2
			ORDER BY d.id DESC
			LIMIT $12`

	// The next three take $12 for each value.
	deliveriesOfDestinations = `
			SELECT d.id, d.alert_id, d.status, d.matches, d.nth
			FROM unnest($5::uuid[]) AS t (id)
			CROSS JOIN LATERAL (
				SELECT ` + scannedColumns + `, row_number() OVER (ORDER BY d.destination_id DESC, d.id DESC) AS nth
				FROM deliveries d
				WHERE (d.destination_id, d.id) >= (t.id, $1) AND (d.destination_id, d.id) < (t.id, $2)
				ORDER BY d.destination_id DESC, d.id DESC
				LIMIT $12) AS d`

	deliveriesOfStatuses = `
			SELECT d.id, d.alert_id, d.status, d.matches, d.nth
			FROM unnest($3::text[]) AS s (status)
			CROSS JOIN LATERAL (
				SELECT ` + scannedColumns + `, row_number() OVER (ORDER BY d.status DESC, d.id DESC) AS nth
				FROM deliveries d
				WHERE d.status <> 'delivered' AND (d.status, d.id) >= (s.status, $1) AND (d.status, d.id) < (s.status, $2)
				ORDER BY d.status DESC, d.id DESC
				LIMIT $12) AS d`

	deliveriesOfBoth = `
			SELECT d.id, d.alert_id, d.status, d.matches, d.nth
			FROM unnest($5::uuid[]) AS t (id)
			CROSS JOIN unnest($3::text[]) AS s (status)
			CROSS JOIN LATERAL (
				SELECT ` + scannedColumns + `,
					row_number() OVER (ORDER BY d.status COLLATE "C" DESC, d.destination_id DESC, d.id DESC) AS nth
				FROM deliveries d
				WHERE d.status NOT IN ('queued', 'delivered')
				  AND (d.status COLLATE "C", d.destination_id, d.id) >= (s.status, t.id, $1)
				  AND (d.status COLLATE "C", d.destination_id, d.id) < (s.status, t.id, $2)
				ORDER BY d.status COLLATE "C" DESC, d.destination_id DESC, d.id DESC
				LIMIT $12) AS d
			UNION ALL
			(SELECT ` + scannedColumns + `, row_number() OVER (ORDER BY d.status DESC, d.id DESC) AS nth
			FROM deliveries d
			WHERE 'queued' = ANY($3::text[])
			  AND d.status <> 'delivered' AND (d.status, d.id) >= ('queued', $1) AND (d.status, d.id) < ('queued', $2)
			ORDER BY d.status DESC, d.id DESC
			LIMIT $12)`
)

// way is how to find the deliveries that a filter selects: by a text above, which
// takes $12 rows for each of values.
type way struct {
	text   string
	values int
}

// manyValues are too many to ask an index for each.
const manyValues = 16

// way chooses for a filter that is narrowed.
func (f DeliveryFilter) way() way {
	undelivered := f.Statuses != nil && !slices.Contains(f.Statuses, string(delivery.Delivered))
	destinations, statuses := len(f.DestinationIDs), len(f.Statuses)
	switch {
	case f.AlertID != "":
		return way{deliveriesOfAlert, 1}
	case undelivered && destinations > 0 && destinations*statuses < manyValues:
		return way{deliveriesOfBoth, destinations*statuses + 1}
	case undelivered:
		return way{deliveriesOfStatuses, statuses}
	case destinations > 0 && destinations < manyValues:
		return way{deliveriesOfDestinations, destinations}
	default:
		return way{newestDeliveries, 1}
	}
}

// narrowed is the same filter, which names each thing once and only the statuses
// that its reasons belong to. No status at all is an empty list, not nil.
func (f DeliveryFilter) narrowed() DeliveryFilter {
	f.Statuses, f.DestinationIDs = once(f.Statuses), once(f.DestinationIDs)
	if f.Reasons == nil {
		return f
	}
	of := []string{}
	for _, r := range f.Reasons {
		if s := string(delivery.Reason(r).Status()); f.Statuses == nil || slices.Contains(f.Statuses, s) {
			of = append(of, s)
		}
	}
	f.Statuses = once(of)
	return f
}

// once returns each value of a list once; nil stays nil.
func once[T comparable](list []T) []T {
	if list == nil {
		return nil
	}
	kept := []T{}
	for _, v := range list {
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// Deliveries lists deliveries across alerts, newest first. It scans a bounded
// number of them: when the list is not full, rest says where to go on, and is
// zero if there is nothing left.
func (q queries) Deliveries(ctx context.Context, f DeliveryFilter) (list []DeliveryView, rest uuid.UUID, err error) {
	f = f.narrowed()
	if f.Statuses != nil && len(f.Statuses) == 0 {
		return nil, uuid.Nil, nil
	}
	w := f.way()
	return scan(f.Before, f.Limit, func(before uuid.UUID, limit, window int) (scanned[DeliveryView], error) {
		f.Before, f.Limit = before, (window+w.values-1)/w.values // of each value
		return q.matchingDeliveries(ctx, w, f, limit)
	})
}

// matchingDeliveries returns the first deliveries that match, of those in a scan
// window, and where to go on: below there may be others of a value that has more than
// were scanned.
func (q queries) matchingDeliveries(ctx context.Context, w way, f DeliveryFilter, limit int) (scanned[DeliveryView], error) {
	query := `
		WITH scanned AS MATERIALIZED (` + w.text + `
		), last AS MATERIALIZED (
			SELECT s.id
			FROM scanned s
			WHERE s.nth = $12
			ORDER BY s.id DESC
			LIMIT 1
		)
		SELECT ` + viewColumns + itemColumns + viewTables + `
		JOIN (
			(SELECT s.id, true AS matches
			FROM scanned s
			WHERE s.matches AND s.id >= coalesce((SELECT id FROM last), $1)
			ORDER BY s.id DESC
			LIMIT $13)
			UNION ALL
			SELECT id, false
			FROM last) AS p ON p.id = d.id
		ORDER BY d.id` + itemOrder
	rows, err := q.q.Query(ctx, query, append(f.args(), limit)...)
	if err != nil {
		return scanned[DeliveryView]{}, fmt.Errorf("select deliveries: %w", err)
	}
	p, err := collectScanned(rows, func(row pgx.CollectableRow, item ...any) (DeliveryView, uuid.UUID, error) {
		var v DeliveryView
		err := row.Scan(append(viewTargets(&v), item...)...)
		return v, v.ID, err
	})
	if err != nil {
		return p, fmt.Errorf("select deliveries: %w", err)
	}
	return p, nil
}

// How many deliveries of each status CountDeliveries counts: of those that a
// filter selects by what their index says, and of others, which have to be read.
const (
	countByIndex = 5000
	countByRow   = 1000
)

// StatusCount is how many deliveries of a status were found.
type StatusCount struct {
	Count  int
	Capped bool // there are more than were scanned, so that there may be more of it
}

// CountDeliveries counts deliveries by status. Of each status it scans only the newest, up
// to a bound, and of delivered ones those among the newest of all. A count that is not
// capped is exact. The counts of one alert are never capped.
func (q queries) CountDeliveries(ctx context.Context, f DeliveryFilter) (map[delivery.Status]StatusCount, error) {
	if f.Statuses == nil {
		for _, s := range delivery.Statuses() {
			f.Statuses = append(f.Statuses, string(s))
		}
	}
	f = f.narrowed()
	rows, err := q.q.Query(ctx, f.countText(), f.countArgs()...)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	counts := map[delivery.Status]StatusCount{}
	var (
		status delivery.Status
		c      StatusCount
	)
	_, err = pgx.ForEachRow(rows, []any{&status, &c.Count, &c.Capped}, func() error {
		counts[status] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return counts, nil
}

// countText scans one row more than is counted, which says that there are more. What is
// scanned for delivered ones is of any status, and tells of no other.
func (f DeliveryFilter) countText() string {
	const (
		count     = "SELECT d.status, count(*) FILTER (WHERE d.matches AND d.nth < $12), bool_or(d.nth = $12) FROM ("
		delivered = " UNION ALL SELECT d.id, d.alert_id, 'delivered', d.matches AND d.status = 'delivered', d.nth FROM ("
		end       = ") AS d WHERE 'delivered' = ANY($3)) AS d GROUP BY d.status"
	)
	switch n := len(f.DestinationIDs); {
	case f.AlertID != "":
		return count + deliveriesOfAlert + ") AS d GROUP BY d.status"
	case n > 0 && n < manyValues:
		return count + deliveriesOfBoth + delivered + deliveriesOfDestinations + end
	default:
		return count + deliveriesOfStatuses + delivered + newestDeliveries + end
	}
}

func (f DeliveryFilter) countArgs() []any {
	if f.AlertID != "" {
		f.Limit = math.MaxInt32 // no more than there are destinations
		return f.args()
	}
	f.Limit = countByRow
	if f.Reasons == nil && f.Classes == nil && f.StatusCode == 0 && f.RoutedBy == nil && f.Severities == nil && f.Types == nil {
		f.Limit = countByIndex
	}
	if n := len(f.DestinationIDs); n < manyValues {
		f.Limit /= n + 1
	}
	f.Limit++
	return f.args()
}
