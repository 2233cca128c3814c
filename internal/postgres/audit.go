package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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

// Audit writes to the audit log, in the transaction of the change that it records.
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
	Action      string
	Actor       string
	From, To    time.Time // To is exclusive
	Before      uuid.UUID // the last one of the page before
	Limit       int
}

const auditColumns = `id, at, actor, action, subject_type, subject_id, detail, request_id`

// The entries to scan, the newest $3. Rows are compared as a whole so that only
// the index of the type, or of the subject, can serve: the one by id would read the
// whole log for a rare one.
const (
	auditMatches = auditColumns + `,
			($4 = '' OR subject_type = $4) AND ($5 = '' OR subject_id = $5) AND ($6 = '' OR action = $6)
			AND ($7 = '' OR actor = $7) AS matches`

	newestAudit = `
			SELECT ` + auditMatches + `, row_number() OVER (ORDER BY id DESC) AS nth
			FROM audit_log
			WHERE id >= $1 AND id < $2
			ORDER BY id DESC
			LIMIT $3`

	auditOfType = `
			SELECT ` + auditMatches + `, row_number() OVER (ORDER BY subject_type DESC, id DESC) AS nth
			FROM audit_log
			WHERE (subject_type, id) >= ($4, $1) AND (subject_type, id) < ($4, $2)
			ORDER BY subject_type DESC, id DESC
			LIMIT $3`

	auditOfSubject = `
			SELECT ` + auditMatches + `, row_number() OVER (ORDER BY subject_id DESC, id DESC) AS nth
			FROM audit_log
			WHERE (subject_id, id) >= ($5, $1) AND (subject_id, id) < ($5, $2)
			ORDER BY subject_id DESC, id DESC
			LIMIT $3`
)

// AuditLog lists entries, newest first; the detail of each is a json.RawMessage.
// It scans a bounded number of them: when the list is not full, rest says where
// to go on, and is zero if there is nothing left.
func (q queries) AuditLog(ctx context.Context, f AuditFilter) (list []Entry, rest uuid.UUID, err error) {
	if f.SubjectType == "" {
		f.SubjectType, _, _ = strings.Cut(f.Action, ".") // what an action is done to is how it begins
	}
	entries := newestAudit
	switch {
	case f.SubjectID != "":
		entries = auditOfSubject
	case f.SubjectType != "":
		entries = auditOfType
	}
	return scan(f.Before, f.Limit, func(before uuid.UUID, limit, window int) (scanned[Entry], error) {
		from, to := idRange(f.From, f.To, before)
		return q.matchingEntries(ctx, entries, from, to, window, f.SubjectType, f.SubjectID, f.Action, f.Actor, limit)
	})
}

// matchingEntries returns the first entries that match, of those in a scan window.
func (q queries) matchingEntries(ctx context.Context, entries string, args ...any) (scanned[Entry], error) {
	query := `
		WITH scanned AS MATERIALIZED (` + entries + `
		)
		SELECT ` + auditColumns + itemColumns + `
		FROM (
			(SELECT ` + auditColumns + `, true AS matches
			FROM scanned
			WHERE matches
			ORDER BY id DESC
			LIMIT $8)
			UNION ALL
			SELECT ` + auditColumns + `, false
			FROM scanned
			WHERE nth = $3) AS p
		ORDER BY id` + itemOrder
	rows, err := q.q.Query(ctx, query, args...)
	if err != nil {
		return scanned[Entry]{}, fmt.Errorf("select audit log: %w", err)
	}
	p, err := collectScanned(rows, func(row pgx.CollectableRow, item ...any) (Entry, uuid.UUID, error) {
		var (
			e      Entry
			detail []byte
		)
		targets := []any{&e.ID, &e.At, &e.Actor, &e.Action, &e.SubjectType, &e.SubjectID, &detail, &e.RequestID}
		err := row.Scan(append(targets, item...)...)
		e.Detail = json.RawMessage(detail)
		return e, e.ID, err
	})
	if err != nil {
		return p, fmt.Errorf("select audit log: %w", err)
	}
	return p, nil
}

// DropAudit deletes at most limit entries older than a time, the oldest first, and
// returns how many.
func (q queries) DropAudit(ctx context.Context, before time.Time, limit int) (int64, error) {
	const query = `
		DELETE FROM audit_log
		WHERE id IN (
			SELECT id
			FROM audit_log
			WHERE id < $1
			ORDER BY id
			LIMIT $2)`
	tag, err := q.q.Exec(ctx, query, idAt(before), limit)
	if err != nil {
		return 0, fmt.Errorf("drop audit log: %w", err)
	}
	return tag.RowsAffected(), nil
}
