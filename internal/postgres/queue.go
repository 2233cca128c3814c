package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// DropJobs removes jobs that no longer may act. If such a job runs, its record meets the
// fence, and River does not mind that the row is gone.
func (tx *Tx) DropJobs(ids []int64) {
	if len(ids) > 0 {
		tx.pipeline.later("delete jobs", dropJobs, ids)
	}
}

const dropJobs = `
	DELETE FROM river_job
	WHERE id = ANY($1)`

// InsertRunningJobs stores jobs as River stores those that an instance has
// fetched, one for each delivery, and gives the deliveries their ids.
func (tx *Tx) InsertRunningJobs(ctx context.Context, instance, kind, queue string, maxAttempts int, owners []*Outgoing) error {
	const query = `
		INSERT INTO river_job (id, state, attempt, max_attempts, attempted_at, scheduled_at, priority, args, attempted_by, kind, queue)
		SELECT u.id, 'running', 1, $4, now(), now(), u.priority, jsonb_build_object('deliveryId', u.delivery_id), ARRAY[$5::text], $6, $7
		FROM unnest($1::bigint[], $2::uuid[], $3::smallint[]) AS u (id, delivery_id, priority)`
	ids, err := tx.nextJobIDs(ctx, len(owners))
	if err != nil {
		return err
	}
	c := newColumns(3)
	for i, out := range owners {
		out.Delivery.JobID = ids[i]
		c.int8(ids[i])
		c.id(out.Delivery.ID)
		c.int2(int(out.Delivery.Priority))
	}
	tx.pipeline.later("insert running jobs", query, append(c.args(), maxAttempts, instance, kind, queue)...)
	return nil
}

// nextJobIDs returns n ids that no job has or will have. They are fetched a block at a
// time, as a sequence's cache would.
func (tx *Tx) nextJobIDs(ctx context.Context, n int) ([]int64, error) {
	if ids := tx.jobIDs.take(n); ids != nil {
		return ids, nil
	}
	const query = `
		SELECT nextval(pg_get_serial_sequence('river_job', 'id'))
		FROM generate_series(1, $1)`
	rows, err := tx.q.Query(ctx, query, n+blockSize)
	if err != nil {
		return nil, fmt.Errorf("fetch job ids: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("fetch job ids: %w", err)
	}
	tx.jobIDs.put(ids[n:])
	return ids[:n], nil
}

// SkipJobIDs takes ids from the sequence until it is beyond all ids that are in use. It may
// be behind them after a failover to a replica that lagged. The sequence is never set,
// because other processes take ids at the same moment and must not get the same ones
// again. A gap of more than maxSkip takes several calls.
func (q queries) SkipJobIDs(ctx context.Context) error {
	const query = `
		SELECT max(nextval(pg_get_serial_sequence('river_job', 'id')))
		FROM generate_series(0, least($1::bigint, coalesce((
			SELECT max(id) - nextval(pg_get_serial_sequence('river_job', 'id'))
			FROM river_job), 0)))`
	if _, err := q.q.Exec(ctx, query, maxSkip); err != nil {
		return fmt.Errorf("skip job ids: %w", err)
	}
	return nil
}

// maxSkip is how many ids one call skips at most, which takes a second or two.
const maxSkip = 3_000_000

// idBlock is the block of job ids that was fetched last, as far as they are not used
// yet. What is left of it when the process ends is a gap.
type idBlock struct {
	mu  sync.Mutex
	ids []int64
}

const blockSize = 1000

// take returns n of them, or none.
func (b *idBlock) take(n int) []int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ids) < n {
		return nil
	}
	ids := b.ids[:n:n]
	b.ids = b.ids[n:]
	return ids
}

func (b *idBlock) put(ids []int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids = ids
}

// Snooze is how long a job waits until it is fetched.
type Snooze struct {
	JobID int64
	Wait  time.Duration
}

// EndJobs removes jobs that are over, and puts those back that have to wait: those that
// the instance runs according to the table. Another may have taken one over; and after
// a failover to a replica that lags, its id may be that of another job.
func (q queries) EndJobs(ctx context.Context, instance string, over []int64, snoozed []Snooze) error {
	const drop = `
		DELETE FROM river_job
		WHERE id = ANY($1) AND state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $2`
	const snooze = `
		UPDATE river_job j
		SET state = CASE WHEN u.wait > 0 THEN 'scheduled' ELSE 'available' END::river_job_state, attempt = 0,
		    scheduled_at = now() + u.wait * interval '1 second'
		FROM unnest($1::bigint[], $2::double precision[]) AS u (id, wait)
		WHERE j.id = u.id AND j.state = 'running' AND j.attempted_by[array_upper(j.attempted_by, 1)] = $3`
	b := &pgx.Batch{}
	if len(over) > 0 {
		b.Queue(drop, over, instance)
	}
	if len(snoozed) > 0 {
		ids, waits := make([]int64, len(snoozed)), make([]float64, len(snoozed))
		for i, s := range snoozed {
			ids[i], waits[i] = s.JobID, s.Wait.Seconds()
		}
		b.Queue(snooze, ids, waits, instance)
	}
	if err := q.q.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("end jobs: %w", err)
	}
	return nil
}

// FreeDueJobs makes jobs available whose time has come. Otherwise only River's leader does
// that, and after a crash there is no leader for up to 15 s.
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

// ReclaimLost gives back the jobs that an instance has according to the table, but not
// according to itself: their fetch was committed, and the answer was lost with its
// connection. It returns how many. A job whose row is locked is just being ended and is
// not lost. To wait for its lock could deadlock with a transaction that ends many jobs.
func (q queries) ReclaimLost(ctx context.Context, instance string, running []int64) (int64, error) {
	const query = `
		UPDATE river_job
		SET state = 'available', attempt = greatest(attempt - 1, 0), scheduled_at = now()
		WHERE id IN (
			SELECT id
			FROM river_job
			WHERE state = 'running'
			  AND attempted_by[array_upper(attempted_by, 1)] = $1
			  AND attempted_at < now() - interval '10 seconds'
			  AND NOT (id = ANY($2))
			ORDER BY id
			FOR UPDATE SKIP LOCKED)`
	tag, err := q.q.Exec(ctx, query, instance, running)
	if err != nil {
		return 0, fmt.Errorf("reclaim lost jobs: %w", err)
	}
	return tag.RowsAffected(), nil
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
