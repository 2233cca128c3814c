package postgres

import (
	"context"
	"fmt"

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
	err := row.Scan(viewTargets(&v)...)
	return v, err
}

// viewTargets returns where viewColumns go.
func viewTargets(v *DeliveryView) []any {
	return append(deliveryTargets(&v.Delivery), &v.AlertID, &v.AlertTitle, &v.AlertSeverity, &v.AlertType,
		&v.DestinationName, &v.DestinationType, &v.Deleted)
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
