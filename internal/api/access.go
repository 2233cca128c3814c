package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"belfry/internal/access"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

// SignIn opens a session with a token or with the code of a sign-in link.
func (s *Server) SignIn(ctx context.Context, r SignInRequestObject) (SignInResponseObject, error) {
	var code, token string
	wrong, err := readBody(r.Body, map[string]any{"code": &code, "token": &token})
	if err != nil {
		return nil, err
	}
	if (code == "") == (token == "") && !wrong.has("code") {
		wrong.add("token", invalid.CodeRequired, "give either a token or a code")
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	c, cookie, err := s.openSession(ctx, code, token)
	if err != nil {
		return nil, err
	}
	return SignIn200JSONResponse{Body: newSession(c), Headers: SignIn200ResponseHeaders{SetCookie: cookie.String()}}, nil
}

func (s *Server) openSession(ctx context.Context, code, token string) (access.Caller, *http.Cookie, error) {
	var (
		c   access.Caller
		err error
	)
	if code != "" {
		c, err = s.byCode(ctx, code)
	} else {
		c, err = s.byToken(ctx, token)
	}
	if err != nil {
		return c, nil, err
	}
	key, hash := access.NewSession()
	c.SessionID, c.ExpiresAt = uuid.Must(uuid.NewV7()), s.Now().Add(s.SessionLength)
	if err := s.DB.InsertSession(ctx, c, hash, s.Now()); err != nil {
		return c, nil, err
	}
	return c, s.cookie(key, int(s.SessionLength.Seconds())), nil
}

// cookie is not readable by scripts, and not sent from other sites. It is bound
// to TLS where the public URL is.
func (s *Server) cookie(key string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: key, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.PublicURL, "https://"),
	}
}

// GetSession says who calls.
func (s *Server) GetSession(ctx context.Context, _ GetSessionRequestObject) (GetSessionResponseObject, error) {
	return GetSession200JSONResponse(newSession(of(ctx).caller)), nil
}

// SignOut ends the session. With a bearer token there is none to end.
func (s *Server) SignOut(ctx context.Context, _ SignOutRequestObject) (SignOutResponseObject, error) {
	if id := of(ctx).caller.SessionID; id != uuid.Nil {
		if err := s.DB.DeleteSession(ctx, id); err != nil {
			return nil, err
		}
	}
	return SignOut204Response{Headers: SignOut204ResponseHeaders{SetCookie: s.cookie("", -1).String()}}, nil
}

func newSession(c access.Caller) Session {
	answer := Session{Name: c.Name, Kind: SessionKindToken, Scopes: newScopes(c.Scopes), ExpiresAt: timeOrNil(c.ExpiresAt)}
	if c.SessionID != uuid.Nil {
		answer.Kind = SessionKindSession
	}
	return answer
}

func newScopes(scopes []access.Scope) []Scope {
	list := make([]Scope, len(scopes))
	for i, s := range scopes {
		list[i] = Scope(s)
	}
	return list
}

// ListTokens lists API tokens, revoked ones too, without what they are.
func (s *Server) ListTokens(ctx context.Context, _ ListTokensRequestObject) (ListTokensResponseObject, error) {
	list, err := s.DB.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	answer := ListTokens200JSONResponse{Items: make([]Token, len(list))}
	for i, t := range list {
		answer.Items[i] = newToken(t)
	}
	return answer, nil
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
		wrong.add(field, code, message)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	t := access.Token{ID: uuid.Must(uuid.NewV7()), Name: strings.TrimSpace(name), CreatedAt: s.Now().UTC(), CreatedBy: of(ctx).caller.Name}
	for _, scope := range scopes {
		if !slices.Contains(t.Scopes, access.Scope(scope)) {
			t.Scopes = append(t.Scopes, access.Scope(scope))
		}
	}
	token, hash := access.NewToken()
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.InsertToken(ctx, t, hash); err != nil {
			return err
		}
		return s.audit(ctx, tx, tokenChanged("token.create", t.ID, map[string]any{"name": t.Name, "scopes": t.Scopes}))
	})
	if err != nil {
		return nil, err
	}
	return CreateToken201JSONResponse{Token: newToken(t), Secret: token}, nil
}

// RevokeToken ends a token and the sessions it opened.
func (s *Server) RevokeToken(ctx context.Context, r RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	err := s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		name, err := tx.RevokeToken(ctx, r.ID, s.Now())
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, tokenChanged("token.revoke", r.ID, map[string]any{"name": name}))
	})
	if err != nil {
		return nil, err
	}
	s.tokens.forget()
	return RevokeToken204Response{}, nil
}

func tokenChanged(action string, id uuid.UUID, detail map[string]any) postgres.Entry {
	return postgres.Entry{Action: action, SubjectType: "token", SubjectID: id.String(), Detail: detail}
}

func newToken(t access.Token) Token {
	return Token{
		ID: t.ID, Name: t.Name, Scopes: newScopes(t.Scopes), CreatedAt: t.CreatedAt.UTC(), CreatedBy: t.CreatedBy,
		LastUsedAt: timeOrNil(t.LastUsedAt), RevokedAt: timeOrNil(t.RevokedAt),
	}
}

// submitSignIn is SignIn for the page that a sign-in link opens: it needs no
// script. The code is in the form, not only in the link, so that what merely
// looks at the link does not use it up.
func (s *Server) submitSignIn(c echo.Context) error {
	next := wayBack(c.FormValue("next"))
	_, cookie, err := s.openSession(c.Request().Context(), c.FormValue("code"), c.FormValue("token"))
	if errors.Is(err, errUnauthenticated) {
		return c.HTMLBlob(http.StatusUnauthorized, signInPage("", next, "This link was used already or has expired, or the token is not valid."))
	}
	if err != nil {
		return err
	}
	c.SetCookie(cookie)
	return c.Redirect(http.StatusSeeOther, next)
}

// serveSignIn serves that page.
func (s *Server) serveSignIn(c echo.Context) error {
	return c.HTMLBlob(http.StatusOK, signInPage(c.QueryParam("code"), wayBack(c.QueryParam("next")), ""))
}

// SignInLinkFor is how long the code of a sign-in link is valid.
const SignInLinkFor = 15 * time.Minute
