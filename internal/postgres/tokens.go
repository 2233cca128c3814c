package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/access"
	"belfry/internal/destination"
)

// ErrTokenName is returned when another token that is valid has the same name.
var ErrTokenName = errors.New("another token has this name")

// InsertToken stores a new API token by its hash, or returns ErrTokenName.
func (q queries) InsertToken(ctx context.Context, t access.Token, hash []byte) error {
	const query = `
		INSERT INTO api_tokens (id, name, name_key, hash, scopes, created_at, created_by, created_by_token_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := q.q.Exec(ctx, query, t.ID, t.Name, destination.NameKey(t.Name), hash, t.Scopes, t.CreatedAt, t.CreatedBy, nullID(t.CreatorID))
	if violates(err, "api_tokens_name") {
		err = ErrTokenName
	}
	if err != nil {
		return fmt.Errorf("insert token: %w", err)
	}
	return nil
}

const tokenColumns = `id, name, scopes, created_at, created_by, created_by_token_id, last_used_at, revoked_at`

func scanToken(row pgx.CollectableRow) (access.Token, error) {
	var t access.Token
	err := row.Scan(&t.ID, &t.Name, &t.Scopes, &t.CreatedAt, &t.CreatedBy, (*zeronull.UUID)(&t.CreatorID),
		(*zeronull.Timestamptz)(&t.LastUsedAt), (*zeronull.Timestamptz)(&t.RevokedAt))
	return t, err
}

func (q queries) tokens(ctx context.Context, query string, args ...any) ([]access.Token, error) {
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select tokens: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanToken)
	if err != nil {
		return nil, fmt.Errorf("select tokens: %w", err)
	}
	return list, nil
}

// Tokens returns every API token, newest first, revoked ones too.
func (q queries) Tokens(ctx context.Context) ([]access.Token, error) {
	const query = `
		SELECT ` + tokenColumns + `
		FROM api_tokens
		ORDER BY id DESC`
	return q.tokens(ctx, query)
}

// Revocation says what revoking a token did.
type Revocation struct {
	Token    access.Token
	Changed  bool           // false when it was revoked already
	Created  []access.Token // by it, directly or through others, that were valid before
	Sessions int            // that ended
}

// RevokeToken ends a token and the sessions it opened, or returns ErrNotFound.
// Revoking twice changes nothing.
func (tx *Tx) RevokeToken(ctx context.Context, id uuid.UUID, now time.Time) (Revocation, error) {
	r, err := tx.revoke(ctx, id, now)
	if err != nil {
		return r, fmt.Errorf("revoke token %s: %w", id, err)
	}
	if r.Created, err = tx.tokensMadeBy(ctx, id); err != nil {
		return r, err
	}
	r.Sessions, err = tx.endSessionsOf(ctx, []uuid.UUID{id})
	return r, err
}

// RevokeTokenAndCreated is RevokeToken for the tokens that it made, too.
func (tx *Tx) RevokeTokenAndCreated(ctx context.Context, id uuid.UUID, now time.Time) (Revocation, error) {
	r, err := tx.revoke(ctx, id, now)
	if err != nil {
		return r, fmt.Errorf("revoke token %s: %w", id, err)
	}
	ended := []uuid.UUID{id}
	// Revoking a token waits for a transaction in which it makes another: so look again.
	for {
		made, err := tx.tokensMadeBy(ctx, id)
		if err != nil {
			return r, err
		}
		if len(made) == 0 {
			break
		}
		for _, t := range made {
			one, err := tx.revoke(ctx, t.ID, now)
			if err != nil {
				return r, fmt.Errorf("revoke token %s: %w", t.ID, err)
			}
			r.Created, ended = append(r.Created, one.Token), append(ended, t.ID)
		}
	}
	r.Sessions, err = tx.endSessionsOf(ctx, ended)
	return r, err
}

func (tx *Tx) revoke(ctx context.Context, id uuid.UUID, now time.Time) (Revocation, error) {
	const (
		update = `
		UPDATE api_tokens
		SET revoked_at = $2
		WHERE id = $1 AND revoked_at IS NULL
		RETURNING ` + tokenColumns
		query = `
		SELECT ` + tokenColumns + `
		FROM api_tokens
		WHERE id = $1`
	)
	list, err := tx.tokens(ctx, update, id, now)
	if err == nil && len(list) == 1 {
		return Revocation{Token: list[0], Changed: true}, nil
	}
	if err == nil {
		list, err = tx.tokens(ctx, query, id)
	}
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Revocation{}, err
	}
	return Revocation{Token: list[0]}, nil
}

// tokensMadeBy returns the valid tokens that a token made, directly or through
// others, which may have been revoked since.
func (tx *Tx) tokensMadeBy(ctx context.Context, id uuid.UUID) ([]access.Token, error) {
	const query = `
		WITH RECURSIVE made AS (
			SELECT ` + tokenColumns + `
			FROM api_tokens
			WHERE created_by_token_id = $1
			UNION
			SELECT t.id, t.name, t.scopes, t.created_at, t.created_by, t.created_by_token_id, t.last_used_at, t.revoked_at
			FROM api_tokens AS t
			JOIN made ON t.created_by_token_id = made.id)
		SELECT ` + tokenColumns + `
		FROM made
		WHERE revoked_at IS NULL
		ORDER BY id`
	return tx.tokens(ctx, query, id)
}

// TokenCaller returns who a token's hash belongs to, or ErrNotFound. The caller is
// told too when the token is revoked, with ErrRevoked.
func (q queries) TokenCaller(ctx context.Context, hash []byte) (access.Caller, error) {
	const query = `
		SELECT id, name, scopes, last_used_at, revoked_at IS NOT NULL
		FROM api_tokens
		WHERE hash = $1`
	var revoked bool
	c := access.Caller{Opener: access.ByToken}
	err := q.q.QueryRow(ctx, query, hash).Scan(&c.TokenID, &c.Name, &c.Scopes, (*zeronull.Timestamptz)(&c.LastUsedAt), &revoked)
	if err == nil && revoked {
		err = ErrRevoked
	}
	if err != nil {
		return c, fmt.Errorf("find token: %w", notFound(err))
	}
	return c, nil
}

// ErrRevoked is returned for a token that was revoked.
var ErrRevoked = fmt.Errorf("revoked: %w", ErrNotFound)

// TouchToken writes when a token was last used, at most once a minute.
func (q queries) TouchToken(ctx context.Context, id uuid.UUID, now time.Time) error {
	const query = `
		UPDATE api_tokens
		SET last_used_at = $2
		WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')`
	if _, err := q.q.Exec(ctx, query, id, now); err != nil {
		return fmt.Errorf("touch token: %w", err)
	}
	return nil
}

// ConfirmRevoking is Confirm for a caller that is about to revoke a token. Such callers come
// one after the other. Otherwise two that revoke each other's tokens at the same moment
// would wait for each other.
func (tx *Tx) ConfirmRevoking(ctx context.Context, c access.Caller) error {
	const query = `SELECT pg_advisory_xact_lock(hashtextextended('belfry revocation', 0))`
	if _, err := tx.q.Exec(ctx, query); err != nil {
		return fmt.Errorf("wait for other revocations: %w", err)
	}
	return tx.Confirm(ctx, c)
}

// Confirm keeps what a caller came with from being revoked or ended before the
// transaction does, or returns ErrNotFound if that has happened already.
func (tx *Tx) Confirm(ctx context.Context, c access.Caller) error {
	const (
		token = `
		SELECT true
		FROM api_tokens
		WHERE id = $1 AND revoked_at IS NULL
		FOR SHARE`
		session = `
		SELECT true
		FROM sessions
		WHERE id = $1
		FOR SHARE`
	)
	// In the order in which RevokeToken locks them.
	for _, s := range []struct {
		query string
		id    uuid.UUID
	}{{token, c.TokenID}, {session, c.SessionID}} {
		if s.id == uuid.Nil {
			continue
		}
		var valid bool
		if err := tx.q.QueryRow(ctx, s.query, s.id).Scan(&valid); err != nil {
			return fmt.Errorf("confirm caller: %w", notFound(err))
		}
	}
	return nil
}
