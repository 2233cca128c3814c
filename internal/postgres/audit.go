package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Entry is one line of the audit log: who did what to what. Detail never holds a
// secret.
type Entry struct {
	ID          uuid.UUID // set by the table
	At          time.Time
	Actor       string
	Action      string // "destination.create", "delivery.resend"
	SubjectType string // "destination", "delivery", "token"
	SubjectID   string
	Detail      any
	RequestID   string
}

// Audit writes to the audit log, in the transaction of what it tells of.
func (q queries) Audit(ctx context.Context, e Entry) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("encode audit entry: %w", err)
	}
	const query = `
		INSERT INTO audit_log (id, at, actor, action, subject_type, subject_id, detail, request_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err = q.q.Exec(ctx, query, uuid.Must(uuid.NewV7()), e.At, e.Actor, e.Action, e.SubjectType, e.SubjectID,
		string(detail), e.RequestID)
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// AuditFilter selects entries for a list. Zero fields select all.
type AuditFilter struct {
	SubjectType string
	SubjectID   string
	From, To    time.Time // To is exclusive
	Before      uuid.UUID // the last one of the page before
	Limit       int
}

// AuditLog lists entries, newest first; the detail of each is a json.RawMessage.
// Rows are compared as a whole so that only the index of the type, or of the
// subject, can serve: the one by id would read the whole log for a rare one.
func (q queries) AuditLog(ctx context.Context, f AuditFilter) ([]Entry, error) {
	const (
		columns = `
		SELECT id, at, actor, action, subject_type, subject_id, detail, request_id
		FROM audit_log`
		all = columns + `
		WHERE id >= $1 AND id < $2
		ORDER BY id DESC
		LIMIT $3`
		ofType = columns + `
		WHERE (subject_type, id) >= ($4, $1) AND (subject_type, id) < ($4, $2)
		ORDER BY subject_type DESC, id DESC
		LIMIT $3`
		ofSubject = columns + `
		WHERE (subject_id, id) >= ($4, $1) AND (subject_id, id) < ($4, $2)
		  AND ($5 = '' OR subject_type = $5)
		ORDER BY subject_id DESC, id DESC
		LIMIT $3`
	)
	from, to := idRange(f.From, f.To, f.Before)
	query, args := all, []any{from, to, f.Limit}
	switch {
	case f.SubjectID != "":
		query, args = ofSubject, append(args, f.SubjectID, f.SubjectType)
	case f.SubjectType != "":
		query, args = ofType, append(args, f.SubjectType)
	}
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("select audit log: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Entry, error) {
		var (
			e      Entry
			detail []byte
		)
		err := row.Scan(&e.ID, &e.At, &e.Actor, &e.Action, &e.SubjectType, &e.SubjectID, &detail, &e.RequestID)
		e.Detail = json.RawMessage(detail)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("select audit log: %w", err)
	}
	return list, nil
}
