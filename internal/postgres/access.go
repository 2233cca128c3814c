package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"belfry/internal/access"
)

// InsertToken stores a new API token by its hash.
func (q queries) InsertToken(ctx context.Context, t access.Token, hash []byte) error {
	const query = `
		INSERT INTO api_tokens (id, name, hash, scopes, created_at, created_by)
		VALUES ($1, $2, $3, $4, $5, $6)`
	if _, err := q.q.Exec(ctx, query, t.ID, t.Name, hash, t.Scopes, t.CreatedAt, t.CreatedBy); err != nil {
		return fmt.Errorf("insert token: %w", err)
	}
	return nil
}

// Tokens returns every API token, newest first, revoked ones too.
func (q queries) Tokens(ctx context.Context) ([]access.Token, error) {
	const query = `
		SELECT id, name, scopes, created_at, created_by, last_used_at, revoked_at
		FROM api_tokens
		ORDER BY id DESC`
	rows, err := q.q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("select tokens: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (access.Token, error) {
		var t access.Token
		err := row.Scan(&t.ID, &t.Name, &t.Scopes, &t.CreatedAt, &t.CreatedBy,
			(*zeronull.Timestamptz)(&t.LastUsedAt), (*zeronull.Timestamptz)(&t.RevokedAt))
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("select tokens: %w", err)
	}
	return list, nil
}

// RevokeToken ends a token and the sessions it opened and returns its name, or
// ErrNotFound. Revoking twice changes nothing.
func (q queries) RevokeToken(ctx context.Context, id uuid.UUID, now time.Time) (name string, err error) {
	const query = `
		UPDATE api_tokens
		SET revoked_at = coalesce(revoked_at, $2)
		WHERE id = $1
		RETURNING name`
	if err := q.q.QueryRow(ctx, query, id, now).Scan(&name); err != nil {
		return "", fmt.Errorf("revoke token %s: %w", id, notFound(err))
	}
	return name, nil
}

// TokenCaller returns who a token's hash belongs to, or ErrNotFound.
func (q queries) TokenCaller(ctx context.Context, hash []byte) (access.Caller, error) {
	const query = `
		SELECT id, name, scopes, last_used_at
		FROM api_tokens
		WHERE hash = $1 AND revoked_at IS NULL`
	var c access.Caller
	err := q.q.QueryRow(ctx, query, hash).Scan(&c.TokenID, &c.Name, &c.Scopes, (*zeronull.Timestamptz)(&c.LastUsedAt))
	if err != nil {
		return c, fmt.Errorf("find token: %w", notFound(err))
	}
	return c, nil
}

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

// InsertCode stores a sign-in code and drops those that have expired.
func (q queries) InsertCode(ctx context.Context, hash []byte, c access.Caller) error {
	const query = `
		WITH expired AS (DELETE FROM sign_in_codes WHERE expires_at < now())
		INSERT INTO sign_in_codes (hash, name, scopes, expires_at)
		VALUES ($1, $2, $3, $4)`
	if _, err := q.q.Exec(ctx, query, hash, c.Name, c.Scopes, c.ExpiresAt); err != nil {
		return fmt.Errorf("insert sign-in code: %w", err)
	}
	return nil
}

// TakeCode uses up a sign-in code and returns who it signs in, or ErrNotFound.
func (q queries) TakeCode(ctx context.Context, hash []byte, now time.Time) (access.Caller, error) {
	const query = `
		DELETE FROM sign_in_codes
		WHERE hash = $1 AND expires_at > $2
		RETURNING name, scopes`
	var c access.Caller
	if err := q.q.QueryRow(ctx, query, hash, now).Scan(&c.Name, &c.Scopes); err != nil {
		return c, fmt.Errorf("take sign-in code: %w", notFound(err))
	}
	return c, nil
}

// InsertSession stores a session by its hash and drops those that have expired.
func (q queries) InsertSession(ctx context.Context, c access.Caller, hash []byte, now time.Time) error {
	const query = `
		WITH expired AS (DELETE FROM sessions WHERE expires_at < $5)
		INSERT INTO sessions (id, hash, name, scopes, api_token_id, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $6, $5, $7)`
	_, err := q.q.Exec(ctx, query, c.SessionID, hash, c.Name, c.Scopes, now, nullID(c.TokenID), c.ExpiresAt)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// SessionCaller returns who a session's hash belongs to, or ErrNotFound. A
// session ends with the token that opened it.
func (q queries) SessionCaller(ctx context.Context, hash []byte, now time.Time) (access.Caller, error) {
	const query = `
		SELECT s.id, s.name, s.scopes, s.api_token_id, s.expires_at
		FROM sessions s
		LEFT JOIN api_tokens k ON k.id = s.api_token_id
		WHERE s.hash = $1 AND s.expires_at > $2 AND k.revoked_at IS NULL`
	var c access.Caller
	err := q.q.QueryRow(ctx, query, hash, now).Scan(&c.SessionID, &c.Name, &c.Scopes, (*zeronull.UUID)(&c.TokenID), &c.ExpiresAt)
	if err != nil {
		return c, fmt.Errorf("find session: %w", notFound(err))
	}
	return c, nil
}

// DeleteSession ends a session.
func (q queries) DeleteSession(ctx context.Context, id uuid.UUID) error {
	const query = `
		DELETE FROM sessions
		WHERE id = $1`
	if _, err := q.q.Exec(ctx, query, id); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}
