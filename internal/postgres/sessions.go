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
	c := access.Caller{Opener: access.ByLink}
	if err := q.q.QueryRow(ctx, query, hash, now).Scan(&c.Name, &c.Scopes); err != nil {
		return c, fmt.Errorf("take sign-in code: %w", notFound(err))
	}
	return c, nil
}

// InsertSession stores a session by its hash and drops those that have expired.
func (q queries) InsertSession(ctx context.Context, s access.Session, hash []byte) error {
	const query = `
		WITH expired AS (DELETE FROM sessions WHERE expires_at < $7)
		INSERT INTO sessions (id, hash, name, scopes, opened_by, api_token_id, admin_token_hash, created_at, expires_at, address, user_agent)
		VALUES ($1, $2, $3, $4, $5, $6, $8, $7, $9, $10, $11)`
	_, err := q.q.Exec(ctx, query, s.ID, hash, s.Name, s.Scopes, s.Opener, nullID(s.TokenID), s.CreatedAt, s.AdminToken, s.ExpiresAt, s.Address, s.UserAgent)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// OpenSessions says which sessions are open.
type OpenSessions struct {
	Now        time.Time
	Idle       time.Duration // for how long one may go unused
	AdminToken []byte        // hash of the settings' token; nil when there is none
}

// isOpen is true of a session s, whose token is k, that is neither expired nor
// idle, and what opened it is still valid. It takes the arguments of args.
const isOpen = `s.expires_at > $1 AND coalesce(s.last_used_at, s.created_at) > $2 AND (
			s.opened_by = 'sign_in_link'
			OR s.opened_by = 'token' AND k.revoked_at IS NULL
			OR s.opened_by = 'admin_token' AND s.admin_token_hash = $3)`

func (o OpenSessions) args(more ...any) []any {
	return append([]any{o.Now, o.Now.Add(-o.Idle), o.AdminToken}, more...)
}

// SessionCaller returns who an open session's hash belongs to, or ErrNotFound.
func (q queries) SessionCaller(ctx context.Context, hash []byte, o OpenSessions) (access.Caller, error) {
	const query = `
		SELECT s.id, s.name, s.scopes, s.opened_by, s.api_token_id, s.expires_at, s.last_used_at
		FROM sessions AS s
		LEFT JOIN api_tokens AS k ON k.id = s.api_token_id
		WHERE s.hash = $4 AND ` + isOpen
	var c access.Caller
	err := q.q.QueryRow(ctx, query, o.args(hash)...).Scan(&c.SessionID, &c.Name, &c.Scopes, &c.Opener, (*zeronull.UUID)(&c.TokenID),
		&c.ExpiresAt, (*zeronull.Timestamptz)(&c.LastUsedAt))
	if err != nil {
		return c, fmt.Errorf("find session: %w", notFound(err))
	}
	return c, nil
}

// TouchSession writes when a session was last used, at most once a minute.
func (q queries) TouchSession(ctx context.Context, id uuid.UUID, now time.Time) error {
	const query = `
		UPDATE sessions
		SET last_used_at = $2
		WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')`
	if _, err := q.q.Exec(ctx, query, id, now); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// isOwn is true of a session s that is the caller's: it is the one they call with,
// or their token opened it. Everybody's is, where no owner is asked for.
const isOwn = `($4 OR s.id = $5 OR s.api_token_id = $6)`

func ownArgs(owner *access.Caller) []any {
	if owner == nil {
		return []any{true, nil, nil}
	}
	return []any{false, nullID(owner.SessionID), nullID(owner.TokenID)}
}

// Sessions returns the newest thousand open sessions of an owner, or of all when
// owner is nil.
func (q queries) Sessions(ctx context.Context, o OpenSessions, owner *access.Caller) ([]access.Session, error) {
	const query = `
		SELECT s.id, s.name, s.scopes, s.opened_by, s.api_token_id, s.created_at, s.last_used_at, s.expires_at, s.address, s.user_agent
		FROM sessions AS s
		LEFT JOIN api_tokens AS k ON k.id = s.api_token_id
		WHERE ` + isOpen + ` AND ` + isOwn + `
		ORDER BY s.id DESC
		LIMIT 1000`
	rows, err := q.q.Query(ctx, query, o.args(ownArgs(owner)...)...)
	if err != nil {
		return nil, fmt.Errorf("select sessions: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (access.Session, error) {
		var s access.Session
		err := row.Scan(&s.ID, &s.Name, &s.Scopes, &s.Opener, (*zeronull.UUID)(&s.TokenID), &s.CreatedAt,
			(*zeronull.Timestamptz)(&s.LastUsedAt), &s.ExpiresAt, &s.Address, &s.UserAgent)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("select sessions: %w", err)
	}
	return list, nil
}

// EndSession ends an open session of an owner, or anybody's when owner is nil, and
// returns whose it was, or ErrNotFound.
func (q queries) EndSession(ctx context.Context, id uuid.UUID, o OpenSessions, owner *access.Caller) (name string, err error) {
	const query = `
		DELETE FROM sessions
		WHERE id IN (
			SELECT s.id
			FROM sessions AS s
			LEFT JOIN api_tokens AS k ON k.id = s.api_token_id
			WHERE s.id = $7 AND ` + isOpen + ` AND ` + isOwn + `)
		RETURNING name`
	err = q.q.QueryRow(ctx, query, o.args(append(ownArgs(owner), id)...)...).Scan(&name)
	if err != nil {
		return "", fmt.Errorf("end session %s: %w", id, notFound(err))
	}
	return name, nil
}

// EndSessionOfKey ends the session whose key has a hash and returns its id, or
// ErrNotFound.
func (q queries) EndSessionOfKey(ctx context.Context, hash []byte) (id uuid.UUID, err error) {
	const query = `
		DELETE FROM sessions
		WHERE hash = $1
		RETURNING id`
	if err := q.q.QueryRow(ctx, query, hash).Scan(&id); err != nil {
		return uuid.Nil, fmt.Errorf("end session: %w", notFound(err))
	}
	return id, nil
}

// endSessionsOf ends the sessions that tokens opened, and counts them.
func (q queries) endSessionsOf(ctx context.Context, tokens []uuid.UUID) (int, error) {
	const query = `
		DELETE FROM sessions
		WHERE api_token_id = ANY ($1)`
	tag, err := q.q.Exec(ctx, query, tokens)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
