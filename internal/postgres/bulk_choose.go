package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// bulkConditions are the conditions of the lists, and that a delivery is in $13 if that is
// given. Conditions that a filter does not ask for are left out when the statement is
// planned, so that the index alone answers a filter with nothing else.
const bulkConditions = ownConditions + `
		  AND ($10::text[] IS NULL AND $11::text[] IS NULL OR EXISTS (
			SELECT
			FROM (SELECT severity, type FROM alerts WHERE id = d.alert_id OFFSET 0) AS a
			WHERE ` + alertConditions + `))
		  AND ($13::uuid[] IS NULL OR d.id = ANY($13))`

const bulkLive = `
		  AND d.destination_id NOT IN (SELECT id FROM destinations WHERE deleted_at IS NOT NULL)`

// The ways to find what a bulk re-send takes, as those of the lists: each by one
// index. The last two find the $12 oldest of each destination.
const (
	bulkByID = `
		SELECT d.id, d.status, d.destination_id, d.finished_at
		FROM deliveries d
		WHERE d.id = ANY($13) AND d.id >= $1 AND d.id < $2
		  AND ` + bulkConditions + bulkLive

	bulkOfAlert = `
		SELECT d.id, d.status, d.destination_id, d.finished_at
		FROM (
			SELECT id, alert_id, destination_id, status, reason, last_class, last_status_code, routed_by, finished_at
			FROM deliveries
			WHERE alert_id = (SELECT id FROM alerts WHERE alert_id = $6)
			OFFSET 0) AS d
		WHERE d.id >= $1 AND d.id < $2
		  AND ` + bulkConditions + bulkLive

	bulkOldest = `
		SELECT d.id, d.status, d.destination_id, d.finished_at
		FROM deliveries d
		WHERE d.id >= $1 AND d.id < $2
		  AND ` + bulkConditions + bulkLive

	bulkOfDestinations = `
		SELECT d.id, d.status, d.destination_id, d.finished_at
		FROM destinations t
		CROSS JOIN LATERAL (
			SELECT d.id, d.status, d.destination_id, d.finished_at
			FROM deliveries d
			WHERE (d.destination_id, d.id) >= (t.id, $1) AND (d.destination_id, d.id) < (t.id, $2)
			  AND ` + bulkConditions + `
			ORDER BY d.destination_id, d.id
			LIMIT $12) AS d
		WHERE t.deleted_at IS NULL AND t.id = ANY($5)`

	bulkUndelivered = `
		SELECT d.id, s.status, t.id AS destination_id, d.finished_at
		FROM destinations t
		CROSS JOIN unnest($3::text[]) AS s (status)
		CROSS JOIN LATERAL (
			SELECT d.id, d.finished_at
			FROM deliveries d
			WHERE d.status NOT IN ('queued', 'delivered')
			  AND (d.status COLLATE "C", d.destination_id, d.id) >= (s.status, t.id, $1)
			  AND (d.status COLLATE "C", d.destination_id, d.id) < (s.status, t.id, $2)
			  AND ` + bulkConditions + `
			ORDER BY d.status COLLATE "C", d.destination_id, d.id
			LIMIT $12) AS d
		WHERE t.deleted_at IS NULL AND ($5::uuid[] IS NULL OR t.id = ANY($5))`
)

// oldest are the first $12 of a way.
const oldest = `
		ORDER BY id
		LIMIT $12`

func bulkWay(f DeliveryFilter, ids []uuid.UUID) string {
	switch n := len(f.DestinationIDs); {
	case ids != nil:
		return bulkByID
	case f.AlertID != "":
		return bulkOfAlert
	case !slices.Contains(f.Statuses, string(delivery.Delivered)):
		return bulkUndelivered
	case n > 0 && n < manyValues:
		return bulkOfDestinations
	default:
		return bulkOldest
	}
}

// bulkArgs are the arguments of a way, which is planned for them each time.
func bulkArgs(f DeliveryFilter, ids []uuid.UUID) []any {
	return append(append([]any{pgx.QueryExecModeDescribeExec}, f.args()...), ids)
}

// CountBulk counts by status the oldest f.Limit deliveries that match a filter,
// which names the statuses, and that, unless ids is nil, are among ids: without
// those of deleted destinations.
func (q queries) CountBulk(ctx context.Context, f DeliveryFilter, ids []uuid.UUID) (map[delivery.Status]int, error) {
	f.Statuses, f.DestinationIDs = once(f.Statuses), once(f.DestinationIDs)
	way := bulkWay(f, ids)
	if way != bulkUndelivered {
		return q.countBulk(ctx, way+oldest, f, ids)
	}
	// To sort them costs more than to count them. Up to the limit of each status and
	// destination is counted. If that is no more than the limit in all, it is right: either
	// all were counted, or all are of the one status and destination that reached the limit.
	// More of one status are cut to the limit, whichever of them are the oldest.
	counts, err := q.countBulk(ctx, way, f, ids)
	total := 0
	for _, n := range counts {
		total += n
	}
	switch {
	case err != nil || total <= f.Limit:
		return counts, err
	case len(counts) == 1:
		for status := range counts {
			counts[status] = f.Limit
		}
		return counts, nil
	}
	return q.countBulk(ctx, way+oldest, f, ids)
}

func (q queries) countBulk(ctx context.Context, text string, f DeliveryFilter, ids []uuid.UUID) (map[delivery.Status]int, error) {
	rows, err := q.q.Query(ctx, "SELECT status, count(*) FROM ("+text+") AS chosen GROUP BY status", bulkArgs(f, ids)...)
	if err != nil {
		return nil, fmt.Errorf("count deliveries to re-send: %w", err)
	}
	counts := map[delivery.Status]int{}
	var (
		status delivery.Status
		n      int
	)
	_, err = pgx.ForEachRow(rows, []any{&status, &n}, func() error {
		counts[status] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count deliveries to re-send: %w", err)
	}
	return counts, nil
}

// ChooseForBulk stores which deliveries an order takes and returns how many: the
// ones that CountBulk counts, all of which must be final.
func (tx *Tx) ChooseForBulk(ctx context.Context, id uuid.UUID, f DeliveryFilter, ids []uuid.UUID) (int, error) {
	f.Statuses, f.DestinationIDs = once(f.Statuses), once(f.DestinationIDs)
	query := `
		INSERT INTO bulk_resend_deliveries (bulk_resend_id, destination_id, delivery_id, finished_at)
		SELECT $14::uuid, c.destination_id, c.id, c.finished_at
		FROM (` + bulkWay(f, ids) + oldest + `) AS c`
	tag, err := tx.q.Exec(ctx, query, append(bulkArgs(f, ids), id)...)
	if err != nil {
		return 0, fmt.Errorf("choose deliveries to re-send: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
