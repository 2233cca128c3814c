package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/destination"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

// ListDestinations lists destinations by name.
func (s *Server) ListDestinations(ctx context.Context, r ListDestinationsRequestObject) (ListDestinationsResponseObject, error) {
	p := r.Params
	n, after := page("listDestinations", p.Limit, p.Cursor)
	list, err := s.DB.Destinations(ctx, postgres.DestinationFilter{
		Query: value(p.Q), State: string(value(p.State)), Type: string(value(p.Type)), After: after, Limit: n + 1,
	})
	if err != nil {
		return nil, err
	}
	list, cursor := next("listDestinations", list, n, func(d destination.Destination) string { return destination.NameKey(d.DisplayName) })
	answer := ListDestinations200JSONResponse{Items: make([]Destination, len(list)), NextCursor: cursor}
	for i, d := range list {
		answer.Items[i] = s.newDestination(d)
	}
	return answer, nil
}

// CreateDestination stores a new destination. Its signing secret is shown in this
// answer and never again.
func (s *Server) CreateDestination(ctx context.Context, r CreateDestinationRequestObject) (CreateDestinationResponseObject, error) {
	d, err := s.destinations().Create(ctx, *r.Body, actor(ctx))
	if err != nil {
		return nil, err
	}
	return CreateDestination201JSONResponse{
		Body:    CreatedDestination{Destination: s.newDestination(d), SigningSecret: d.Signing.Secret},
		Headers: CreateDestination201ResponseHeaders{ETag: etag(d)},
	}, nil
}

// GetDestination answers one destination, without its secrets.
func (s *Server) GetDestination(ctx context.Context, r GetDestinationRequestObject) (GetDestinationResponseObject, error) {
	d, err := s.DB.Destination(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return GetDestination200JSONResponse{Body: s.newDestination(d), Headers: GetDestination200ResponseHeaders{ETag: etag(d)}}, nil
}

// PatchDestination merges a change into a destination. A signing secret that was made
// because the former one could not be opened is shown in this answer only.
func (s *Server) PatchDestination(ctx context.Context, r PatchDestinationRequestObject) (PatchDestinationResponseObject, error) {
	d, made, err := s.destinations().Patch(ctx, changeOf(ctx, r.ID, r.Params.IfMatch), *r.Body)
	if err != nil {
		return nil, err
	}
	answer := ChangedDestination{Destination: s.newDestination(d)}
	if made {
		answer.SigningSecret = &d.Signing.Secret
	}
	return PatchDestination200JSONResponse{Body: answer, Headers: PatchDestination200ResponseHeaders{ETag: etag(d)}}, nil
}

// PauseDestination holds what would be sent from now on.
func (s *Server) PauseDestination(ctx context.Context, r PauseDestinationRequestObject) (PauseDestinationResponseObject, error) {
	d, err := s.destinations().Pause(ctx, changeOf(ctx, r.ID, r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	return PauseDestination200JSONResponse{Body: s.newDestination(d), Headers: PauseDestination200ResponseHeaders{ETag: etag(d)}}, nil
}

// ResumeDestination releases what a pause held, or cancels it.
func (s *Server) ResumeDestination(ctx context.Context, r ResumeDestinationRequestObject) (ResumeDestinationResponseObject, error) {
	var discard bool
	wrong, err := readBody(r.Body, map[string]any{"discard": &discard})
	if err != nil {
		return nil, err
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	d, err := s.destinations().Resume(ctx, changeOf(ctx, r.ID, r.Params.IfMatch), discard)
	if err != nil {
		return nil, err
	}
	return ResumeDestination200JSONResponse{Body: s.newDestination(d), Headers: ResumeDestination200ResponseHeaders{ETag: etag(d)}}, nil
}

// RotateSigningSecret makes a new signing secret, shown in this answer only.
func (s *Server) RotateSigningSecret(ctx context.Context, r RotateSigningSecretRequestObject) (RotateSigningSecretResponseObject, error) {
	keep := 86_400
	wrong, err := readBody(r.Body, map[string]any{"keepPreviousForSeconds": &keep})
	if err != nil {
		return nil, err
	}
	if keep < 0 || keep > 7*86_400 {
		wrong.Add("keepPreviousForSeconds", invalid.CodeFormat, "must be from 0 to 604800, which is a week")
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	d, err := s.destinations().RotateSigning(ctx, changeOf(ctx, r.ID, r.Params.IfMatch), time.Duration(keep)*time.Second)
	if err != nil {
		return nil, err
	}
	return RotateSigningSecret200JSONResponse{
		Body:    NewSigningSecret{SigningSecret: d.Signing.Secret, PreviousValidUntil: timeOrNil(d.Signing.PreviousUntil(s.Now()))},
		Headers: RotateSigningSecret200ResponseHeaders{ETag: etag(d)},
	}, nil
}

// DeleteDestination marks it at once; what is open is cancelled in the
// background. History keeps its name.
func (s *Server) DeleteDestination(ctx context.Context, r DeleteDestinationRequestObject) (DeleteDestinationResponseObject, error) {
	if err := s.destinations().Delete(ctx, changeOf(ctx, r.ID, r.Params.IfMatch)); err != nil {
		return nil, err
	}
	return DeleteDestination204Response{}, nil
}

// TestDestination sends a test alert to a stored destination.
func (s *Server) TestDestination(ctx context.Context, r TestDestinationRequestObject) (TestDestinationResponseObject, error) {
	t := testInput{Severity: alert.Info, Type: alert.Rule}
	wrong, err := t.read(r.Body, nil)
	if err != nil {
		return nil, err
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	d, err := s.DB.Destination(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if d.Unopened != nil {
		return nil, d.Unopened
	}
	a, body, err := s.Dispatcher.Test(ctx, d, t.Severity, t.Type, actor(ctx))
	if err != nil {
		return nil, err
	}
	return TestDestination200JSONResponse{Attempt: newAttempt(a, body)}, nil
}

// TestSettings sends a test alert with settings that are not stored: those of a
// new destination, or those that a change of one would lead to.
func (s *Server) TestSettings(ctx context.Context, r TestSettingsRequestObject) (TestSettingsResponseObject, error) {
	t := testInput{Severity: alert.Info, Type: alert.Rule}
	var c candidate
	wrong, err := t.read(r.Body, map[string]any{"destinationId": &c.of, "type": &c.typ, "settings": &c.settings})
	if err != nil {
		return nil, err
	}
	d, err := s.readCandidate(ctx, c, &wrong)
	if err != nil {
		return nil, err
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	if d.Settings == nil {
		return nil, destination.ErrMisconfigured
	}
	a, body, err := s.Dispatcher.Test(ctx, d, t.Severity, t.Type, actor(ctx))
	if err != nil {
		return nil, err
	}
	return TestSettings200JSONResponse{Attempt: newAttempt(a, body)}, nil
}

// candidate is what a request says of settings that are not stored.
type candidate struct {
	of            *uuid.UUID // the destination that they are a change of
	typ, settings json.RawMessage
}

// readCandidate returns the destination as it would be. It has no id: a test of
// it must neither be stored with those of the stored one nor count as one.
func (s *Server) readCandidate(ctx context.Context, c candidate, wrong *invalid.FieldErrors) (destination.Destination, error) {
	d, found := destination.Destination{}, invalid.FieldErrors(nil)
	switch {
	case wrong.Has("destinationId"): // what settings must have then cannot be told
	case c.of == nil:
		d, found = destination.ReadSettings(c.typ, c.settings)
	default:
		stored, err := s.DB.Destination(ctx, *c.of)
		if errors.Is(err, postgres.ErrNotFound) {
			wrong.Add("destinationId", invalid.CodeConflict, "is not a destination")
			return d, nil
		}
		if errors.Is(stored.Unopened, destination.ErrNoKey) {
			err = stored.Unopened
		}
		if err != nil {
			return d, err
		}
		d, found = stored.PatchSettings(c.typ, c.settings)
	}
	for _, e := range found {
		wrong.Add(e.Field, e.Code, e.Message)
	}
	if d.Signing.Secret == "" { // a new one's, or one that cannot be opened
		d.Signing = destination.NewSigning(s.Now())
	}
	return destination.Destination{Type: d.Type, Settings: d.Settings, Signing: d.Signing}, nil
}

// testInput is what a test alert shall look like.
type testInput struct {
	Severity alert.Severity
	Type     alert.Type
}

func (t *testInput) read(body *json.RawMessage, more map[string]any) (invalid.FieldErrors, error) {
	targets := map[string]any{"severity": &t.Severity, "alertType": &t.Type}
	for name, target := range more {
		targets[name] = target
	}
	wrong, err := readBody(body, targets)
	if !slices.Contains(alert.Severities(), t.Severity) {
		wrong.Add("severity", invalid.CodeEnum, fmt.Sprintf("must be one of %v", alert.Severities()))
	}
	if !slices.Contains(alert.Types(), t.Type) {
		wrong.Add("alertType", invalid.CodeEnum, fmt.Sprintf("must be one of %v", alert.Types()))
	}
	return wrong, err
}

func (s *Server) newDestination(d destination.Destination) Destination {
	answer := Destination{
		ID: d.ID, DisplayName: d.DisplayName, FormerNames: notNil(d.FormerNames), Type: DestinationType(d.Type), State: DestinationState(d.State),
		Severities: []Severity{}, AlertTypes: []AlertType{}, LogTypes: notNil(d.LogTypes),
		Usable: d.Usable(), UnusableReason: orNil(UnusableReason(d.WhyUnusable())), UnusableMessage: orNil(d.WhyUnusable().Words()),
		OverrideOnly: len(d.Severities) == 0, Limits: newLimits(d.Limits), ResponseStorage: ResponseStorage(d.ResponseStorage),
		Signing: Signing{CreatedAt: timeOrNil(d.Signing.CreatedAt)}, Version: d.Version,
		CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
	answer.Signing.PreviousValidUntil = timeOrNil(d.Signing.PreviousUntil(s.Now()))
	for _, v := range d.Severities {
		answer.Severities = append(answer.Severities, Severity(v))
	}
	for _, v := range d.AlertTypes {
		answer.AlertTypes = append(answer.AlertTypes, AlertType(v))
	}
	shown := d.Shown()
	answer.Settings, answer.StoredSecrets = shown.Settings, shown.Secrets
	return answer
}

func newLimits(l destination.Limits) Limits {
	return Limits{
		MaxInFlight: l.MaxInFlight, RatePerSecond: orNil(l.RatePerSecond), Burst: orNil(l.Burst), HoldFailing: l.HoldFailing,
	}
}
