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
	d.last_status_code, d.created_at, d.first_ack_at, d.finished_at`

// deliveryTargets returns where deliveryColumns go. What is null in the table is
// zero in Go.
func deliveryTargets(d *delivery.Delivery) []any {
	return []any{
		&d.ID, &d.AlertID, &d.DestinationID, &d.RoutedBy, &d.Status, (*zeronull.Text)(&d.Reason), &d.Run, &d.Attempts,
		&d.MaxAttempts, &d.Made, (*zeronull.Int8)(&d.JobID), &d.Priority, (*zeronull.Timestamptz)(&d.DueAt), (*zeronull.Timestamptz)(&d.HeldAt), &d.NextTrigger,
		(*zeronull.Text)(&d.NextBy), (*zeronull.UUID)(&d.LastAttemptID), (*zeronull.Text)(&d.LastClass),
		(*nullInt)(&d.LastCode), &d.CreatedAt, (*zeronull.Timestamptz)(&d.FirstAckAt), (*zeronull.Timestamptz)(&d.FinishedAt),
	}
}

func scanDelivery(row pgx.CollectableRow) (delivery.Delivery, error) {
	var d delivery.Delivery
	err := row.Scan(deliveryTargets(&d)...)
	return d, err
}

// InsertDeliveries stores new deliveries.
func (tx *Tx) InsertDeliveries(ctx context.Context, ds []delivery.Delivery) error {
	const query = `
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, max_attempts, job_id, due_at,
			held_at, next_trigger, next_by, created_at)
		SELECT id, alert_id, destination_id, routed_by, status, reason, max_attempts, job_id, due_at,
			held_at, next_trigger, next_by, created_at
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::bigint[],
			$9::timestamptz[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[])
			AS u (id, alert_id, destination_id, routed_by, status, reason, max_attempts, job_id, due_at,
			next_trigger, next_by, created_at, held_at)`
	n := len(ds)
	ids, alerts, destinations := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	routedBy, statuses, reasons := make([]string, n), make([]string, n), make([]zeronull.Text, n)
	budgets, jobs, due := make([]int, n), make([]zeronull.Int8, n), make([]zeronull.Timestamptz, n)
	triggers, by, created, held := make([]string, n), make([]zeronull.Text, n), make([]time.Time, n), make([]zeronull.Timestamptz, n)
	for i, d := range ds {
		ids[i], alerts[i], destinations[i] = d.ID, d.AlertID, d.DestinationID
		routedBy[i], statuses[i], reasons[i] = string(d.RoutedBy), string(d.Status), zeronull.Text(d.Reason)
		budgets[i], jobs[i], due[i] = d.MaxAttempts, zeronull.Int8(d.JobID), zeronull.Timestamptz(d.DueAt)
		triggers[i], by[i], created[i] = string(d.NextTrigger), zeronull.Text(d.NextBy), d.CreatedAt
		held[i] = zeronull.Timestamptz(d.HeldAt)
	}
	_, err := tx.q.Exec(ctx, query, ids, alerts, destinations, routedBy, statuses, reasons, budgets, jobs, due, triggers, by, created, held)
	if err != nil {
		return fmt.Errorf("insert deliveries: %w", err)
	}
	return nil
}

// UpdateDeliveries stores what a caller that holds the rows' locks changed.
func (tx *Tx) UpdateDeliveries(ctx context.Context, ds []delivery.Delivery) error {
	if _, err := tx.q.Exec(ctx, updateDeliveries, deliveryArrays(ds)...); err != nil {
		return fmt.Errorf("update deliveries: %w", err)
	}
	return nil
}

const updateDeliveries = `
		UPDATE deliveries d
		SET status = u.status, reason = u.reason, run = u.run, attempts = u.attempts, max_attempts = u.max_attempts,
		    made = u.made, job_id = u.job_id, priority = u.priority, due_at = u.due_at, held_at = u.held_at, next_trigger = u.next_trigger, next_by = u.next_by,
		    last_attempt_id = u.last_attempt_id, last_class = u.last_class, last_status_code = u.last_status_code,
		    first_ack_at = u.first_ack_at, finished_at = u.finished_at
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
			$8::bigint[], $9::timestamptz[], $10::text[], $11::text[], $12::uuid[], $13::text[], $14::integer[],
			$15::timestamptz[], $16::timestamptz[], $17::integer[], $18::timestamptz[])
			AS u (id, status, reason, run, attempts, max_attempts, made, job_id, due_at, next_trigger, next_by,
			last_attempt_id, last_class, last_status_code, first_ack_at, finished_at, priority, held_at)
		WHERE d.id = u.id`

// deliveryArrays turns rows into the columns that updateDeliveries takes.
func deliveryArrays(ds []delivery.Delivery) []any {
	n := len(ds)
	ids, statuses, reasons := make([]uuid.UUID, n), make([]string, n), make([]zeronull.Text, n)
	runs, attempts, budgets, made := make([]int, n), make([]int, n), make([]int, n), make([]int, n)
	jobs, due := make([]zeronull.Int8, n), make([]zeronull.Timestamptz, n)
	triggers, by := make([]string, n), make([]zeronull.Text, n)
	last, classes, codes := make([]zeronull.UUID, n), make([]zeronull.Text, n), make([]zeronull.Int4, n)
	acked, finished := make([]zeronull.Timestamptz, n), make([]zeronull.Timestamptz, n)
	priorities, held := make([]int, n), make([]zeronull.Timestamptz, n)
	for i, d := range ds {
		ids[i], statuses[i], reasons[i] = d.ID, string(d.Status), zeronull.Text(d.Reason)
		runs[i], attempts[i], budgets[i], made[i] = d.Run, d.Attempts, d.MaxAttempts, d.Made
		jobs[i], due[i] = zeronull.Int8(d.JobID), zeronull.Timestamptz(d.DueAt)
		triggers[i], by[i] = string(d.NextTrigger), zeronull.Text(d.NextBy)
		last[i], classes[i], codes[i] = zeronull.UUID(d.LastAttemptID), zeronull.Text(d.LastClass), zeronull.Int4(d.LastCode)
		acked[i], finished[i] = zeronull.Timestamptz(d.FirstAckAt), zeronull.Timestamptz(d.FinishedAt)
		priorities[i], held[i] = int(d.Priority), zeronull.Timestamptz(d.HeldAt)
	}
	return []any{
		ids, statuses, reasons, runs, attempts, budgets, made, jobs, due, triggers, by, last, classes, codes, acked,
		finished, priorities, held,
	}
}

// LockDeliveries returns deliveries by id, locked until the transaction ends, in
// the order of their ids so that two of us cannot deadlock.
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

// Outgoing loads deliveries with their alerts and destinations. What is gone is
// missing from the answer.
func (q queries) Outgoing(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*Outgoing, error) {
	const query = `
		SELECT ` + deliveryColumns + `, ` + alertColumns + `, ` + destinationColumns + `,
			h.not_answering_since, h.probe_delivery_id, h.slow_until
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
		targets = append(targets, (*zeronull.Timestamptz)(&o.Health.NotAnsweringSince),
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
