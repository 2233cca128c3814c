package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/delivery"
	"belfry/internal/destination"
)

// DestinationQueue is a destination with what a new delivery to it would wait behind.
type DestinationQueue struct {
	Destination   destination.Destination
	Misconfigured error // as in Outgoing
	Health        delivery.Health
	Due           int  // deliveries that are due and have a job, counted up to a limit
	Busy          bool // others are held because the destination is busy, re-sends in bulk left out
}

// The last subquery is no EXISTS, because that can be planned as a hash of all deliveries
// that are held busy: with 13,000 of them, other destinations waited 20 ms for it.
const selectQueues = `
	SELECT ` + destinationColumns + `, h.held_since, h.slow_until, (
		SELECT count(*)
		FROM (
			SELECT FROM deliveries d
			WHERE d.status IN ('queued', 'retrying') AND d.destination_id = t.id AND d.due_at <= now()
			LIMIT $2) AS due), coalesce((
		SELECT true
		FROM deliveries d
		WHERE d.status = 'held' AND d.destination_id = t.id AND d.reason = 'busy' AND d.priority < 4
		LIMIT 1), false)
	FROM destinations t
	LEFT JOIN destination_health h ON h.destination_id = t.id
	WHERE t.id = ANY($1)`

func (q queries) scanQueues(rows pgx.Rows, found map[uuid.UUID]DestinationQueue) error {
	defer rows.Close()
	for rows.Next() {
		var (
			t     sealedRow
			queue DestinationQueue
		)
		targets := append(t.targets(), (*zeronull.Timestamptz)(&queue.Health.HeldSince),
			(*zeronull.Timestamptz)(&queue.Health.SlowUntil), &queue.Due, &queue.Busy)
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("select destination queues: %w", err)
		}
		queue.Destination, queue.Misconfigured = q.open(t)
		queue.Health.DestinationID = t.d.ID
		found[t.d.ID] = queue
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("select destination queues: %w", err)
	}
	return nil
}

// Targets returns what decides whether deliveries may go to destinations. Deleted ones are
// missing.
func (q queries) Targets(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]delivery.Target, error) {
	const query = `
		SELECT ` + destinationColumns + `, h.held_since, h.probe_delivery_id, h.slow_until
		FROM destinations t
		LEFT JOIN destination_health h ON h.destination_id = t.id
		WHERE t.id = ANY($1) AND t.deleted_at IS NULL`
	rows, err := q.q.Query(ctx, query, ids)
	if err != nil {
		return nil, fmt.Errorf("select targets: %w", err)
	}
	found := make(map[uuid.UUID]delivery.Target, len(ids))
	defer rows.Close()
	for rows.Next() {
		var (
			t sealedRow
			h delivery.Health
		)
		targets := append(t.targets(), (*zeronull.Timestamptz)(&h.HeldSince),
			(*zeronull.UUID)(&h.Probing), (*zeronull.Timestamptz)(&h.SlowUntil))
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("select targets: %w", err)
		}
		d, _ := q.open(t) // without settings it is not usable
		found[d.ID] = delivery.TargetOf(d, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("select targets: %w", err)
	}
	return found, nil
}

// Hold says that a destination has deliveries that are held for a reason.
type Hold struct {
	DestinationID uuid.UUID
	Reason        delivery.Reason
}

// Holds returns which destinations have deliveries held for which reasons. It reads one
// index entry for each pair, however many rows the pair has.
func (q queries) Holds(ctx context.Context) ([]Hold, error) {
	const query = `
		WITH RECURSIVE pair AS (
			(SELECT d.destination_id, d.reason
			 FROM deliveries d
			 WHERE d.status = 'held'
			 ORDER BY d.destination_id, d.reason
			 LIMIT 1)
			UNION ALL
			SELECT n.destination_id, n.reason
			FROM pair p
			CROSS JOIN LATERAL (
				SELECT d.destination_id, d.reason
				FROM deliveries d
				WHERE d.status = 'held' AND (d.destination_id, d.reason) > (p.destination_id, p.reason)
				ORDER BY d.destination_id, d.reason
				LIMIT 1) AS n
		)
		SELECT destination_id, reason
		FROM pair`
	rows, err := q.q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select holds: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hold])
	if err != nil {
		return nil, fmt.Errorf("select holds: %w", err)
	}
	return list, nil
}

// HeldManual returns the destinations with held deliveries that a person asked for,
// in the way of Holds.
func (q queries) HeldManual(ctx context.Context) ([]uuid.UUID, error) {
	const query = `
		WITH RECURSIVE held AS (
			(SELECT d.destination_id
			 FROM deliveries d
			 WHERE ` + heldManual + `
			 ORDER BY d.destination_id
			 LIMIT 1)
			UNION ALL
			SELECT n.destination_id
			FROM held h
			CROSS JOIN LATERAL (
				SELECT d.destination_id
				FROM deliveries d
				WHERE ` + heldManual + ` AND d.destination_id > h.destination_id
				ORDER BY d.destination_id
				LIMIT 1) AS n
		)
		SELECT destination_id
		FROM held`
	return q.ids(ctx, query)
}

// heldManual is of deliveries as delivery.Delivery.Manual is, and of those that are held.
const heldManual = `d.status = 'held' AND d.next_trigger <> 'automatic' AND d.priority < 4`

// Due counts the deliveries of a destination that are due and have a job, up to a
// limit.
func (q queries) Due(ctx context.Context, destinationID uuid.UUID, limit int) (n int, err error) {
	const query = `
		SELECT count(*)
		FROM (
			SELECT
			FROM deliveries d
			WHERE d.status IN ('queued', 'retrying') AND d.destination_id = $1 AND d.due_at <= now()
			LIMIT $2) AS due`
	if err := q.q.QueryRow(ctx, query, destinationID, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("count due deliveries: %w", err)
	}
	return n, nil
}

// MaxKept is how many bytes of text an alert may have that is kept in memory until
// a delivery has its turn; a larger one is loaded then.
const MaxKept = 16 << 10

// keptAlert selects the columns of an alert, and its size. The long columns of an alert
// that is larger than MaxKept, $2, are left out.
const keptAlert = `a.id, a.alert_id, a.detection_id, a.severity, a.type, a.title, a.name, a.link,
	CASE WHEN s.size <= $2 THEN a.description ELSE '' END, CASE WHEN s.size <= $2 THEN a.runbook ELSE '' END,
	a.version, a.tags, a.log_types, CASE WHEN s.size <= $2 THEN a.context END` + alertEnd + `, s.size`

const joinKept = `
		JOIN alerts a ON a.id = d.alert_id
		CROSS JOIN LATERAL (
			SELECT coalesce(octet_length(a.context), 0) + octet_length(a.description) + octet_length(a.runbook)
				+ octet_length(a.title) + octet_length(a.name) + octet_length(a.link) + octet_length(a.version)
				+ pg_column_size(a.tags) + pg_column_size(a.log_types) + coalesce(pg_column_size(a.override), 0) AS size) AS s`

// LockManual returns held deliveries of one destination with their alerts, locked,
// that a person asked for, in the order in which they were asked for. Deliveries that are
// held our_side are left out, because each waits for a time of its own. An alert that is
// larger than MaxKept is missing: it is loaded when it is sent.
func (tx *Tx) LockManual(ctx context.Context, destinationID uuid.UUID, limit int) ([]*Outgoing, error) {
	const query = `
		SELECT ` + deliveryColumns + `, ` + keptAlert + `
		FROM deliveries d` + joinKept + `
		WHERE ` + heldManual + ` AND d.destination_id = $1 AND d.reason <> 'our_side'
		ORDER BY d.due_at, d.id
		LIMIT $3
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockKept(ctx, query, destinationID, MaxKept, limit)
}

// LockReleasable returns deliveries of one destination with their alerts, locked,
// that are held for one of the reasons and whose priority is between first and last, in
// the order in which they go. Deliveries that a person asked for are left out. An alert
// that is larger than MaxKept is missing: it is loaded when it is sent.
func (tx *Tx) LockReleasable(ctx context.Context, destinationID uuid.UUID, reasons []delivery.Reason, first, last delivery.Priority, limit int) ([]*Outgoing, error) {
	const query = `
		SELECT ` + deliveryColumns + `, ` + keptAlert + `
		FROM deliveries d` + joinKept + `
		WHERE d.status = 'held' AND d.reason = ANY($3) AND d.id = ANY(ARRAY(
			SELECT chosen.id
			FROM unnest($3::text[]) AS r (reason)
			CROSS JOIN LATERAL (
				SELECT h.id, h.priority
				FROM deliveries h
				WHERE h.status = 'held' AND h.destination_id = $1 AND h.reason = r.reason AND h.priority BETWEEN $4 AND $5
				  AND (h.next_trigger = 'automatic' OR h.priority = 4)
				ORDER BY h.priority, h.id
				LIMIT $6) AS chosen
			ORDER BY chosen.priority, chosen.id
			LIMIT $6))
		ORDER BY d.priority, d.id
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockKept(ctx, query, destinationID, MaxKept, reasons, first, last, limit)
}

func (tx *Tx) lockKept(ctx context.Context, query string, args ...any) ([]*Outgoing, error) {
	rows, err := tx.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("lock releasable deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Outgoing, error) {
		var (
			o    = new(Outgoing)
			a    alertRow
			size int
		)
		err := row.Scan(append(append(deliveryTargets(&o.Delivery), a.targets()...), &size)...)
		if size <= MaxKept {
			o.Alert = a.alert()
		}
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("lock releasable deliveries: %w", err)
	}
	return list, nil
}

// LockProbe returns the held delivery, locked, whose turn it is to try whether a
// destination answers: the one whose own wait has been over for longest. There
// may be none.
func (tx *Tx) LockProbe(ctx context.Context, destinationID uuid.UUID, now time.Time) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		WHERE d.status = 'held' AND d.reason = 'failing' AND d.destination_id = $1 AND d.due_at <= $2
		ORDER BY d.due_at
		LIMIT 1
		FOR NO KEY UPDATE SKIP LOCKED`
	return tx.lockSome(ctx, query, destinationID, now)
}

// LockOurSide returns deliveries, locked, that are held for a fault of our own side and
// whose wait is over at a time. Those that have been due for longest come first.
func (tx *Tx) LockOurSide(ctx context.Context, now time.Time, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		WHERE d.status = 'held' AND d.reason = 'our_side' AND d.due_at <= $1
		ORDER BY d.due_at
		LIMIT $2
		FOR NO KEY UPDATE SKIP LOCKED`
	return tx.lockSome(ctx, query, now, limit)
}

// LockExpired returns deliveries, locked, that have been held since before a time
// for a destination that still keeps failing.
func (tx *Tx) LockExpired(ctx context.Context, before time.Time, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		JOIN destinations t ON t.id = d.destination_id
		JOIN destination_health h ON h.destination_id = d.destination_id
		WHERE d.status = 'held' AND d.reason = 'failing' AND d.held_at < $1
		  AND t.deleted_at IS NULL AND t.state = 'active' AND t.hold_failing AND h.held_since IS NOT NULL
		ORDER BY d.held_at
		LIMIT $2
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockSome(ctx, query, before, limit)
}

// Rename gives at most limit held deliveries of a destination another reason, because
// theirs is no longer true: those that a person asked for, or all others. It returns how
// many it renamed.
func (q queries) Rename(ctx context.Context, destinationID uuid.UUID, manual bool, from, to delivery.Reason, now time.Time, limit int) (int64, error) {
	const query = `
		UPDATE deliveries
		SET reason = $3, held_at = $4
		WHERE id IN (
			SELECT d.id
			FROM deliveries d
			WHERE d.status = 'held' AND d.destination_id = $1 AND d.reason = $2
			  AND (d.next_trigger <> 'automatic' AND d.priority < 4) = $6
			LIMIT $5
			FOR NO KEY UPDATE SKIP LOCKED)`
	tag, err := q.q.Exec(ctx, query, destinationID, from, to, now, limit, manual)
	if err != nil {
		return 0, fmt.Errorf("rename holds: %w", err)
	}
	return tag.RowsAffected(), nil
}

// LockWaiting returns deliveries of one destination, locked, that have a job but no attempt
// in flight, and that no person asked for. The delivery that probes is not among them.
func (tx *Tx) LockWaiting(ctx context.Context, destinationID, probing uuid.UUID, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		LEFT JOIN river_job j ON j.id = d.job_id
		WHERE d.destination_id = $1 AND d.status IN ('queued', 'retrying')
		  AND (d.next_trigger = 'automatic' OR d.priority = 4)
		  AND d.id <> $2
		  AND j.state IS DISTINCT FROM 'running'
		ORDER BY d.due_at
		LIMIT $3
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockSome(ctx, query, destinationID, probing, limit)
}

// LockOpen returns open deliveries of one destination, locked, that have no attempt in
// flight.
func (tx *Tx) LockOpen(ctx context.Context, destinationID uuid.UUID, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		LEFT JOIN river_job j ON j.id = d.job_id
		WHERE d.destination_id = $1 AND d.status IN ('queued', 'retrying', 'held')
		  AND j.state IS DISTINCT FROM 'running'
		LIMIT $2
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockSome(ctx, query, destinationID, limit)
}

// HasOpen reports whether a destination has open deliveries.
func (q queries) HasOpen(ctx context.Context, destinationID uuid.UUID) (open bool, err error) {
	const query = `
		SELECT EXISTS (
			SELECT FROM deliveries
			WHERE destination_id = $1 AND status IN ('queued', 'retrying', 'held'))`
	if err := q.q.QueryRow(ctx, query, destinationID).Scan(&open); err != nil {
		return false, fmt.Errorf("look for open deliveries: %w", err)
	}
	return open, nil
}

// PausedWithOpen returns paused destinations that have deliveries which still
// have a job.
func (q queries) PausedWithOpen(ctx context.Context) ([]uuid.UUID, error) {
	const query = `
		SELECT t.id
		FROM destinations t
		WHERE t.deleted_at IS NULL AND t.state = 'paused'
		  AND EXISTS (
			SELECT FROM deliveries d
			WHERE d.status IN ('queued', 'retrying') AND d.destination_id = t.id
			  AND (d.next_trigger = 'automatic' OR d.priority = 4))`
	return q.ids(ctx, query)
}

// FailingWithOpen returns destinations that keep failing and have deliveries which
// still have a job.
func (q queries) FailingWithOpen(ctx context.Context) ([]uuid.UUID, error) {
	const query = `
		SELECT h.destination_id
		FROM destination_health h
		JOIN destinations t ON t.id = h.destination_id
		WHERE h.held_since IS NOT NULL AND t.deleted_at IS NULL AND t.state = 'active'
		  AND EXISTS (
			SELECT FROM deliveries d
			WHERE d.status IN ('queued', 'retrying') AND d.destination_id = t.id
			  AND (d.next_trigger = 'automatic' OR d.priority = 4) AND d.id IS DISTINCT FROM h.probe_delivery_id)`
	return q.ids(ctx, query)
}

// DeletedWithOpen returns deleted destinations that have open deliveries.
func (q queries) DeletedWithOpen(ctx context.Context) ([]uuid.UUID, error) {
	const query = `
		SELECT t.id
		FROM destinations t
		WHERE t.deleted_at IS NOT NULL
		  AND (EXISTS (
				SELECT FROM deliveries d
				WHERE d.status IN ('queued', 'retrying') AND d.destination_id = t.id)
			OR EXISTS (
				SELECT FROM deliveries d
				WHERE d.status = 'held' AND d.destination_id = t.id))`
	return q.ids(ctx, query)
}

func (q queries) ids(ctx context.Context, query string, args ...any) ([]uuid.UUID, error) {
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select destinations with work: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("select destinations with work: %w", err)
	}
	return list, nil
}
