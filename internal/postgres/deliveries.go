package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/delivery"
	"belfry/internal/destination"
)

const deliveryColumns = `d.id, d.alert_id, d.destination_id, d.routed_by, d.status, d.reason, d.run, d.attempts,
	d.max_attempts, d.made, d.job_id, d.priority, d.due_at, d.held_at, d.next_trigger, d.next_by, d.last_attempt_id, d.last_class,
	d.last_status_code, d.created_at, d.first_ack_at, d.finished_at, d.uncounted, d.wait_reason, d.wait_since`

// deliveryTargets returns where deliveryColumns go. What is null in the table is
// zero in Go.
func deliveryTargets(d *delivery.Delivery) []any {
	return []any{
		&d.ID, &d.AlertID, &d.DestinationID, &d.RoutedBy, &d.Status, (*zeronull.Text)(&d.Reason), &d.Run, &d.Attempts,
		&d.MaxAttempts, &d.Made, (*zeronull.Int8)(&d.JobID), &d.Priority, (*zeronull.Timestamptz)(&d.DueAt), (*zeronull.Timestamptz)(&d.HeldAt), &d.NextTrigger,
		(*zeronull.Text)(&d.NextBy), (*zeronull.UUID)(&d.LastAttemptID), (*zeronull.Text)(&d.LastClass),
		(*nullInt)(&d.LastCode), &d.CreatedAt, (*zeronull.Timestamptz)(&d.FirstAckAt), (*zeronull.Timestamptz)(&d.FinishedAt), &d.Uncounted,
		(*zeronull.Text)(&d.Waiting.Reason), (*zeronull.Timestamptz)(&d.Waiting.Since),
	}
}

func scanDelivery(row pgx.CollectableRow) (delivery.Delivery, error) {
	var d delivery.Delivery
	err := row.Scan(deliveryTargets(&d)...)
	return d, err
}

// InsertDeliveries stores new deliveries.
func (tx *Tx) InsertDeliveries(ds []delivery.Delivery) {
	const query = `
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, max_attempts, job_id, due_at,
			held_at, next_trigger, next_by, created_at)
		SELECT id, alert_id, destination_id, routed_by, status, reason, max_attempts, job_id, due_at,
			held_at, next_trigger, next_by, created_at
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::bigint[],
			$9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::timestamptz[])
			AS u (id, alert_id, destination_id, routed_by, status, reason, max_attempts, job_id, due_at,
			held_at, next_trigger, next_by, created_at)`
	c := newColumns(13)
	for i := range ds {
		d := &ds[i]
		c.id(d.ID)
		c.id(d.AlertID)
		c.id(d.DestinationID)
		c.text(string(d.RoutedBy))
		c.text(string(d.Status))
		c.textOrNull(string(d.Reason))
		c.int4(d.MaxAttempts)
		c.int8OrNull(d.JobID)
		c.timeOrNull(d.DueAt)
		c.timeOrNull(d.HeldAt)
		c.text(string(d.NextTrigger))
		c.textOrNull(d.NextBy)
		c.time(d.CreatedAt)
	}
	tx.pipeline.later("insert deliveries", query, c.args()...)
}

// UpdateDeliveries stores what a caller that holds the rows' locks changed.
func (tx *Tx) UpdateDeliveries(ds []delivery.Delivery) {
	if len(ds) > 0 {
		tx.pipeline.later("update deliveries", updateDeliveries, deliveryRows(ds)...)
	}
}

const updateDeliveries = `
	UPDATE deliveries d
	SET status = u.status, reason = u.reason, run = u.run, attempts = u.attempts, max_attempts = u.max_attempts,
	    made = u.made, job_id = u.job_id, priority = u.priority, due_at = u.due_at, held_at = u.held_at,
	    next_trigger = u.next_trigger, next_by = u.next_by, last_attempt_id = u.last_attempt_id,
	    last_class = u.last_class, last_status_code = u.last_status_code, first_ack_at = u.first_ack_at,
	    finished_at = u.finished_at, uncounted = u.uncounted, wait_reason = u.wait_reason, wait_since = u.wait_since
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
		$8::bigint[], $9::integer[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::text[], $14::uuid[],
		$15::text[], $16::integer[], $17::timestamptz[], $18::timestamptz[], $19::integer[],
		$20::text[], $21::timestamptz[])
		AS u (id, status, reason, run, attempts, max_attempts, made, job_id, priority, due_at, held_at, next_trigger,
		next_by, last_attempt_id, last_class, last_status_code, first_ack_at, finished_at,
		uncounted, wait_reason, wait_since)
	WHERE d.id = u.id`

// deliveryRows returns the columns that updateDeliveries takes.
func deliveryRows(ds []delivery.Delivery) []any {
	c := newColumns(21)
	for i := range ds {
		d := &ds[i]
		c.id(d.ID)
		c.text(string(d.Status))
		c.textOrNull(string(d.Reason))
		c.int4(d.Run)
		c.int4(d.Attempts)
		c.int4(d.MaxAttempts)
		c.int4(d.Made)
		c.int8OrNull(d.JobID)
		c.int4(int(d.Priority))
		c.timeOrNull(d.DueAt)
		c.timeOrNull(d.HeldAt)
		c.text(string(d.NextTrigger))
		c.textOrNull(d.NextBy)
		c.idOrNull(d.LastAttemptID)
		c.textOrNull(string(d.LastClass))
		c.int4OrNull(d.LastCode)
		c.timeOrNull(d.FirstAckAt)
		c.timeOrNull(d.FinishedAt)
		c.int4(d.Uncounted)
		c.textOrNull(string(d.Waiting.Reason))
		c.timeOrNull(d.Waiting.Since)
	}
	return c.args()
}

// LockDeliveries returns deliveries by id, locked until the transaction ends, in
// the order of their ids so that two transactions cannot deadlock.
func (tx *Tx) LockDeliveries(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]delivery.Delivery, error) {
	rows, err := tx.q.Query(ctx, lockDeliveries, ids)
	if err != nil {
		return nil, fmt.Errorf("lock deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanDelivery)
	if err != nil {
		return nil, fmt.Errorf("lock deliveries: %w", err)
	}
	found := make(map[uuid.UUID]delivery.Delivery, len(list))
	for _, d := range list {
		found[d.ID] = d
	}
	return found, nil
}

const lockDeliveries = `
	SELECT ` + deliveryColumns + `
	FROM deliveries d
	WHERE d.id = ANY($1)
	ORDER BY d.id
	FOR NO KEY UPDATE`

// LockDelivery is LockDeliveries for one, or ErrNotFound.
func (tx *Tx) LockDelivery(ctx context.Context, id uuid.UUID) (delivery.Delivery, error) {
	found, err := tx.LockDeliveries(ctx, []uuid.UUID{id})
	if err != nil {
		return delivery.Delivery{}, err
	}
	d, ok := found[id]
	if !ok {
		return d, fmt.Errorf("lock delivery %s: %w", id, ErrNotFound)
	}
	return d, nil
}

// Outgoing is all a worker needs to make one attempt.
type Outgoing struct {
	Delivery    delivery.Delivery
	Alert       AcceptedAlert
	Destination destination.Destination
	Health      delivery.Health // as far as it says whether to send

	// Misconfigured wraps destination.ErrMisconfigured when the settings cannot
	// be opened; the rest is filled in.
	Misconfigured error
}

// Outgoing loads deliveries with their alerts and destinations. Deliveries that do not exist
// any more are missing from the answer.
func (q queries) Outgoing(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*Outgoing, error) {
	const query = `
		SELECT ` + deliveryColumns + `, ` + alertColumns + `, ` + destinationColumns + `,
			h.held_since, h.probe_delivery_id, h.slow_until
		FROM deliveries d
		JOIN alerts a ON a.id = d.alert_id
		JOIN destinations t ON t.id = d.destination_id
		LEFT JOIN destination_health h ON h.destination_id = d.destination_id
		WHERE d.id = ANY($1)`
	rows, err := q.q.Query(ctx, query, ids)
	if err != nil {
		return nil, fmt.Errorf("load deliveries: %w", err)
	}
	found := make(map[uuid.UUID]*Outgoing, len(ids))
	for rows.Next() {
		var (
			o = new(Outgoing)
			a alertRow
			t sealedRow
		)
		targets := append(append(deliveryTargets(&o.Delivery), a.targets()...), t.targets()...)
		targets = append(targets, (*zeronull.Timestamptz)(&o.Health.HeldSince),
			(*zeronull.UUID)(&o.Health.Probing), (*zeronull.Timestamptz)(&o.Health.SlowUntil))
		if err := rows.Scan(targets...); err != nil {
			rows.Close()
			return nil, fmt.Errorf("load deliveries: %w", err)
		}
		o.Alert = a.alert()
		o.Destination, o.Misconfigured = q.open(t)
		found[o.Delivery.ID] = o
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("load deliveries: %w", err)
	}
	return found, nil
}

// Run is one retry budget of a delivery.
type Run struct {
	Run         int
	Trigger     delivery.Trigger
	RequestedBy string
	OpenedAt    time.Time
	MaxAttempts int
}

// OpenRun stores that a person opened the next run of a delivery, whose row the
// caller has locked and not yet changed. The first time, it also writes down run 1.
func (tx *Tx) OpenRun(ctx context.Context, before delivery.Delivery, next Run) error {
	const query = `
		INSERT INTO runs (delivery_id, run, trigger, requested_by, opened_at, max_attempts)
		VALUES ($1, $2, 'automatic', NULL, $3, $4), ($1, $5, $6, $7, $8, $9)
		ON CONFLICT (delivery_id, run) DO NOTHING`
	_, err := tx.q.Exec(ctx, query, before.ID, before.Run, before.CreatedAt, before.MaxAttempts,
		next.Run, next.Trigger, zeronull.Text(next.RequestedBy), next.OpenedAt, next.MaxAttempts)
	if err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return nil
}

// Runs returns the runs of a delivery in order.
func (q queries) Runs(ctx context.Context, d delivery.Delivery) ([]Run, error) {
	const query = `
		SELECT run, trigger, requested_by, opened_at, max_attempts
		FROM runs
		WHERE delivery_id = $1
		ORDER BY run`
	rows, err := q.q.Query(ctx, query, d.ID)
	if err != nil {
		return nil, fmt.Errorf("select runs: %w", err)
	}
	runs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Run, error) {
		var r Run
		err := row.Scan(&r.Run, &r.Trigger, (*zeronull.Text)(&r.RequestedBy), &r.OpenedAt, &r.MaxAttempts)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("select runs: %w", err)
	}
	if len(runs) == 0 {
		runs = []Run{{Run: 1, Trigger: delivery.Automatic, OpenedAt: d.CreatedAt, MaxAttempts: d.MaxAttempts}}
	}
	return runs, nil
}

// nullInt scans a nullable integer into an int, 0 for null.
type nullInt int

// ScanInt64 implements pgtype.Int64Scanner.
func (n *nullInt) ScanInt64(v pgtype.Int8) error {
	*n = nullInt(v.Int64)
	return nil
}
