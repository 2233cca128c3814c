package api

import (
	"context"
	"slices"
	"time"

	"belfry/internal/postgres"
)

const (
	unknownFor      = 24 * time.Hour
	maxUnknownItems = 50
	namingFor       = 30 * 24 * time.Hour
	maxNaming       = 10_000
)

// ListUnknownDestinations answers what alerts name that nobody has. What somebody
// has by now is mended, and left out.
func (s *Server) ListUnknownDestinations(ctx context.Context, _ ListUnknownDestinationsRequestObject) (ListUnknownDestinationsResponseObject, error) {
	done, err := s.counting.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	names, capped, err := s.DB.UnknownNames(ctx, s.Now().Add(-unknownFor))
	if err != nil {
		return nil, err
	}
	routing, err := s.DB.Routing(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n postgres.UnknownName) bool {
		_, found := routing.Named(n.Name)
		return found
	})
	items := names[:min(len(names), maxUnknownItems)]
	answer := ListUnknownDestinations200JSONResponse{
		Items: make([]UnknownDestination, len(items)), MoreNames: len(names) - len(items), Capped: capped,
	}
	for i, n := range items {
		answer.Items[i] = UnknownDestination{
			Name: n.Name, Alerts: n.Alerts, FirstAt: n.FirstAt.UTC(), LastAt: n.LastAt.UTC(), LastAlertID: n.LastAlertID,
		}
	}
	return answer, nil
}

// CountAlertsNaming answers how many alerts would miss a destination without its
// names.
func (s *Server) CountAlertsNaming(ctx context.Context, r CountAlertsNamingRequestObject) (CountAlertsNamingResponseObject, error) {
	if _, err := s.DB.Destination(ctx, r.ID); err != nil {
		return nil, err
	}
	done, err := s.counting.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	since := s.Now().Add(-namingFor).UTC()
	n, err := s.DB.CountNaming(ctx, r.ID, since, maxNaming+1)
	if err != nil {
		return nil, err
	}
	return CountAlertsNaming200JSONResponse{Alerts: min(n, maxNaming), Capped: n > maxNaming, Since: since}, nil
}
