package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"belfry/internal/destination"
	"belfry/internal/dispatch"
	"belfry/internal/postgres"
)

// destinations changes destinations with the API's own connections.
func (s *Server) destinations() dispatch.Destinations {
	return dispatch.Destinations{DB: s.DB, Now: s.Now, Discard: s.Dispatcher.Discard, Changed: func(id uuid.UUID) {
		s.Dispatcher.Nudge()
		s.Dispatcher.Events.Changed(id)
	}}
}

// changeOf says what the caller changes, and which versions of it the caller's If-Match names.
func changeOf(ctx context.Context, id uuid.UUID, match *string) dispatch.Change {
	return dispatch.Change{ID: id, By: actor(ctx), Matches: func(version int64) bool { return matches(match, version) }}
}

// audit writes to the audit log that the caller did something.
func (s *Server) audit(ctx context.Context, tx *postgres.Tx, e postgres.Entry) error {
	e.At, e.Actor, e.RequestID = s.Now(), requestFrom(ctx).caller.Name, requestFrom(ctx).id
	return tx.Audit(ctx, e)
}

// etag names a version of a destination.
func etag(d destination.Destination) string { return etagOf(d.Version) }

func etagOf(version int64) string { return fmt.Sprintf("%q", fmt.Sprint(version)) }

// matches reports whether an If-Match header, if there is one, names the present
// version (RFC 9110 section 13.1.1). A weak tag never matches.
func matches(header *string, version int64) bool {
	if header == nil || strings.TrimSpace(*header) == "" {
		return true
	}
	for tag := range strings.SplitSeq(*header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etagOf(version) {
			return true
		}
	}
	return false
}
