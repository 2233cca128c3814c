package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/destination"
	"belfry/internal/secret"
)

const destinationColumns = `t.id, t.display_name, t.type, t.state, t.severities, t.alert_types, t.log_types,
	t.settings, t.signing, t.max_in_flight, t.rate_per_second, t.burst, t.hold_failing, t.response_storage, t.version, t.created_at,
	t.updated_at, t.deleted_at`

// sealedRow is a destination as it is stored.
type sealedRow struct {
	d                 destination.Destination
	settings, signing []byte
}

func (r *sealedRow) targets() []any {
	d := &r.d
	return []any{
		&d.ID, &d.DisplayName, &d.Type, &d.State, &d.Severities, &d.AlertTypes, &d.LogTypes,
		&r.settings, &r.signing, &d.Limits.MaxInFlight, (*zeronull.Float8)(&d.Limits.RatePerSecond),
		(*nullInt)(&d.Limits.Burst), &d.Limits.HoldFailing, &d.ResponseStorage, &d.Version, &d.CreatedAt, &d.UpdatedAt, &d.DeletedAt,
	}
}

// opened is what was unsealed last, for as long as the same bytes are stored.
type opened = lru.Cache[uuid.UUID, openedRow]

func newOpened() *opened {
	o, err := lru.New[uuid.UUID, openedRow](maxOpened)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return o
}

type openedRow struct {
	settings, signing []byte
	d                 destination.Destination
}

const maxOpened = 10_000 // a few kB each

// open unseals a destination. What cannot be opened of it is left out, and the error,
// which is also in the destination, says why: it can be listed and mended, not sent to.
// One that is deleted has nothing to open any more.
func (q queries) open(r sealedRow) (destination.Destination, error) {
	if r.d.DeletedAt != nil {
		return r.d, nil
	}
	known, ok := q.opened.Get(r.d.ID)
	if ok && bytes.Equal(known.settings, r.settings) && bytes.Equal(known.signing, r.signing) {
		r.d.Settings, r.d.Signing = known.d.Settings, known.d.Signing
		return r.d, nil
	}
	d := q.unseal(r)
	if d.Unopened != nil {
		return d, d.Unopened
	}
	q.opened.Add(r.d.ID, openedRow{r.settings, r.signing, d})
	return d, nil
}

// unseal opens settings and signing secret, each by itself: if one is lost, the other need
// not be.
func (q queries) unseal(r sealedRow) destination.Destination {
	d := r.d
	settings, errSettings := q.openSealed(r.settings, boundSettings+d.ID.String())
	if errSettings == nil {
		d.Settings, errSettings = destination.OpenSettings(d.Type, settings)
	}
	signing, errSigning := q.openSealed(r.signing, boundSigning+d.ID.String())
	if errSigning == nil {
		d.Signing, errSigning = destination.OpenSigning(signing)
	}
	d.Unopened = cmp.Or(errSettings, errSigning)
	if errors.Is(errSigning, destination.ErrNoKey) {
		d.Unopened = errSigning // it is not lost, whatever is wrong with the settings
	}
	return d
}

func (q queries) openSealed(sealed []byte, bound string) ([]byte, error) {
	plain, err := q.box.Open(sealed, bound)
	switch {
	case errors.Is(err, secret.ErrNoKey):
		return nil, fmt.Errorf("%w: %w", destination.ErrNoKey, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", destination.ErrMisconfigured, err)
	}
	return plain, nil
}

// seal returns nil for what the destination does not have because it could not
// be opened: an update then leaves the stored bytes alone.
func (q queries) seal(d destination.Destination) (settings, signing []byte, err error) {
	if d.Settings != nil {
		if settings, err = q.sealJSON(d.Settings, boundSettings+d.ID.String()); err != nil {
			return nil, nil, err
		}
	}
	if d.Signing.Secret != "" {
		signing, err = q.sealJSON(d.Signing, boundSigning+d.ID.String())
	}
	return settings, signing, err
}

func (q queries) sealJSON(v any, bound string) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode for sealing: %w", err)
	}
	return q.box.Seal(plain, bound)
}

// InsertDestination stores a new destination, or returns ErrNameTaken.
func (q queries) InsertDestination(ctx context.Context, d destination.Destination) error {
	settings, signing, err := q.seal(d)
	if err != nil {
		return err
	}
	const query = `
		INSERT INTO destinations (id, display_name, name_key, type, state, severities, alert_types, log_types,
			settings, signing, max_in_flight, rate_per_second, burst, hold_failing, response_storage, version, created_at,
			updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	l := d.Limits
	_, err = q.q.Exec(ctx, query, d.ID, d.DisplayName, destination.NameKey(d.DisplayName), d.Type, d.State,
		d.Severities, d.AlertTypes, d.LogTypes, settings, signing, l.MaxInFlight, zeronull.Float8(l.RatePerSecond),
		zeronull.Int4(l.Burst), l.HoldFailing, cmp.Or(d.ResponseStorage, destination.StoreFull), d.Version, d.CreatedAt, d.UpdatedAt)
	if violates(err, "destinations_name_key") {
		return ErrNameTaken
	}
	if err != nil {
		return fmt.Errorf("insert destination: %w", err)
	}
	return nil
}

// UpdateDestination stores what a caller that holds the row's lock changed, or
// returns ErrNameTaken. The name that it had becomes one of its former names.
func (tx *Tx) UpdateDestination(ctx context.Context, d destination.Destination) error {
	settings, signing, err := tx.seal(d)
	if err != nil {
		return err
	}
	const query = `
		WITH former AS (
			INSERT INTO destination_aliases (name_key, name, destination_id, created_at)
			SELECT name_key, display_name, id, $11
			FROM destinations
			WHERE id = $1 AND name_key <> $3
			ON CONFLICT (name_key) DO UPDATE
			SET name = excluded.name, destination_id = excluded.destination_id, created_at = excluded.created_at)
		UPDATE destinations
		SET display_name = $2, name_key = $3, state = $4, severities = $5, alert_types = $6, log_types = $7,
		    settings = COALESCE($8, settings), signing = COALESCE($9, signing), version = $10, updated_at = $11,
		    max_in_flight = $12, rate_per_second = $13, burst = $14, hold_failing = $15, response_storage = $16
		WHERE id = $1`
	l := d.Limits
	_, err = tx.q.Exec(ctx, query, d.ID, d.DisplayName, destination.NameKey(d.DisplayName), d.State,
		d.Severities, d.AlertTypes, d.LogTypes, settings, signing, d.Version, d.UpdatedAt, l.MaxInFlight, zeronull.Float8(l.RatePerSecond),
		zeronull.Int4(l.Burst), l.HoldFailing, cmp.Or(d.ResponseStorage, destination.StoreFull))
	if violates(err, "destinations_name_key") {
		return ErrNameTaken
	}
	if err != nil {
		return fmt.Errorf("update destination: %w", err)
	}
	return nil
}

// DeleteDestination marks a destination as deleted. Its names mean nobody from then on, not
// even a destination that had one of them before it. A trigger wipes its settings and its
// signing secret.
func (tx *Tx) DeleteDestination(ctx context.Context, id uuid.UUID, now time.Time) error {
	const query = `
		WITH gone AS (
			DELETE FROM destination_aliases
			WHERE destination_id = $1 OR name_key = (SELECT name_key FROM destinations WHERE id = $1))
		UPDATE destinations
		SET deleted_at = $2, updated_at = $2, version = version + 1
		WHERE id = $1`
	if _, err := tx.q.Exec(ctx, query, id, now); err != nil {
		return fmt.Errorf("delete destination: %w", err)
	}
	return nil
}

// Destination returns a destination that is not deleted, or ErrNotFound. If its
// settings cannot be opened, it is returned without them.
func (q queries) Destination(ctx context.Context, id uuid.UUID) (destination.Destination, error) {
	const query = `
		SELECT ` + destinationColumns + `, ` + formerNames + `
		FROM destinations t
		WHERE t.id = $1 AND t.deleted_at IS NULL`
	return q.destination(ctx, query, id)
}

// LockDestination is Destination, locked until the transaction ends.
func (tx *Tx) LockDestination(ctx context.Context, id uuid.UUID) (destination.Destination, error) {
	const query = `
		SELECT ` + destinationColumns + `, ` + formerNames + `
		FROM destinations t
		WHERE t.id = $1 AND t.deleted_at IS NULL
		FOR NO KEY UPDATE`
	return tx.destination(ctx, query, id)
}

func (q queries) destination(ctx context.Context, query string, id uuid.UUID) (destination.Destination, error) {
	var r sealedRow
	if err := q.q.QueryRow(ctx, query, id).Scan(append(r.targets(), &r.d.FormerNames)...); err != nil {
		return destination.Destination{}, fmt.Errorf("select destination %s: %w", id, notFound(err))
	}
	d, _ := q.open(r) // without settings it can still be shown, mended and deleted
	return d, nil
}

// DestinationFilter selects destinations for a list. Zero fields select all.
type DestinationFilter struct {
	Query string // part of the display name, any case
	State string
	Type  string
	After string // name key of the last one of the page before
	Limit int
}

// Destinations lists those that are not deleted, by name.
func (q queries) Destinations(ctx context.Context, f DestinationFilter) ([]destination.Destination, error) {
	const query = `
		SELECT ` + destinationColumns + `, ` + formerNames + `
		FROM destinations t
		WHERE t.deleted_at IS NULL
		  AND ($1 = '' OR strpos(t.name_key, $1) > 0)
		  AND ($2 = '' OR t.state = $2)
		  AND ($3 = '' OR t.type = $3)
		  AND ($4 = '' OR t.name_key > $4)
		ORDER BY t.name_key
		LIMIT $5`
	rows, err := q.q.Query(ctx, query, destination.NameKey(f.Query), f.State, f.Type, f.After, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("select destinations: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (destination.Destination, error) {
		var r sealedRow
		if err := row.Scan(append(r.targets(), &r.d.FormerNames)...); err != nil {
			return destination.Destination{}, err
		}
		d, _ := q.open(r) // listed without its settings
		return d, nil
	})
}
