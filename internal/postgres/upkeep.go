package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
)

// ErrDetached is returned if the table of a partition of attempts exists but is no
// partition, because somebody has detached it.
var ErrDetached = errors.New("is a table of its own and no partition of attempts: attach it, or rename it so that another can be made")

// EnsurePartitions makes the partitions of attempts for the weeks that hold the
// times, if they are missing. It returns ErrDetached for one that cannot be made
// because a table has its name.
func (q queries) EnsurePartitions(ctx context.Context, times ...time.Time) error {
	const make = `
		SELECT attempts_partition(at)
		FROM unnest($1::timestamptz[]) AS at`
	const detached = `
		SELECT p.name
		FROM (SELECT attempts_partition(at) AS name FROM unnest($1::timestamptz[]) AS at) AS p
		WHERE to_regclass(p.name) IS NOT NULL AND NOT EXISTS (
			SELECT FROM pg_inherits i
			WHERE i.inhrelid = to_regclass(p.name) AND i.inhparent = 'attempts'::regclass AND NOT i.inhdetachpending)
		ORDER BY p.name`
	var names []string
	b := &pgx.Batch{} // the second finds what the first has made, if it was not dropped in between
	b.Queue(make, times)
	b.Queue(detached, times).Query(func(rows pgx.Rows) (err error) {
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err := q.q.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	if len(names) > 0 {
		return fmt.Errorf("make partitions: %s %w", names[0], ErrDetached)
	}
	return nil
}

// DropAttempts drops the partitions of attempts whose week ended before a time
// and returns their names. A partition that still holds an attempt of an open delivery
// stays. A partition that cannot be dropped now, because somebody reads it, does not keep
// the others from being dropped: the error names it.
func (db *DB) DropAttempts(ctx context.Context, before time.Time) ([]string, error) {
	const query = `
		SELECT c.relname
		FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'attempts'::regclass
		ORDER BY c.relname`
	rows, err := db.q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select partitions: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("select partitions: %w", err)
	}
	var (
		dropped []string
		failed  error
	)
	for _, name := range names {
		monday, err := time.Parse("attempts_20060102", name)
		if err != nil || !monday.AddDate(0, 0, 7).Before(before) {
			continue
		}
		ok, err := db.dropPartition(ctx, name)
		if ok {
			dropped = append(dropped, name)
		}
		failed = errors.Join(failed, err)
		if IsAway(err) || ctx.Err() != nil {
			break
		}
	}
	return dropped, failed
}

// dropPartition waits only a moment for its lock. A queue of readers behind it would be
// worse than a partition that is dropped an hour later.
func (db *DB) dropPartition(ctx context.Context, name string) (dropped bool, err error) {
	table := pgx.Identifier{name}.Sanitize()
	err = db.Exclusively(ctx, "drop partition", func(tx *Tx) error {
		if _, err := tx.q.Exec(ctx, "SET LOCAL lock_timeout = '2s'"); err != nil {
			return err
		}
		var there, open bool
		if err := tx.q.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&there); err != nil || !there {
			return err
		}
		err := tx.q.QueryRow(ctx, `
			SELECT EXISTS (
				SELECT FROM `+table+` x
				JOIN deliveries d ON d.id = x.delivery_id
				WHERE d.status IN ('queued', 'retrying', 'held'))`).Scan(&open)
		if err != nil || open {
			return err
		}
		_, err = tx.q.Exec(ctx, "DROP TABLE "+table)
		dropped = err == nil
		return err
	})
	if errors.Is(err, ErrLocked) {
		return false, nil // another replica drops it
	}
	if err != nil {
		return false, fmt.Errorf("drop partition %s: %w", name, err)
	}
	return dropped, nil
}

// DropAlerts deletes at most limit alerts accepted before a time, with their
// deliveries, and returns how many. One with an open delivery stays.
func (db *DB) DropAlerts(ctx context.Context, before time.Time, limit int) (int64, error) {
	var n int64
	err := db.InTx(ctx, func(tx *Tx) error {
		const choose = `
			SELECT a.id
			FROM alerts a
			WHERE a.id < $1
			  AND NOT EXISTS (
				SELECT FROM deliveries d
				WHERE d.alert_id = a.id AND (d.finished_at IS NULL OR d.finished_at >= $2))
			ORDER BY a.id
			LIMIT $3
			FOR UPDATE SKIP LOCKED`
		rows, err := tx.q.Query(ctx, choose, idAt(before), before, limit)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil || len(ids) == 0 {
			return err
		}
		// A re-send may reopen a delivery between the choice and here: each row is
		// judged again as it is deleted, and its alert then stays.
		const deliveries = `
			DELETE FROM deliveries
			WHERE alert_id = ANY($1) AND finished_at < $2`
		if _, err := tx.q.Exec(ctx, deliveries, ids, before); err != nil {
			return err
		}
		const alerts = `
			DELETE FROM alerts a
			WHERE a.id = ANY($1) AND NOT EXISTS (SELECT FROM deliveries d WHERE d.alert_id = a.id)`
		tag, err := tx.q.Exec(ctx, alerts, ids)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drop alerts: %w", err)
	}
	return n, nil
}

// QueueStatistics say how much is open, and how late.
type QueueStatistics struct {
	Open      map[delivery.Status]int64 // by status: queued, retrying, held
	Held      map[delivery.Reason]int64 // by reason
	Failing   int64                     // destinations whose deliveries are held as failing
	OldestDue time.Duration             // how long the most overdue delivery has been due
}

// QueueStatistics counts open deliveries, by partial indexes only.
func (q queries) QueueStatistics(ctx context.Context) (QueueStatistics, error) {
	const query = `
		SELECT status, '', count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8
		FROM deliveries
		WHERE status IN ('queued', 'retrying')
		GROUP BY status
		UNION ALL
		SELECT 'held', reason, count(*), 0
		FROM deliveries
		WHERE status = 'held'
		GROUP BY reason
		UNION ALL
		SELECT '', 'failing', count(*), 0
		FROM destination_health h
		JOIN destinations t ON t.id = h.destination_id
		WHERE h.held_since IS NOT NULL AND t.deleted_at IS NULL`
	s := QueueStatistics{
		Open: map[delivery.Status]int64{delivery.Queued: 0, delivery.Retrying: 0, delivery.Held: 0},
		Held: map[delivery.Reason]int64{},
	}
	for _, r := range delivery.HoldReasons() {
		s.Held[r] = 0
	}
	rows, err := q.q.Query(ctx, query)
	if err != nil {
		return s, fmt.Errorf("count open deliveries: %w", err)
	}
	var (
		status  delivery.Status
		reason  delivery.Reason
		n       int64
		overdue float64
	)
	_, err = pgx.ForEachRow(rows, []any{&status, &reason, &n, &overdue}, func() error {
		switch {
		case status == "":
			s.Failing = n
		case reason != "":
			s.Held[reason] = n
			s.Open[status] += n
		default:
			s.Open[status] = n
		}
		s.OldestDue = max(s.OldestDue, time.Duration(overdue*float64(time.Second)))
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("count open deliveries: %w", err)
	}
	return s, nil
}

// ErrLocked is returned when another replica is at the same work.
var ErrLocked = errors.New("another replica does this at the moment")

// Exclusively runs fn in a transaction that at most one replica runs at a time
// for the given name; it returns ErrLocked at once if another does.
func (db *DB) Exclusively(ctx context.Context, name string, fn func(*Tx) error) error {
	return db.InTx(ctx, func(tx *Tx) error {
		var mine bool
		const query = `
			SELECT pg_try_advisory_xact_lock(hashtext($1))`
		if err := tx.q.QueryRow(ctx, query, name).Scan(&mine); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		if !mine {
			return ErrLocked
		}
		return fn(tx)
	})
}
