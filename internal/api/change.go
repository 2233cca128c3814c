package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// errNothingToDo ends a change that would change nothing.
var errNothingToDo = errors.New("nothing to do")

// merge changes a destination whose row is locked. It may add to what the audit
// log will say.
type merge func(tx *postgres.Tx, d *destination.Destination, detail map[string]any) error

// become returns a merge that brings a destination into a state.
func become(state destination.State) merge {
	return func(_ *postgres.Tx, d *destination.Destination, _ map[string]any) error {
		if d.State == state {
			return errNothingToDo
		}
		d.State = state
		return nil
	}
}

// change merges a change into a destination under its row's lock, if it is still
// the version that the caller read, and writes it to the audit log.
func (s *Server) change(ctx context.Context, id uuid.UUID, match *string, action string, fn merge) (destination.Destination, error) {
	var d destination.Destination
	err := s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		var err error
		if d, err = tx.LockDestination(ctx, id); err != nil {
			return err
		}
		if !matches(match, d) {
			return postgres.ErrVersion
		}
		detail := map[string]any{}
		if err := fn(tx, &d, detail); err != nil {
			return err
		}
		d.Version++
		d.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond)
		if err := tx.UpdateDestination(ctx, d); err != nil {
			return err
		}
		return s.audit(ctx, tx, s.changed(action, d, detail))
	})
	if err != nil && !errors.Is(err, errNothingToDo) {
		return d, fmt.Errorf("%s %s: %w", action, id, err)
	}
	s.Dispatcher.Nudge()
	s.Dispatcher.Events.Changed(id)
	return d, nil
}

// changed says to what a destination was changed, its secrets left out.
func (s *Server) changed(action string, d destination.Destination, more map[string]any) postgres.Entry {
	shown := s.newDestination(d)
	detail := map[string]any{
		"displayName": shown.DisplayName, "formerNames": shown.FormerNames, "state": shown.State, "severities": shown.Severities, "alertTypes": shown.AlertTypes,
		"logTypes": shown.LogTypes, "limits": shown.Limits, "responseStorage": shown.ResponseStorage, "settings": shown.Settings, "version": shown.Version,
	}
	maps.Copy(detail, more)
	return postgres.Entry{Action: action, SubjectType: "destination", SubjectID: d.ID.String(), Detail: detail}
}

// audit writes to the audit log that the caller did something.
func (s *Server) audit(ctx context.Context, tx *postgres.Tx, e postgres.Entry) error {
	e.At, e.Actor, e.RequestID = s.Now(), of(ctx).caller.Name, of(ctx).id
	return tx.Audit(ctx, e)
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
