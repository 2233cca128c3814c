package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// DeliveryState is what a batch of attempts is settled on.
type DeliveryState struct {
	Deliveries map[uuid.UUID]delivery.Delivery
	Healths    map[uuid.UUID]delivery.Health // by destination; missing: never tried
	Stored     map[uuid.UUID]bool            // attempts that are in the table already
}

// LockDeliveryState locks deliveries and then the health of destinations in one round
// trip, and says which of the attempts are stored already. Rows are locked in the order
// of their ids, so that two transactions cannot deadlock.
func (tx *Tx) LockDeliveryState(ctx context.Context, deliveries, destinations, attempts []uuid.UUID) (DeliveryState, error) {
	s := DeliveryState{Deliveries: map[uuid.UUID]delivery.Delivery{}, Healths: map[uuid.UUID]delivery.Health{}, Stored: map[uuid.UUID]bool{}}
	const stored = `
		SELECT id
		FROM attempts
		WHERE id = ANY($1)`
	b := &pgx.Batch{}
	b.Queue(lockDeliveries, deliveries).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanDelivery)
		for _, d := range list {
			s.Deliveries[d.ID] = d
		}
		return err
	})
	b.Queue(lockHealths, destinations).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanHealth)
		for _, h := range list {
			s.Healths[h.DestinationID] = h
		}
		return err
	})
	if len(attempts) > 0 {
		b.Queue(stored, attempts).Query(func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			for _, id := range list {
				s.Stored[id] = true
			}
			return err
		})
	}
	if err := tx.q.SendBatch(ctx, b).Close(); err != nil {
		return s, fmt.Errorf("lock what attempts change: %w", err)
	}
	return s, nil
}

// Outcome is what a batch of attempts leads to.
type Outcome struct {
	Attempts   []delivery.Attempt
	Deliveries []delivery.Delivery // in the order of their ids
	Healths    []delivery.Health
	Stats      []DestinationStats
	Jobs       []int64 // that have nothing more to do
}

// DestinationStats are to be added to what is stored for the destination.
type DestinationStats struct {
	DestinationID uuid.UUID
	delivery.Stats
}

// Store writes an outcome.
func (tx *Tx) Store(o Outcome) {
	if len(o.Attempts) > 0 {
		tx.pipeline.later("insert attempts", insertAttempts, attemptRows(o.Attempts)...)
	}
	tx.UpdateDeliveries(o.Deliveries)
	if len(o.Healths) > 0 {
		tx.pipeline.later("save destination health", upsertHealths, healthRows(o.Healths)...)
	}
	if len(o.Stats) > 0 {
		tx.pipeline.later("add stats", addStats, statsRows(o.Stats)...)
	}
	tx.DropJobs(o.Jobs)
}

// StoreAcks writes an outcome of acks only, that was decided on deliveries as they
// were before their attempts, and on destinations of which no failure was known.
// Nothing is read or locked before. When any of that has changed since, COMMIT
// returns ErrChanged.
func (tx *Tx) StoreAcks(o Outcome, jobs []int64) {
	tx.pipeline.later("store acks", updateAcked, ackedRows(o.Deliveries, jobs)...)
	tx.pipeline.later("insert attempts", insertAttempts, attemptRows(o.Attempts)...)
	c := newColumns(2)
	for i := range o.Healths {
		c.id(o.Healths[i].DestinationID)
		c.time(o.Healths[i].LastAckAt)
	}
	tx.pipeline.later("save destination health", upsertAcking, append(c.args(), len(o.Healths))...)
	tx.pipeline.later("add stats", addStats, statsRows(o.Stats)...)
	tx.DropJobs(o.Jobs)
}

const updateAcked = `
	WITH acked AS (
		UPDATE deliveries d
		SET status = 'delivered', reason = NULL, attempts = u.attempts, made = u.made, job_id = NULL, due_at = NULL,
		    held_at = NULL, next_trigger = 'automatic', next_by = NULL, last_attempt_id = u.last_attempt_id,
		    last_class = 'acked', last_status_code = u.last_status_code, first_ack_at = u.first_ack_at,
		    finished_at = u.finished_at, uncounted = 0, wait_reason = NULL, wait_since = NULL
		FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::integer[], $5::uuid[], $6::integer[],
			$7::timestamptz[], $8::timestamptz[])
			AS u (id, job_id, attempts, made, last_attempt_id, last_status_code, first_ack_at, finished_at)
		WHERE d.id = u.id AND d.job_id = u.job_id AND d.made = u.made - 1
		RETURNING d.id
	)
	SELECT insist_unchanged(count(*), $9)
	FROM acked`

// ackedRows returns the columns that updateAcked takes.
func ackedRows(ds []delivery.Delivery, jobs []int64) []any {
	c := newColumns(8)
	for i := range ds {
		d := &ds[i]
		c.id(d.ID)
		c.int8(jobs[i])
		c.int4(d.Attempts)
		c.int4(d.Made)
		c.id(d.LastAttemptID)
		c.int4(d.LastCode)
		c.time(d.FirstAckAt)
		c.time(d.FinishedAt)
	}
	return append(c.args(), len(ds))
}

const upsertAcking = `
	WITH acking AS (
		INSERT INTO destination_health AS h (destination_id, last_ack_at)
		SELECT id, last_ack_at
		FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, last_ack_at)
		ON CONFLICT (destination_id) DO UPDATE
		SET last_ack_at = greatest(h.last_ack_at, excluded.last_ack_at)
		WHERE h.failures = 0 AND h.unacked = 0 AND h.held_since IS NULL
		RETURNING h.destination_id
	)
	SELECT insist_unchanged(count(*), $3)
	FROM acking`

const addStats = `
	INSERT INTO destination_stats AS s (destination_id, since, acked, failed, durations)
	SELECT u.destination_id, u.since, u.acked, u.failed, u.durations::integer[]
	FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[], $4::integer[], $5::text[])
		AS u (destination_id, since, acked, failed, durations)
	ON CONFLICT (destination_id, since) DO UPDATE
	SET acked = s.acked + excluded.acked, failed = s.failed + excluded.failed,
	    durations = (
		SELECT array_agg(p.x + p.y ORDER BY p.i)
		FROM unnest(s.durations, excluded.durations) WITH ORDINALITY AS p (x, y, i))`

// statsRows returns the columns that addStats takes.
func statsRows(list []DestinationStats) []any {
	c := newColumns(5)
	for i := range list {
		s := &list[i]
		c.id(s.DestinationID)
		c.time(s.Since)
		c.int4(s.Acked)
		c.int4(s.Failed)
		c.text(intArrayText(s.Durations[:]))
	}
	return c.args()
}

// Stats returns what became of attempts at destinations since a time, oldest
// first.
func (q queries) Stats(ctx context.Context, ids []uuid.UUID, from time.Time) (map[uuid.UUID][]delivery.Stats, error) {
	const query = `
		SELECT destination_id, since, acked, failed, durations
		FROM destination_stats
		WHERE destination_id = ANY($1) AND since >= $2
		ORDER BY destination_id, since`
	rows, err := q.q.Query(ctx, query, ids, from)
	if err != nil {
		return nil, fmt.Errorf("select destination stats: %w", err)
	}
	var (
		id        uuid.UUID
		s         delivery.Stats
		durations []int32
	)
	found := map[uuid.UUID][]delivery.Stats{}
	_, err = pgx.ForEachRow(rows, []any{&id, &s.Since, &s.Acked, &s.Failed, &durations}, func() error {
		s.Durations = delivery.Durations{}
		copy(s.Durations[:], durations)
		found[id] = append(found[id], s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select destination stats: %w", err)
	}
	return found, nil
}

// DropStats deletes stats older than a time.
func (q queries) DropStats(ctx context.Context, before time.Time) error {
	const query = `
		DELETE FROM destination_stats
		WHERE since < $1`
	if _, err := q.q.Exec(ctx, query, before); err != nil {
		return fmt.Errorf("delete destination stats: %w", err)
	}
	return nil
}
