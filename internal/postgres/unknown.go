package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
)

// UnknownName is a name, or an id, of a destination that alerts gave and that
// nobody had when they were accepted.
type UnknownName struct {
	Name            string // as the alerts have it
	Alerts          int
	FirstAt, LastAt time.Time // of acceptance
	LastAlertID     string
}

const (
	// MostUnknownAlerts is how many alerts UnknownNames scans, newest first.
	MostUnknownAlerts = 10_000
	maxUnknownNames   = 1000
)

// UnknownNames returns the names of destinations that alerts accepted since a time gave and
// nobody had, the latest first. If there are many such alerts, it scans only the newest,
// and capped is true.
func (q queries) UnknownNames(ctx context.Context, since time.Time) (names []UnknownName, capped bool, err error) {
	const query = `
		WITH scanned AS MATERIALIZED (
			SELECT a.id, a.alert_id, a.accepted_at, a.unknown_destinations
			FROM alerts a
			WHERE a.unknown_destinations <> '{}' AND a.id >= $1
			ORDER BY a.id DESC
			LIMIT $2)
		SELECT n.name, count(*), min(s.accepted_at), max(s.accepted_at), (array_agg(s.alert_id ORDER BY s.id DESC))[1],
			(SELECT count(*) FROM scanned) >= $2
		FROM scanned s
		CROSS JOIN LATERAL unnest(s.unknown_destinations) AS n (name)
		GROUP BY n.name
		ORDER BY max(s.accepted_at) DESC, n.name
		LIMIT $3`
	rows, err := q.q.Query(ctx, query, idAt(since), MostUnknownAlerts, maxUnknownNames)
	if err != nil {
		return nil, false, fmt.Errorf("select unknown destinations: %w", err)
	}
	names, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (UnknownName, error) {
		var n UnknownName
		err := row.Scan(&n.Name, &n.Alerts, &n.FirstAt, &n.LastAt, &n.LastAlertID, &capped)
		return n, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("select unknown destinations: %w", err)
	}
	return names, capped, nil
}

// Tellings returns how many times since a time it was told that alerts name
// destinations that nobody has, and when last.
func (tx *Tx) Tellings(ctx context.Context, since time.Time) (times int, last time.Time, err error) {
	const query = `
		SELECT count(DISTINCT told_at), max(told_at)
		FROM unknown_destinations
		WHERE told_at > $1`
	if err := tx.q.QueryRow(ctx, query, since).Scan(&times, (*zeronull.Timestamptz)(&last)); err != nil {
		return 0, last, fmt.Errorf("select tellings: %w", err)
	}
	return times, last, nil
}

// TellUnknown stores that names, given by their keys, are told now. It leaves out names that
// were told since another time, and returns the others.
func (tx *Tx) TellUnknown(ctx context.Context, keys [][]byte, at, unlessSince time.Time) ([][]byte, error) {
	const query = `
		INSERT INTO unknown_destinations AS u (key, told_at)
		SELECT key, $2
		FROM unnest($1::bytea[]) AS n (key)
		ORDER BY key
		ON CONFLICT (key) DO UPDATE
		SET told_at = excluded.told_at
		WHERE u.told_at <= $3
		RETURNING key`
	rows, err := tx.q.Query(ctx, query, keys, at, unlessSince)
	if err != nil {
		return nil, fmt.Errorf("insert unknown destinations: %w", err)
	}
	told, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("insert unknown destinations: %w", err)
	}
	return told, nil
}

// ForgetUnknown forgets the names that were told of before a time.
func (tx *Tx) ForgetUnknown(ctx context.Context, before time.Time) error {
	const query = `
		DELETE FROM unknown_destinations
		WHERE told_at < $1`
	if _, err := tx.q.Exec(ctx, query, before); err != nil {
		return fmt.Errorf("delete unknown destinations: %w", err)
	}
	return nil
}

// CountNaming counts the deliveries to a destination, created since a time, whose
// alert names it, up to most.
func (q queries) CountNaming(ctx context.Context, destinationID uuid.UUID, since time.Time, most int) (int, error) {
	const query = `
		SELECT count(*)
		FROM (
			SELECT
			FROM deliveries d
			WHERE d.destination_id = $1 AND d.routed_by = 'override' AND d.id >= $2
			LIMIT $3) AS naming`
	var n int
	if err := q.q.QueryRow(ctx, query, destinationID, idAt(since), most).Scan(&n); err != nil {
		return 0, fmt.Errorf("count alerts that name destination: %w", err)
	}
	return n, nil
}
