package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// DeliveryView is a delivery as people look at it: with the names of what it
// joins. A deleted destination keeps its name.
type DeliveryView struct {
	delivery.Delivery
	AlertID         string // the alert's own alertId
	AlertTitle      string
	AlertSeverity   string
	AlertType       string
	DestinationName string
	DestinationType string
	Deleted         bool // the destination
}

const viewColumns = deliveryColumns + `, a.alert_id, a.title, a.severity, a.type, t.display_name, t.type,
	t.deleted_at IS NOT NULL`

const viewTables = `
		FROM deliveries d
		JOIN alerts a ON a.id = d.alert_id
		JOIN destinations t ON t.id = d.destination_id`

func scanView(row pgx.CollectableRow) (DeliveryView, error) {
	var v DeliveryView
	err := row.Scan(append(deliveryTargets(&v.Delivery), &v.AlertID, &v.AlertTitle, &v.AlertSeverity, &v.AlertType,
		&v.DestinationName, &v.DestinationType, &v.Deleted)...)
	return v, err
}

// Delivery returns one delivery, or ErrNotFound.
func (q queries) Delivery(ctx context.Context, id uuid.UUID) (DeliveryView, error) {
	const query = `
		SELECT ` + viewColumns + viewTables + `
		WHERE d.id = $1`
	list, err := q.views(ctx, query, id)
	if err != nil {
		return DeliveryView{}, err
	}
	if len(list) == 0 {
		return DeliveryView{}, fmt.Errorf("select delivery %s: %w", id, ErrNotFound)
	}
	return list[0], nil
}

// DeliveriesOf returns the deliveries of alerts, by the ids of their rows, in
// the order in which they were made.
func (q queries) DeliveriesOf(ctx context.Context, alertIDs []uuid.UUID) (map[uuid.UUID][]DeliveryView, error) {
	const query = `
		SELECT ` + viewColumns + viewTables + `
		WHERE d.alert_id = ANY($1)
		ORDER BY d.id`
	list, err := q.views(ctx, query, alertIDs)
	if err != nil {
		return nil, err
	}
	of := make(map[uuid.UUID][]DeliveryView, len(alertIDs))
	for _, v := range list {
		of[v.Delivery.AlertID] = append(of[v.Delivery.AlertID], v)
	}
	return of, nil
}

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

const viewFilter = `
		WHERE d.id >= $1 AND d.id < $2
		  AND ($3::text[] IS NULL OR d.status = ANY($3))
		  AND ($4::text[] IS NULL OR d.reason = ANY($4))
		  AND ($5::uuid[] IS NULL OR d.destination_id = ANY($5))
		  AND ($6::text = '' OR d.alert_id = (SELECT id FROM alerts WHERE alert_id = $6))
		  AND ($7::text[] IS NULL OR d.last_class = ANY($7))
		  AND ($8::integer = 0 OR d.last_status_code = $8)
		  AND ($9::text[] IS NULL OR d.routed_by = ANY($9))
		  AND ($10::text[] IS NULL OR a.severity = ANY($10))
		  AND ($11::text[] IS NULL OR a.type = ANY($11))`

func (f DeliveryFilter) args() []any {
	from, to := idRange(f.From, f.To, f.Before)
	return []any{
		from, to, f.Statuses, f.Reasons, f.DestinationIDs, f.AlertID, f.Classes, f.StatusCode, f.RoutedBy,
		f.Severities, f.Types, f.Limit,
	}
}

// Deliveries lists deliveries across alerts, newest first.
func (q queries) Deliveries(ctx context.Context, f DeliveryFilter) ([]DeliveryView, error) {
	const query = `
		SELECT ` + viewColumns + viewTables + viewFilter + `
		ORDER BY d.id DESC
		LIMIT $12`
	return q.views(ctx, query, f.args()...)
}

// CountDeliveries counts deliveries by status. It looks at no more than the
// newest f.Limit of them, so that a large table cannot make it slow; capped
// reports that there were more.
func (q queries) CountDeliveries(ctx context.Context, f DeliveryFilter) (counts map[delivery.Status]int, capped bool, err error) {
	const query = `
		SELECT status, count(*)
		FROM (SELECT d.status` + viewTables + viewFilter + `
			ORDER BY d.id DESC
			LIMIT $12) AS newest
		GROUP BY status`
	rows, err := q.q.Query(ctx, query, f.args()...)
	if err != nil {
		return nil, false, fmt.Errorf("count deliveries: %w", err)
	}
	counts = map[delivery.Status]int{}
	var (
		status   delivery.Status
		n, total int
	)
	_, err = pgx.ForEachRow(rows, []any{&status, &n}, func() error {
		counts[status], total = n, total+n
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("count deliveries: %w", err)
	}
	return counts, total >= f.Limit, nil
}

func (q queries) views(ctx context.Context, query string, args ...any) ([]DeliveryView, error) {
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanView)
	if err != nil {
		return nil, fmt.Errorf("select deliveries: %w", err)
	}
	return list, nil
}
