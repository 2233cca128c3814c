package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/destination"
	"belfry/internal/secret"
)

// What sealed bytes are bound to, with the id of their row for a destination's.
const (
	boundSettings = "destinations.settings|"
	boundSigning  = "destinations.signing|"
	boundCanary   = "sealing_canary"
)

// canary is sealed with the key in use. Its text says nothing.
const canary = "belfry"

// KeyUse is a key and how many rows hold something that is sealed with it.
type KeyUse struct {
	Key  secret.KeyID
	Rows int64
}

// KeyUses returns the keys that sealed the stored rows, by id. Damaged rows that name no
// key are left out.
func (q queries) KeyUses(ctx context.Context) ([]KeyUse, error) {
	const query = `
		SELECT begin, count(*)
		FROM (
			SELECT id::text, substr(settings, 1, 5) AS begin
			FROM destinations
			WHERE deleted_at IS NULL
			UNION
			SELECT id::text, substr(signing, 1, 5)
			FROM destinations
			WHERE deleted_at IS NULL
			UNION
			SELECT 'canary', substr(sealed, 1, 5)
			FROM sealing_canary) AS sealed
		GROUP BY begin
		ORDER BY begin`
	rows, err := q.q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select sealing keys: %w", err)
	}
	defer rows.Close()
	var uses []KeyUse
	for rows.Next() {
		var (
			begin []byte
			n     int64
		)
		if err := rows.Scan(&begin, &n); err != nil {
			return nil, fmt.Errorf("select sealing keys: %w", err)
		}
		if id, ok := secret.SealedWith(begin); ok {
			uses = append(uses, KeyUse{id, n})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("select sealing keys: %w", err)
	}
	return uses, nil
}

// MissingKeys is the error of a database that holds rows sealed with keys that the
// process does not have.
type MissingKeys []KeyUse

func (m MissingKeys) Error() string {
	var all []string
	for _, u := range m {
		noun := "rows are"
		if u.Rows == 1 {
			noun = "row is"
		}
		all = append(all, fmt.Sprintf("%d %s sealed with key %d", u.Rows, noun, u.Key))
	}
	return strings.Join(all, ", ")
}

// CheckKey checks that every stored row can be opened: it returns MissingKeys when
// rows are sealed with keys that are not in the keyset, and secret.ErrSealed when a
// key has the right id but is another key. An empty database gets a sealed
// canary, which proves that. After a rotation the canary is sealed with the new key:
// from then on a server that has only the old one must not start, because it could
// not open what is sealed.
func (db *DB) CheckKey(ctx context.Context) error {
	uses, err := db.KeyUses(ctx)
	if err != nil {
		return err
	}
	keys := db.box.Keys()
	if missing := slices.DeleteFunc(uses, func(u KeyUse) bool { return slices.Contains(keys, u.Key) }); len(missing) > 0 {
		return MissingKeys(missing)
	}
	fresh, err := db.box.Seal([]byte(canary), boundCanary)
	if err != nil {
		return err
	}
	const insert = `
		INSERT INTO sealing_canary (sealed)
		VALUES ($1)
		ON CONFLICT (one) DO NOTHING`
	if _, err := db.q.Exec(ctx, insert, fresh); err != nil {
		return fmt.Errorf("write sealing canary: %w", err)
	}
	const query = `
		SELECT sealed
		FROM sealing_canary`
	var stored []byte
	if err := db.q.QueryRow(ctx, query).Scan(&stored); err != nil {
		return fmt.Errorf("read sealing canary: %w", err)
	}
	if plain, err := db.box.Open(stored, boundCanary); err != nil || string(plain) != canary {
		return secret.ErrSealed
	}
	if db.sealedNewly(stored) {
		return nil
	}
	const update = `
		UPDATE sealing_canary
		SET sealed = $1`
	if _, err := db.q.Exec(ctx, update, fresh); err != nil {
		return fmt.Errorf("renew sealing canary: %w", err)
	}
	return nil
}

// RefreshKey reads the keyset again, which may have been rotated.
func (db *DB) RefreshKey() error { return db.box.Refresh() }

// sealedNewly reports whether something is sealed with the key that seals now.
func (q queries) sealedNewly(sealed []byte) bool {
	id, ok := secret.SealedWith(sealed)
	return ok && id == q.box.Primary()
}

// GiveUpLost empties the settings that are sealed with keys that are not in the keyset, and
// returns how many destinations that were. Their settings must be entered again. There is
// no other way to go on with a database whose key is lost.
func (db *DB) GiveUpLost(ctx context.Context) (int64, error) {
	uses, err := db.KeyUses(ctx)
	if err != nil {
		return 0, err
	}
	var (
		lost [][]byte
		have = db.box.Keys()
	)
	for _, u := range uses {
		if !slices.Contains(have, u.Key) {
			lost = append(lost, sealedPrefix(u.Key))
		}
	}
	const canaries = `
		DELETE FROM sealing_canary
		WHERE substr(sealed, 1, 5) = ANY($1)`
	const destinations = `
		UPDATE destinations
		SET settings = CASE WHEN substr(settings, 1, 5) = ANY($1) THEN '' ELSE settings END,
		    signing = CASE WHEN substr(signing, 1, 5) = ANY($1) THEN '' ELSE signing END
		WHERE substr(settings, 1, 5) = ANY($1) OR substr(signing, 1, 5) = ANY($1)`
	var n int64
	err = db.InTx(ctx, func(tx *Tx) error {
		if _, err := tx.q.Exec(ctx, canaries, lost); err != nil {
			return err
		}
		tag, err := tx.q.Exec(ctx, destinations, lost)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("give up what lost keys have sealed: %w", err)
	}
	return n, nil
}

// Resealed is what one step of Reseal did.
type Resealed struct {
	Last       uuid.UUID    // of those looked at; the next step begins after it
	Looked     int          // destinations that something older seals
	Done       int          // sealed anew
	Changed    int          // changed by somebody else meanwhile: to be looked at again
	Unreadable []Unreadable // left as they are
}

// Unreadable is a destination whose settings no key of the keyset opens.
type Unreadable struct {
	ID          uuid.UUID
	DisplayName string
	Err         error
}

// Reseal seals up to limit destinations with the newest key that an older one seals,
// those after an id. Each is a statement of its own, which changes nothing if the
// destination was changed since it was read: so servers go on beside it, and it may
// be ended at any time and begun again.
func (db *DB) Reseal(ctx context.Context, after uuid.UUID, limit int) (Resealed, error) {
	step := Resealed{Last: after}
	newest := sealedPrefix(db.box.Primary())
	const query = `
		SELECT id, display_name, settings, signing
		FROM destinations
		WHERE deleted_at IS NULL AND id > $1 AND (substr(settings, 1, 5) <> $2 OR substr(signing, 1, 5) <> $2)
		ORDER BY id
		LIMIT $3`
	rows, err := db.q.Query(ctx, query, after, newest, limit)
	if err != nil {
		return step, fmt.Errorf("select what to seal anew: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedRow, error) {
		var r sealedRow
		err := row.Scan(&r.d.ID, &r.d.DisplayName, &r.settings, &r.signing)
		return r, err
	})
	if err != nil {
		return step, fmt.Errorf("select what to seal anew: %w", err)
	}
	for _, r := range list {
		step.Last = r.d.ID
		step.Looked++
		done, err := db.resealRow(ctx, r)
		switch {
		case errors.Is(err, destination.ErrMisconfigured), errors.Is(err, destination.ErrNoKey):
			step.Unreadable = append(step.Unreadable, Unreadable{r.d.ID, r.d.DisplayName, err})
		case err != nil:
			return step, err
		case done:
			step.Done++
		default:
			step.Changed++
		}
	}
	return step, nil
}

func sealedPrefix(id secret.KeyID) []byte {
	return []byte{1, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}
}

// resealRow reports false when the destination has changed since it was read. What
// of it can be opened is sealed anew also when the rest cannot.
func (db *DB) resealRow(ctx context.Context, r sealedRow) (done bool, err error) {
	settings, errSettings := db.resealed(r.settings, boundSettings+r.d.ID.String())
	signing, errSigning := db.resealed(r.signing, boundSigning+r.d.ID.String())
	unreadable := errors.Join(errSettings, errSigning)
	if bytes.Equal(settings, r.settings) && bytes.Equal(signing, r.signing) {
		return true, unreadable
	}
	const query = `
		UPDATE destinations
		SET settings = $2, signing = $3
		WHERE id = $1 AND settings = $4 AND signing = $5`
	tag, err := db.q.Exec(ctx, query, r.d.ID, settings, signing, r.settings, r.signing)
	if err != nil {
		return false, fmt.Errorf("seal destination %s anew: %w", r.d.ID, err)
	}
	return tag.RowsAffected() == 1, unreadable
}

// resealed seals a sealed value again, with the newest key. A value that cannot be opened
// is returned as it is, with ErrMisconfigured or ErrNoKey.
func (q queries) resealed(sealed []byte, bound string) ([]byte, error) {
	plain, err := q.openSealed(sealed, bound)
	if err != nil {
		return sealed, err
	}
	if q.sealedNewly(sealed) {
		return sealed, nil
	}
	return q.box.Seal(plain, bound)
}
