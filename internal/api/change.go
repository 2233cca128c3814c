package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// errNothingToDo ends a change that would change nothing.
var errNothingToDo = errors.New("nothing to do")

// change merges a change into a destination under its row's lock, if it is still
// the version that the caller read, and writes it to the audit log.
func (s *Server) change(ctx context.Context, id uuid.UUID, match *string, action string, fn func(*postgres.Tx, *destination.Destination) error) (destination.Destination, error) {
	var d destination.Destination
	err := s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		var err error
		if d, err = tx.LockDestination(ctx, id); err != nil {
			return err
		}
		if !matches(match, d) {
			return postgres.ErrVersion
		}
		if err := fn(tx, &d); err != nil {
			return err
		}
		d.Version++
		d.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond)
		if err := tx.UpdateDestination(ctx, d); err != nil {
			return err
		}
		return s.audit(ctx, tx, action, d)
	})
	if err != nil && !errors.Is(err, errNothingToDo) {
		return d, fmt.Errorf("%s %s: %w", action, id, err)
	}
	s.Dispatcher.Nudge()
	return d, nil
}

// audit writes who changed a destination and to what, its secrets left out.
func (s *Server) audit(ctx context.Context, tx *postgres.Tx, action string, d destination.Destination) error {
	shown := s.newDestination(d)
	return tx.Audit(ctx, postgres.Entry{
		At: s.Now(), Actor: of(ctx).caller.Name, Action: action, SubjectType: "destination", SubjectID: d.ID.String(),
		Detail: map[string]any{
			"displayName": shown.DisplayName, "state": shown.State, "severities": shown.Severities,
			"alertTypes": shown.AlertTypes, "logTypes": shown.LogTypes, "settings": shown.Settings, "version": shown.Version,
		},
		RequestID: of(ctx).id,
	})
}

// etag names a version of a destination.
func etag(d destination.Destination) string { return fmt.Sprintf("%q", fmt.Sprint(d.Version)) }

// matches reports whether an If-Match header, if there is one, names the present
// version (RFC 9110 section 13.1.1). A weak tag never matches.
func matches(header *string, d destination.Destination) bool {
	if header == nil || strings.TrimSpace(*header) == "" {
		return true
	}
	for tag := range strings.SplitSeq(*header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag(d) {
			return true
		}
	}
	return false
}
