package api

import (
	"context"
	"errors"
	"net/http"
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
	if (code == "") == (token == "") && !wrong.Has("code") {
		wrong.Add("token", invalid.CodeRequired, "give either a token or a code")
	}
	if err := wrong.Sorted(); err != nil {
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
		c, err = s.byTokenNow(ctx, token)
	}
	if err != nil {
		return c, nil, err
	}
	from, now := requestFrom(ctx), s.Now()
	key, hash := access.NewSession()
	c.SessionID, c.ExpiresAt = uuid.Must(uuid.NewV7()), now.Add(s.SessionLength)
	opened := access.Session{
		ID: c.SessionID, Name: c.Name, Scopes: c.Scopes, Opener: c.Opener, TokenID: c.TokenID, CreatedAt: now, ExpiresAt: c.ExpiresAt,
		Address: s.address(from.http), UserAgent: userAgent(from.http),
	}
	if c.Opener == access.ByAdminToken {
		opened.AdminToken = s.adminHash
	}
	from.caller = c // who signs in, for the audit log
	detail := map[string]any{"name": c.Name, "openedBy": c.Opener, "address": opened.Address}
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if former := s.sessionKey(from.http); former != "" { // the same browser has one already
			former, err := tx.EndSessionOfKey(ctx, access.Hash(former))
			if err != nil && !errors.Is(err, postgres.ErrNotFound) {
				return err
			}
			if err == nil {
				detail["replaces"] = former
			}
		}
		if err := tx.InsertSession(ctx, opened, hash); err != nil {
			return err
		}
		return s.audit(ctx, tx, sessionChanged("session.open", c.SessionID, detail))
	})
	if err != nil {
		return c, nil, err
	}
	return c, s.cookie(key, int(s.SessionLength.Seconds())), nil
}

// address returns the address that a request comes from, or "".
func (s *Server) address(r *http.Request) string {
	if from := s.Proxies.Client(r); from.IsValid() {
		return from.String()
	}
	return ""
}

// userAgent returns what a browser says of itself, cut short.
func userAgent(r *http.Request) string {
	const most = 256 // bytes
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	return strings.ToValidUTF8(agent[:min(len(agent), most)], "")
}

func sessionChanged(action string, id uuid.UUID, detail map[string]any) postgres.Entry {
	return postgres.Entry{Action: action, SubjectType: "session", SubjectID: id.String(), Detail: detail}
}

// cookie is not readable by scripts, and not sent from other sites. It is bound
// to TLS where the public URL is.
func (s *Server) cookie(key string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: key, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.overTLS(),
	}
}

// GetSession says who calls.
func (s *Server) GetSession(ctx context.Context, _ GetSessionRequestObject) (GetSessionResponseObject, error) {
	return GetSession200JSONResponse(newSession(requestFrom(ctx).caller)), nil
}

// SignOut ends the session. With a bearer token there is none to end.
func (s *Server) SignOut(ctx context.Context, _ SignOutRequestObject) (SignOutResponseObject, error) {
	if id := requestFrom(ctx).caller.SessionID; id != uuid.Nil {
		if err := s.endSession(ctx, "session.close", id, nil); err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return nil, err
		}
	}
	return SignOut204Response{Headers: SignOut204ResponseHeaders{SetCookie: s.cookie("", -1).String()}}, nil
}

// ListSessions lists the open sessions that the caller may end.
func (s *Server) ListSessions(ctx context.Context, _ ListSessionsRequestObject) (ListSessionsResponseObject, error) {
	list, err := s.DB.Sessions(ctx, s.open(), owner(ctx))
	if err != nil {
		return nil, err
	}
	answer := ListSessions200JSONResponse{Items: make([]OpenSession, len(list))}
	for i, x := range list {
		answer.Items[i] = OpenSession{
			ID: x.ID, Name: x.Name, Scopes: newScopes(x.Scopes), OpenedBy: SessionOpener(x.Opener), TokenID: orNil(x.TokenID),
			CreatedAt: x.CreatedAt.UTC(), LastUsedAt: timeOrNil(x.LastUsedAt), ExpiresAt: x.ExpiresAt.UTC(),
			Address: x.Address, UserAgent: x.UserAgent, Current: x.ID == requestFrom(ctx).caller.SessionID,
		}
	}
	return answer, nil
}

// EndSession ends a session that the caller may end.
func (s *Server) EndSession(ctx context.Context, r EndSessionRequestObject) (EndSessionResponseObject, error) {
	if err := s.endSession(ctx, "session.end", r.ID, owner(ctx)); err != nil {
		return nil, err
	}
	return EndSession204Response{}, nil
}

func (s *Server) endSession(ctx context.Context, action string, id uuid.UUID, owner *access.Caller) error {
	return s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		name, err := tx.EndSession(ctx, id, s.open(), owner)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, sessionChanged(action, id, map[string]any{"name": name}))
	})
}

// owner is whose sessions the caller may see and end: nil for everybody's.
func owner(ctx context.Context) *access.Caller {
	if c := requestFrom(ctx).caller; !c.May(access.Admin) {
		return &c
	}
	return nil
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

// submitSignIn is SignIn for the page that a sign-in link opens: it needs no
// script. The code is in the form, not only in the link, so that what merely
// looks at the link does not use it up.
func (s *Server) submitSignIn(c echo.Context) error {
	next := wayBack(c.FormValue("next"))
	_, cookie, err := s.openSession(c.Request().Context(), c.FormValue("code"), c.FormValue("token"))
	if limited := (errLimited{}); errors.As(err, &limited) {
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter(err))
		return c.HTMLBlob(http.StatusTooManyRequests, signInPage("", next, "Too many wrong tokens came from your address. Wait some seconds, and try again."))
	}
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
