package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/delivery"
)

// Announcing holds the changes of health that no system alert has named yet.
type Announcing struct {
	DueAt   time.Time   // when they will be told; zero: no time is set
	Changed []uuid.UUID // whose deliveries are held as failing now, or no longer are; deleted ones left out
}

const selectAnnouncing = `
	SELECT due_at, ARRAY(
		SELECT h.destination_id
		FROM destination_health h
		JOIN destinations t ON t.id = h.destination_id
		WHERE t.deleted_at IS NULL AND h.announced <> (h.held_since IS NOT NULL)
		ORDER BY h.destination_id)
	FROM announcing`

// Announcing returns which destinations have a health that no system alert has told yet.
func (q queries) Announcing(ctx context.Context) (Announcing, error) {
	return q.announcing(ctx, selectAnnouncing)
}

// LockAnnouncing is Announcing, locked until the transaction ends, or ErrLocked if
// another replica has it.
func (tx *Tx) LockAnnouncing(ctx context.Context) (Announcing, error) {
	a, err := tx.announcing(ctx, selectAnnouncing+`
	FOR UPDATE OF announcing SKIP LOCKED`)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, ErrLocked
	}
	return a, err
}

func (q queries) announcing(ctx context.Context, query string) (a Announcing, err error) {
	err = q.q.QueryRow(ctx, query).Scan((*zeronull.Timestamptz)(&a.DueAt), &a.Changed)
	if err != nil {
		return a, fmt.Errorf("select what to announce: %w", err)
	}
	return a, nil
}

// SetAnnouncing sets when others will be told, the zero time for never.
func (tx *Tx) SetAnnouncing(ctx context.Context, dueAt time.Time) error {
	const query = `
		UPDATE announcing
		SET due_at = $1`
	if _, err := tx.q.Exec(ctx, query, zeronull.Timestamptz(dueAt)); err != nil {
		return fmt.Errorf("save when to announce: %w", err)
	}
	return nil
}

// Announce writes that others are told about the health of destinations. It returns the
// health of those about which they had not been told, locked.
func (tx *Tx) Announce(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]delivery.Health, error) {
	found, err := tx.healths(ctx, lockHealths, ids)
	if err != nil {
		return nil, err
	}
	const query = `
		UPDATE destination_health
		SET announced = held_since IS NOT NULL
		WHERE destination_id = ANY($1) AND announced <> (held_since IS NOT NULL)
		RETURNING destination_id`
	told, err := tx.ids(ctx, query, ids)
	if err != nil {
		return nil, fmt.Errorf("save announcement: %w", err)
	}
	changed := make(map[uuid.UUID]delivery.Health, len(told))
	for _, id := range told {
		changed[id] = found[id]
	}
	return changed, nil
}
