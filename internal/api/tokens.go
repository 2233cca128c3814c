package api

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

// ListTokens lists API tokens, revoked ones too, without what they are.
func (s *Server) ListTokens(ctx context.Context, _ ListTokensRequestObject) (ListTokensResponseObject, error) {
	list, err := s.DB.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	return ListTokens200JSONResponse{Items: newTokens(list)}, nil
}

// CreateToken makes an API token, shown in this answer only.
func (s *Server) CreateToken(ctx context.Context, r CreateTokenRequestObject) (CreateTokenResponseObject, error) {
	var (
		name   string
		scopes []string
	)
	wrong, err := readBody(r.Body, map[string]any{"name": &name, "scopes": &scopes})
	if err != nil {
		return nil, err
	}
	for field, message := range access.CheckToken(name, scopes) {
		code := invalid.CodeFormat
		switch {
		case field == "name" && strings.TrimSpace(name) == "", field == "scopes" && len(scopes) == 0:
			code = invalid.CodeRequired
		case field == "scopes":
			code = invalid.CodeEnum
		}
		wrong.Add(field, code, message)
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	caller := requestFrom(ctx).caller
	t := access.Token{
		ID: uuid.Must(uuid.NewV7()), Name: strings.TrimSpace(name), CreatedAt: s.Now().UTC(), CreatedBy: caller.Name, CreatorID: caller.TokenID,
	}
	for _, scope := range scopes {
		if !slices.Contains(t.Scopes, access.Scope(scope)) {
			t.Scopes = append(t.Scopes, access.Scope(scope))
		}
	}
	token, hash := access.NewToken()
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if err := confirm(ctx, tx); err != nil {
			return err
		}
		if err := tx.InsertToken(ctx, t, hash); err != nil {
			return err
		}
		return s.audit(ctx, tx, tokenChanged("token.create", t, nil))
	})
	if err != nil {
		return nil, err
	}
	return CreateToken201JSONResponse{Token: newToken(t), Secret: token}, nil
}

// confirm ends a transaction whose caller's token was revoked, or whose session
// was ended, since they were let in: what they make would outlive that.
func confirm(ctx context.Context, tx *postgres.Tx) error {
	return refusedIfGone(tx.Confirm(ctx, requestFrom(ctx).caller))
}

func refusedIfGone(err error) error {
	if errors.Is(err, postgres.ErrNotFound) {
		return errUnauthenticated
	}
	return err
}

// RevokeToken ends a token and the sessions it opened, and on demand the tokens
// that it made.
func (s *Server) RevokeToken(ctx context.Context, r RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	var done postgres.Revocation
	err := s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		err := refusedIfGone(tx.ConfirmRevoking(ctx, requestFrom(ctx).caller))
		switch {
		case err != nil:
			return err
		case value(r.Params.Cascade):
			done, err = tx.RevokeTokenAndCreated(ctx, r.ID, s.Now())
		default:
			done, err = tx.RevokeToken(ctx, r.ID, s.Now())
		}
		if err != nil {
			return err
		}
		return s.auditRevocation(ctx, tx, done)
	})
	if err != nil {
		return nil, err
	}
	s.tokens.forget()
	return RevokeToken200JSONResponse{Token: newToken(done.Token), Created: newTokens(done.Created), SessionsEnded: done.Sessions}, nil
}

// auditRevocation writes a line for each token that was revoked.
func (s *Server) auditRevocation(ctx context.Context, tx *postgres.Tx, r postgres.Revocation) error {
	if r.Changed {
		if err := s.audit(ctx, tx, tokenChanged("token.revoke", r.Token, map[string]any{"sessionsEnded": r.Sessions})); err != nil {
			return err
		}
	}
	for _, t := range r.Created {
		if t.RevokedAt.IsZero() {
			continue
		}
		if err := s.audit(ctx, tx, tokenChanged("token.revoke", t, map[string]any{"createdByTokenId": t.CreatorID, "with": r.Token.ID})); err != nil {
			return err
		}
	}
	return nil
}

// tokenChanged says of a token what it may do, or what else there is to say.
func tokenChanged(action string, t access.Token, more map[string]any) postgres.Entry {
	detail := map[string]any{"name": t.Name, "scopes": t.Scopes}
	maps.Copy(detail, more)
	return postgres.Entry{Action: action, SubjectType: "token", SubjectID: t.ID.String(), Detail: detail}
}

func newTokens(tokens []access.Token) []Token {
	list := make([]Token, len(tokens))
	for i, t := range tokens {
		list[i] = newToken(t)
	}
	return list
}

func newToken(t access.Token) Token {
	return Token{
		ID: t.ID, Name: t.Name, Scopes: newScopes(t.Scopes), CreatedAt: t.CreatedAt.UTC(), CreatedBy: t.CreatedBy,
		CreatedByTokenID: orNil(t.CreatorID), LastUsedAt: timeOrNil(t.LastUsedAt), RevokedAt: timeOrNil(t.RevokedAt),
	}
}
