package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// Standing is what a batch of attempts finds, locked until the transaction ends.
type Standing struct {
	Deliveries map[uuid.UUID]delivery.Delivery
	Healths    map[uuid.UUID]delivery.Health // by destination; missing: never tried
	Stored     map[uuid.UUID]bool            // attempts that are in the table already
}

// LockStanding locks deliveries and then the health of destinations, each in the
// order of ids so that two of us cannot deadlock, in one round trip.
func (tx *Tx) LockStanding(ctx context.Context, deliveries, destinations, attempts []uuid.UUID) (Standing, error) {
	s := Standing{Deliveries: map[uuid.UUID]delivery.Delivery{}, Healths: map[uuid.UUID]delivery.Health{}, Stored: map[uuid.UUID]bool{}}
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

// Store writes an outcome in one round trip.
func (tx *Tx) Store(ctx context.Context, o Outcome) error {
	b := &pgx.Batch{}
	if len(o.Attempts) > 0 {
		b.Queue(insertAttempts, attemptArrays(o.Attempts)...)
	}
	if len(o.Deliveries) > 0 {
		b.Queue(updateDeliveries, deliveryArrays(o.Deliveries)...)
	}
	if len(o.Healths) > 0 {
		b.Queue(upsertHealths, healthArrays(o.Healths)...)
	}
	if len(o.Stats) > 0 {
		b.Queue(addStats, statsArrays(o.Stats)...)
	}
	if len(o.Jobs) > 0 {
		b.Queue(dropJobs, o.Jobs)
	}
	if err := tx.q.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("store attempts: %w", err)
	}
	return nil
}

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

// statsArrays turns rows into the columns that addStats takes.
func statsArrays(list []DestinationStats) []any {
	n := len(list)
	ids, since, durations := make([]uuid.UUID, n), make([]time.Time, n), make([]string, n)
	acked, failed := make([]int, n), make([]int, n)
	for i, s := range list {
		ids[i], since[i], acked[i], failed[i] = s.DestinationID, s.Since, s.Acked, s.Failed
		durations[i] = intArrayText(s.Durations[:])
	}
	return []any{ids, since, acked, failed, durations}
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
