package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/access"
	"belfry/internal/postgres"
)

const (
	sessionCookie = "belfry_session"
	anyScope      = access.Scope("") // whoever is signed in, with whatever scopes

	// A revoked token is refused at once by the replica that revoked it, and
	// within this time by the others.
	tokenCacheFor = 5 * time.Second
	tokenCacheMax = 10_000
)

var (
	errUnauthenticated = errors.New("no valid token or session")
	errCode            = fmt.Errorf("a wrong, used or expired code: %w", errUnauthenticated)
	errForbidden       = errors.New("the token's scopes do not include this call")
)

// need lets a call through whose caller has the scope.
func (s *Server) need(scope access.Scope) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx := c.Request().Context()
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			caller, err := s.authenticate(short, c.Request())
			cancel()
			if err != nil {
				return err
			}
			of(ctx).caller = caller
			if scope != anyScope && !caller.May(scope) {
				return errForbidden
			}
			return next(c)
		}
	}
}

// authenticate finds out who calls: by bearer token, else by session cookie.
func (s *Server) authenticate(ctx context.Context, r *http.Request) (access.Caller, error) {
	if header := r.Header.Get(echo.HeaderAuthorization); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return access.Caller{}, errUnauthenticated
		}
		return s.byToken(ctx, strings.TrimSpace(token))
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return access.Caller{}, errUnauthenticated
	}
	return unknown(s.DB.SessionCaller(ctx, access.Hash(cookie.Value), s.Now()))
}

func (s *Server) byToken(ctx context.Context, token string) (access.Caller, error) {
	hash := access.Hash(token)
	if s.AdminToken != "" && access.Same(hash, access.Hash(s.AdminToken)) {
		return access.Caller{Name: "BELFRY_ADMIN_TOKEN", Scopes: []access.Scope{access.Admin}}, nil
	}
	if c, ok := s.tokens.get(hash); ok {
		return c, nil
	}
	age := s.tokens.age()
	c, err := unknown(s.DB.TokenCaller(ctx, hash))
	if err != nil {
		return c, err
	}
	if s.Now().Sub(c.LastUsedAt) > time.Minute {
		if err := s.DB.TouchToken(ctx, c.TokenID, s.Now()); err != nil {
			s.Log.WarnContext(ctx, "use of token not noted", "token_id", c.TokenID, "error", err)
		}
	}
	s.tokens.put(hash, c, age)
	return c, nil
}

// byCode takes the code of a sign-in link, which is gone then.
func (s *Server) byCode(ctx context.Context, code string) (access.Caller, error) {
	c, err := s.DB.TakeCode(ctx, access.Hash(code), s.Now())
	if errors.Is(err, postgres.ErrNotFound) {
		return c, errCode
	}
	return c, err
}

func unknown(c access.Caller, err error) (access.Caller, error) {
	if errors.Is(err, postgres.ErrNotFound) {
		return c, errUnauthenticated
	}
	return c, err
}

// guardBrowser refuses what another site makes a browser send with our cookie. A
// request with a bearer token is not a browser's doing.
func (s *Server) guardBrowser(next echo.HandlerFunc) echo.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		if c.Request().Header.Get(echo.HeaderAuthorization) == "" {
			if err := protection.Check(c.Request()); err != nil {
				return errCrossOrigin
			}
		}
		return next(c)
	}
}

var errCrossOrigin = errors.New("a page of another site made this request")

// tokenCache remembers callers for some seconds, so that a producer's stream of
// alerts is not also a stream of token queries.
type tokenCache struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]cachedCaller
	n   int // how often everything was forgotten
}

type cachedCaller struct {
	access.Caller
	until time.Time
}

func newTokenCache(now func() time.Time) *tokenCache {
	return &tokenCache{now: now, m: map[string]cachedCaller{}}
}

func (t *tokenCache) get(hash []byte) (access.Caller, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.m[string(hash)]
	return c.Caller, ok && t.now().Before(c.until)
}

// age is what put must be told, asked for before the caller was looked up.
func (t *tokenCache) age() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// put remembers a caller, unless a token was revoked since age: it may be this one.
func (t *tokenCache) put(hash []byte, c access.Caller, age int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if age != t.n {
		return
	}
	if len(t.m) >= tokenCacheMax {
		clear(t.m)
	}
	t.m[string(hash)] = cachedCaller{c, t.now().Add(tokenCacheFor)}
}

func (t *tokenCache) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.m)
	t.n++
}
