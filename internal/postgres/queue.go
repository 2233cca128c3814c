package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// JobState returns the state of a job as River names it, "" if it is gone.
func (tx *Tx) JobState(ctx context.Context, jobID int64) (string, error) {
	const query = `
		SELECT coalesce((SELECT state::text FROM river_job WHERE id = $1), '')`
	var state string
	if err := tx.q.QueryRow(ctx, query, jobID).Scan(&state); err != nil {
		return "", fmt.Errorf("select job state: %w", err)
	}
	return state, nil
}

// DropJobs removes jobs that no longer may act. One that runs meets its fence
// when it records, and River does not mind that its row is gone.
func (tx *Tx) DropJobs(ctx context.Context, ids []int64) error {
	const query = `
		DELETE FROM river_job
		WHERE id = ANY($1)`
	if _, err := tx.q.Exec(ctx, query, ids); err != nil {
		return fmt.Errorf("delete jobs: %w", err)
	}
	return nil
}

// FreeDueJobs makes jobs available whose time has come, which otherwise only
// River's leader does: after a crash there is none for up to 15 s.
func (q queries) FreeDueJobs(ctx context.Context) (int64, error) {
	const query = `
		UPDATE river_job
		SET state = 'available'
		WHERE id IN (
			SELECT id
			FROM river_job
			WHERE state IN ('scheduled', 'retryable') AND scheduled_at <= now()
			ORDER BY scheduled_at
			LIMIT 1000
			FOR UPDATE SKIP LOCKED)`
	tag, err := q.q.Exec(ctx, query)
	if err != nil {
		return 0, fmt.Errorf("free due jobs: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Beat writes that an instance is alive, by the database's clock.
func (q queries) Beat(ctx context.Context, instance, version string) error {
	const query = `
		INSERT INTO instances (id, started_at, seen_at, version)
		VALUES ($1, now(), now(), $2)
		ON CONFLICT (id) DO UPDATE SET seen_at = now()`
	if _, err := q.q.Exec(ctx, query, instance, version); err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	return nil
}

// Leave removes an instance that has stopped in order.
func (q queries) Leave(ctx context.Context, instance string) error {
	const query = `
		DELETE FROM instances
		WHERE id = $1`
	if _, err := q.q.Exec(ctx, query, instance); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// SweepDead gives back the jobs of instances that have not beaten for ten
// seconds, takes a dead leader's lease, and returns how many jobs it gave back.
// The attempt that River counted at the fetch is taken back: a crash charges
// nothing.
func (q queries) SweepDead(ctx context.Context) (int64, error) {
	const query = `
		WITH living AS (
			SELECT id FROM instances WHERE seen_at >= now() - interval '10 seconds'
		), gone AS (
			DELETE FROM instances WHERE seen_at < now() - interval '10 seconds'
		), lease AS (
			DELETE FROM river_leader WHERE leader_id NOT IN (SELECT id FROM living)
		)
		UPDATE river_job
		SET state = 'available', attempt = greatest(attempt - 1, 0), scheduled_at = now()
		WHERE state = 'running'
		  AND attempted_by[array_upper(attempted_by, 1)] NOT IN (SELECT id FROM living)`
	tag, err := q.q.Exec(ctx, query)
	if err != nil {
		return 0, fmt.Errorf("sweep dead instances: %w", err)
	}
	return tag.RowsAffected(), nil
}

// ReclaimLost gives back the jobs that an instance has according to the table,
// but not according to itself: their fetch was committed, and the answer lost
// with its connection. It returns how many.
func (q queries) ReclaimLost(ctx context.Context, instance string, running []int64) (int64, error) {
	const query = `
		UPDATE river_job
		SET state = 'available', attempt = greatest(attempt - 1, 0), scheduled_at = now()
		WHERE state = 'running'
		  AND attempted_by[array_upper(attempted_by, 1)] = $1
		  AND attempted_at < now() - interval '10 seconds'
		  AND NOT (id = ANY($2))`
	tag, err := q.q.Exec(ctx, query, instance, running)
	if err != nil {
		return 0, fmt.Errorf("reclaim lost jobs: %w", err)
	}
	return tag.RowsAffected(), nil
}

// SweepAll forgets every instance but one, for a database of which it is known
// that nobody else can be alive. SweepDead then does the rest.
func (q queries) SweepAll(ctx context.Context, but string) error {
	const query = `
		DELETE FROM instances
		WHERE id <> $1`
	if _, err := q.q.Exec(ctx, query, but); err != nil {
		return fmt.Errorf("forget instances: %w", err)
	}
	return nil
}

// LockStuck returns open deliveries, locked, that are overdue by more than a
// minute and whose job is gone, has ended, or waits for a later time: none of
// them would ever be sent, or in time.
func (tx *Tx) LockStuck(ctx context.Context, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		LEFT JOIN river_job j ON j.id = d.job_id
		WHERE d.status IN ('queued', 'retrying')
		  AND d.due_at < now() - interval '1 minute'
		  AND (j.id IS NULL
		       OR j.state IN ('completed', 'cancelled', 'discarded')
		       OR (j.state IN ('scheduled', 'retryable', 'available', 'pending') AND j.scheduled_at > now() + interval '1 minute'))
		ORDER BY d.due_at
		LIMIT $1
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockSome(ctx, query, limit)
}

// LockReleasable returns held deliveries, locked, of one destination and reason.
func (tx *Tx) LockReleasable(ctx context.Context, destinationID uuid.UUID, r delivery.Reason, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		WHERE d.status = 'held' AND d.destination_id = $1 AND d.reason = $2
		ORDER BY d.id
		LIMIT $3
		FOR NO KEY UPDATE SKIP LOCKED`
	return tx.lockSome(ctx, query, destinationID, r, limit)
}

// LockWaiting returns deliveries of one destination, locked, that stand in one of
// the statuses, whose next attempt has one of the triggers, and of which no
// attempt is in flight.
func (tx *Tx) LockWaiting(ctx context.Context, destinationID uuid.UUID, statuses []delivery.Status, triggers []delivery.Trigger, limit int) ([]delivery.Delivery, error) {
	const query = `
		SELECT ` + deliveryColumns + `
		FROM deliveries d
		LEFT JOIN river_job j ON j.id = d.job_id
		WHERE d.destination_id = $1
		  AND d.status = ANY($2) AND d.status IN ('queued', 'retrying', 'held')
		  AND d.next_trigger = ANY($3)
		  AND j.state IS DISTINCT FROM 'running'
		ORDER BY d.id
		LIMIT $4
		FOR NO KEY UPDATE OF d SKIP LOCKED`
	return tx.lockSome(ctx, query, destinationID, statuses, triggers, limit)
}

func (tx *Tx) lockSome(ctx context.Context, query string, args ...any) ([]delivery.Delivery, error) {
	rows, err := tx.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("lock deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanDelivery)
	if err != nil {
		return nil, fmt.Errorf("lock deliveries: %w", err)
	}
	return list, nil
}

// Holding returns the destinations whose held deliveries a reason no longer
// keeps, or may not: paused ones of active destinations.
func (q queries) Holding(ctx context.Context, r delivery.Reason) ([]uuid.UUID, error) {
	const query = `
		SELECT t.id
		FROM destinations t
		WHERE t.deleted_at IS NULL
		  AND ($1 <> 'paused' OR t.state = 'active')
		  AND EXISTS (
			SELECT FROM deliveries d
			WHERE d.status = 'held' AND d.destination_id = t.id AND d.reason = $1)`
	return q.ids(ctx, query, r)
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
			WHERE d.status IN ('queued', 'retrying') AND d.destination_id = t.id AND d.next_trigger = 'automatic')`
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
