package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/delivery"
)

// The states of a bulk re-send; the first two are open, the others final.
const (
	BulkRunning   = "running"
	BulkPaused    = "paused"
	BulkDone      = "done" // every delivery had its turn, which is not to say that it has been sent
	BulkCancelled = "cancelled"
)

// BulkResend is a request to re-send many deliveries, a few at a time.
type BulkResend struct {
	ID          uuid.UUID
	State       string
	Filter      DeliveryFilter
	DeliveryIDs []uuid.UUID // nil: by filter
	Again       bool        // also what was delivered
	PerSecond   int
	Total       int // deliveries it took when it was ordered
	Resent      int
	Skipped     int       // no longer as ordered when their turn came
	SteppedAt   time.Time // up to when its pace is used up
	RequestedBy string
	RequestID   string
	CreatedAt   time.Time
	FinishedAt  time.Time // zero while it is running or paused
}

// storedFilter is a DeliveryFilter as JSON, without what belongs to a page of a
// list.
type storedFilter struct {
	Statuses       []string    `json:"statuses,omitempty"`
	Reasons        []string    `json:"reasons,omitempty"`
	DestinationIDs []uuid.UUID `json:"destinationIds,omitempty"`
	AlertID        string      `json:"alertId,omitempty"`
	Classes        []string    `json:"classes,omitempty"`
	StatusCode     int         `json:"statusCode,omitempty"`
	RoutedBy       []string    `json:"routedBy,omitempty"`
	Severities     []string    `json:"severities,omitempty"`
	Types          []string    `json:"types,omitempty"`
	From           time.Time   `json:"from,omitzero"`
	To             time.Time   `json:"to,omitzero"`
	Before         uuid.UUID   `json:"-"`
	Limit          int         `json:"-"`
}

const bulkColumns = `id, state, filter, delivery_ids, again, per_second, total, resent, skipped, stepped_at, requested_by,
	request_id, created_at, finished_at`

func scanBulkResend(row pgx.CollectableRow) (BulkResend, error) { return scanBulkResendAnd(row) }

// scanBulkResendAnd reads an order, and into more what stands in the row after it.
func scanBulkResendAnd(row pgx.CollectableRow, more ...any) (BulkResend, error) {
	var (
		b      BulkResend
		filter []byte
	)
	targets := []any{
		&b.ID, &b.State, &filter, &b.DeliveryIDs, &b.Again, &b.PerSecond, &b.Total, &b.Resent, &b.Skipped, &b.SteppedAt,
		&b.RequestedBy, &b.RequestID, &b.CreatedAt, (*zeronull.Timestamptz)(&b.FinishedAt),
	}
	if err := row.Scan(append(targets, more...)...); err != nil {
		return b, err
	}
	if err := json.Unmarshal(filter, (*storedFilter)(&b.Filter)); err != nil {
		return b, fmt.Errorf("decode filter of %s: %w", b.ID, err)
	}
	return b, nil
}

// BulkResends lists orders, newest first: those before an id, or from the newest
// when it is zero.
func (q queries) BulkResends(ctx context.Context, before uuid.UUID, limit int) ([]BulkResend, error) {
	const query = `
		SELECT ` + bulkColumns + `
		FROM bulk_resends
		WHERE ($1::uuid IS NULL OR id < $1)
		ORDER BY id DESC
		LIMIT $2`
	rows, err := q.q.Query(ctx, query, nullID(before), limit)
	if err != nil {
		return nil, fmt.Errorf("select bulk re-sends: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanBulkResend)
	if err != nil {
		return nil, fmt.Errorf("select bulk re-sends: %w", err)
	}
	return list, nil
}

// BulkOutcomes counts the outcomes of the deliveries that a bulk re-send has re-sent.
// The rest of its Resent is not known: no longer kept, or re-sent before runs named
// their bulk re-send.
type BulkOutcomes struct {
	Delivered   int
	Failed      int
	Cancelled   int
	Open        int
	ResentAgain int // final since, and then opened anew by someone else
}

// BulkResendOutcomes returns one order and what has come of it, both of the same
// moment, or ErrNotFound. It visits each delivery that the order re-sent.
func (q queries) BulkResendOutcomes(ctx context.Context, id uuid.UUID) (BulkResend, BulkOutcomes, error) {
	const query = `
		SELECT ` + bulkColumns + `, o.delivered, o.failed, o.cancelled, o.open, o.resent_again
		FROM bulk_resends
		CROSS JOIN (
			SELECT count(*) FILTER (WHERE d.run = r.run AND d.status = 'delivered') AS delivered,
			       count(*) FILTER (WHERE d.run = r.run AND d.status = 'failed') AS failed,
			       count(*) FILTER (WHERE d.run = r.run AND d.status = 'cancelled') AS cancelled,
			       count(*) FILTER (WHERE d.run = r.run AND d.status IN ('queued', 'retrying', 'held')) AS open,
			       count(*) FILTER (WHERE d.run > r.run) AS resent_again
			FROM runs r
			JOIN deliveries d ON d.id = r.delivery_id
			WHERE r.bulk_resend_id = $1) AS o
		WHERE id = $1`
	var o BulkOutcomes
	rows, err := q.q.Query(ctx, query, id)
	if err != nil {
		return BulkResend{}, o, fmt.Errorf("select outcomes of bulk re-send %s: %w", id, err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (BulkResend, error) {
		return scanBulkResendAnd(row, &o.Delivered, &o.Failed, &o.Cancelled, &o.Open, &o.ResentAgain)
	})
	if err != nil {
		return BulkResend{}, o, fmt.Errorf("select outcomes of bulk re-send %s: %w", id, notFound(err))
	}
	return b, o, nil
}

// LockBulkResend is BulkResend, locked until the transaction ends.
func (tx *Tx) LockBulkResend(ctx context.Context, id uuid.UUID) (BulkResend, error) {
	const query = `
		SELECT ` + bulkColumns + `
		FROM bulk_resends
		WHERE id = $1
		FOR NO KEY UPDATE`
	return tx.bulkResend(ctx, query, id)
}

// LockRunningBulk is LockBulkResend for an order that is running and that no other
// transaction has locked. For all others it returns ErrNotFound.
func (tx *Tx) LockRunningBulk(ctx context.Context, id uuid.UUID) (BulkResend, error) {
	const query = `
		SELECT ` + bulkColumns + `
		FROM bulk_resends
		WHERE id = $1 AND state = 'running'
		FOR NO KEY UPDATE SKIP LOCKED`
	return tx.bulkResend(ctx, query, id)
}

func (q queries) bulkResend(ctx context.Context, query string, id uuid.UUID) (BulkResend, error) {
	rows, err := q.q.Query(ctx, query, id)
	if err != nil {
		return BulkResend{}, fmt.Errorf("select bulk re-send %s: %w", id, err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanBulkResend)
	if err != nil {
		return BulkResend{}, fmt.Errorf("select bulk re-send %s: %w", id, notFound(err))
	}
	return b, nil
}

// RunningBulks returns the orders that run, oldest first.
func (q queries) RunningBulks(ctx context.Context) ([]uuid.UUID, error) {
	const query = `
		SELECT id
		FROM bulk_resends
		WHERE state = 'running'
		ORDER BY id`
	rows, err := q.q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select running bulk re-sends: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("select running bulk re-sends: %w", err)
	}
	return ids, nil
}

// InsertBulkResend stores a new order, which takes nothing yet.
func (tx *Tx) InsertBulkResend(ctx context.Context, b BulkResend) error {
	filter, err := json.Marshal(storedFilter(b.Filter))
	if err != nil {
		return fmt.Errorf("encode filter: %w", err)
	}
	const query = `
		INSERT INTO bulk_resends (id, state, filter, delivery_ids, again, per_second, stepped_at, requested_by,
			request_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	_, err = tx.q.Exec(ctx, query, b.ID, b.State, string(filter), b.DeliveryIDs, b.Again, b.PerSecond, b.SteppedAt,
		b.RequestedBy, b.RequestID, b.CreatedAt)
	if err != nil {
		return fmt.Errorf("insert bulk re-send: %w", err)
	}
	return nil
}

// UpdateBulkResend stores how far an order has come, for a caller that holds its
// lock.
func (tx *Tx) UpdateBulkResend(ctx context.Context, b BulkResend) error {
	const query = `
		UPDATE bulk_resends
		SET state = $2, total = $3, resent = $4, skipped = $5, stepped_at = $6, finished_at = $7
		WHERE id = $1`
	_, err := tx.q.Exec(ctx, query, b.ID, b.State, b.Total, b.Resent, b.Skipped, b.SteppedAt,
		zeronull.Timestamptz(b.FinishedAt))
	if err != nil {
		return fmt.Errorf("update bulk re-send: %w", err)
	}
	return nil
}

// BulkChoice is a delivery that a bulk re-send has chosen. It is re-sent only if it
// has not changed since.
type BulkChoice struct {
	DeliveryID    uuid.UUID
	DestinationID uuid.UUID
	FinishedAt    time.Time // when the order was made
}

// BulkChoices returns the choices whose turn is next, in the order of their ids: at most
// limit, and as many for each destination as for any other. No destination gets so many
// that more than ahead deliveries of bulk re-sends would wait for it. So a destination
// that is slow or paused does not keep others waiting.
func (q queries) BulkChoices(ctx context.Context, id uuid.UUID, limit, ahead int) ([]BulkChoice, error) {
	const query = `
		SELECT n.delivery_id, n.destination_id, n.finished_at
		FROM (
			SELECT c.delivery_id, t.id AS destination_id, c.finished_at
			FROM destinations t
			CROSS JOIN LATERAL (
				SELECT count(*) AS n
				FROM (
					SELECT
					FROM deliveries d
					WHERE d.status = 'held' AND d.destination_id = t.id AND d.reason = 'busy' AND d.priority = $4
					LIMIT $3) AS held) AS waiting
			CROSS JOIN LATERAL (
				SELECT delivery_id, finished_at, row_number() OVER (ORDER BY delivery_id) AS turn
				FROM bulk_resend_deliveries
				WHERE bulk_resend_id = $1 AND destination_id = t.id
				ORDER BY delivery_id
				LIMIT least($2, $3 - waiting.n)) AS c
			ORDER BY c.turn, c.delivery_id
			LIMIT $2) AS n
		ORDER BY n.delivery_id`
	rows, err := q.q.Query(ctx, query, id, limit, ahead, delivery.Bulk)
	if err != nil {
		return nil, fmt.Errorf("select deliveries to re-send: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[BulkChoice])
	if err != nil {
		return nil, fmt.Errorf("select deliveries to re-send: %w", err)
	}
	return list, nil
}

// DropBulkChoices deletes choices that have had their turn.
func (tx *Tx) DropBulkChoices(ctx context.Context, id uuid.UUID, had []BulkChoice) error {
	destinations, deliveries := make([]uuid.UUID, len(had)), make([]uuid.UUID, len(had))
	for i, c := range had {
		destinations[i], deliveries[i] = c.DestinationID, c.DeliveryID
	}
	const query = `
		DELETE FROM bulk_resend_deliveries c
		USING unnest($2::uuid[], $3::uuid[]) AS had (destination_id, delivery_id)
		WHERE c.bulk_resend_id = $1 AND c.destination_id = had.destination_id AND c.delivery_id = had.delivery_id`
	if _, err := tx.q.Exec(ctx, query, id, destinations, deliveries); err != nil {
		return fmt.Errorf("drop deliveries to re-send: %w", err)
	}
	return nil
}

// DropAllBulkChoices deletes the choices of an order that has ended.
func (tx *Tx) DropAllBulkChoices(ctx context.Context, id uuid.UUID) error {
	const query = `
		DELETE FROM bulk_resend_deliveries
		WHERE bulk_resend_id = $1`
	if _, err := tx.q.Exec(ctx, query, id); err != nil {
		return fmt.Errorf("drop deliveries to re-send: %w", err)
	}
	return nil
}

// OpenRuns is OpenRun for many deliveries that an order re-sends. It is given the deliveries
// as they will be. It reads what they were from their rows, which the caller has locked
// and not yet changed.
func (tx *Tx) OpenRuns(order uuid.UUID, next []delivery.Delivery) {
	if len(next) == 0 {
		return
	}
	const query = `
		INSERT INTO runs (delivery_id, run, trigger, requested_by, opened_at, max_attempts, bulk_resend_id)
		SELECT id, run, 'automatic', NULL, created_at, max_attempts, NULL
		FROM deliveries
		WHERE id = ANY($1)
		UNION ALL
		SELECT id, run, trigger, requested_by, opened_at, max_attempts, $7::uuid
		FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[], $6::integer[])
			AS u (id, run, trigger, requested_by, opened_at, max_attempts)
		ON CONFLICT (delivery_id, run) DO NOTHING`
	c := newColumns(6)
	for i := range next {
		d := &next[i]
		c.id(d.ID)
		c.int4(d.Run)
		c.text(string(d.NextTrigger))
		c.textOrNull(d.NextBy)
		c.time(d.DueAt)
		c.int4(d.MaxAttempts)
	}
	tx.pipeline.later("insert runs", query, append(c.args(), order)...)
}

// DropBulkResends deletes at most limit orders that ended before a time and have no runs
// left, and returns how many.
func (q queries) DropBulkResends(ctx context.Context, before time.Time, limit int) (int64, error) {
	const query = `
		DELETE FROM bulk_resends
		WHERE id IN (
			SELECT b.id
			FROM bulk_resends b
			WHERE b.finished_at < $1 AND NOT EXISTS (SELECT FROM runs r WHERE r.bulk_resend_id = b.id)
			LIMIT $2)`
	tag, err := q.q.Exec(ctx, query, before, limit)
	if err != nil {
		return 0, fmt.Errorf("drop bulk re-sends: %w", err)
	}
	return tag.RowsAffected(), nil
}
