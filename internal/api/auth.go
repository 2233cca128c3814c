package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/labstack/echo/v4"

	"belfry/internal/access"
	"belfry/internal/inbound"
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

// tokenLookup finds out who a token belongs to.
type tokenLookup func(ctx context.Context, token string) (access.Caller, error)

// requireScope lets a call through if its caller has the scope.
func (s *Server) requireScope(scope access.Scope, byToken tokenLookup) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx := c.Request().Context()
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			caller, err := s.authenticate(short, c.Request(), byToken)
			if err == nil {
				s.noteUse(short, caller)
			}
			cancel()
			if err != nil {
				return err
			}
			requestFrom(ctx).caller = caller
			if scope != anyScope && !caller.May(scope) {
				return errForbidden
			}
			return next(c)
		}
	}
}

// authenticate finds out who calls: by bearer token, else by session cookie.
func (s *Server) authenticate(ctx context.Context, r *http.Request, byToken tokenLookup) (access.Caller, error) {
	if header := r.Header.Get(echo.HeaderAuthorization); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			s.Failures.note(ctx, s.network(ctx), wrongScheme)
			return access.Caller{}, errUnauthenticated
		}
		return byToken(ctx, strings.TrimSpace(token))
	}
	return s.bySession(ctx, s.sessionKey(r))
}

// bySession returns whose session has a key. What is wrong here is not limited:
// nobody guesses a key, and many browsers of one office show an old one at once.
func (s *Server) bySession(ctx context.Context, key string) (access.Caller, error) {
	if key == "" {
		return access.Caller{}, errUnauthenticated
	}
	c, err := access.Caller{}, errUnauthenticated
	if access.WellFormed(key) {
		c, err = unknown(s.DB.SessionCaller(ctx, access.Hash(key), s.open()))
	}
	if errors.Is(err, errUnauthenticated) {
		s.Failures.note(ctx, s.network(ctx), wrongSession)
	}
	return c, err
}

// network is what a call is limited by when what it shows is not valid.
func (s *Server) network(ctx context.Context) netip.Prefix {
	if r := requestFrom(ctx).http; r != nil {
		return inbound.Group(s.Proxies.Client(r))
	}
	return netip.Prefix{}
}

// try looks up what a client shows, unless it comes from where too much was wrong.
func (s *Server) try(ctx context.Context, text string, wrong reason, find func(hash []byte) (access.Caller, error)) (access.Caller, error) {
	if text == "" {
		return access.Caller{}, errUnauthenticated
	}
	from, hash := s.network(ctx), access.Hash(text)
	if wait, ok := s.GuessLimiter.Admit(from, text, hash); !ok {
		s.Failures.note(ctx, from, limited)
		return access.Caller{}, errLimited{wait}
	}
	c, err := find(hash)
	switch {
	case err == nil:
		s.GuessLimiter.Passed(hash)
	case errors.Is(err, postgres.ErrRevoked):
		s.GuessLimiter.Failed(from, hash)
		s.Failures.note(ctx, from, revokedToken, "token_id", c.TokenID)
	case errors.Is(err, errUnauthenticated):
		s.GuessLimiter.Failed(from, hash)
		s.Failures.note(ctx, from, wrong)
	}
	return c, err
}

// errLimited refuses what was not looked at.
type errLimited struct{ wait time.Duration }

func (errLimited) Error() string { return "too many wrong tokens or codes from this address" }

// sessionKey returns the key of the session that a browser has, or "".
func (s *Server) sessionKey(r *http.Request) string {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// open says which sessions are open now.
func (s *Server) open() postgres.OpenSessions {
	return postgres.OpenSessions{Now: s.Now(), Idle: s.SessionIdle, AdminToken: s.adminHash}
}

// noteUse writes when a session was last used. Of a token byTokenNow does.
func (s *Server) noteUse(ctx context.Context, c access.Caller) {
	if c.SessionID == uuid.Nil || s.Now().Sub(c.LastUsedAt) <= time.Minute {
		return
	}
	if err := s.DB.TouchSession(ctx, c.SessionID, s.Now()); err != nil {
		s.Log.WarnContext(ctx, "use of session not noted", "session_id", c.SessionID, "error", err)
	}
}

// byToken returns who a token belongs to, as it was some seconds ago.
func (s *Server) byToken(ctx context.Context, token string) (access.Caller, error) {
	if c, ok := s.tokens.get(access.Hash(token)); ok {
		return c, nil
	}
	return s.byTokenNow(ctx, token)
}

// byTokenNow returns who a token belongs to now.
func (s *Server) byTokenNow(ctx context.Context, token string) (access.Caller, error) {
	hash, age := access.Hash(token), s.tokens.age()
	c, err := s.try(ctx, token, wrongToken, func(hash []byte) (access.Caller, error) { return s.find(ctx, token, hash) })
	if errors.Is(err, postgres.ErrRevoked) {
		s.tokens.forget() // another replica revoked it
	}
	if err != nil {
		return c, err
	}
	if c.TokenID != uuid.Nil && s.Now().Sub(c.LastUsedAt) > time.Minute {
		if err := s.DB.TouchToken(ctx, c.TokenID, s.Now()); err != nil {
			s.Log.WarnContext(ctx, "use of token not noted", "token_id", c.TokenID, "error", err)
		}
	}
	s.tokens.put(hash, c, age)
	return c, nil
}

// find looks a token up: that of the settings is not in the database, and what is
// there has our form.
func (s *Server) find(ctx context.Context, token string, hash []byte) (access.Caller, error) {
	switch {
	case s.adminHash != nil && access.Same(hash, s.adminHash):
		return access.Caller{Name: access.AdminTokenName, Scopes: []access.Scope{access.Admin}, Opener: access.ByAdminToken}, nil
	case !access.WellFormed(token):
		return access.Caller{}, errUnauthenticated
	}
	return unknown(s.DB.TokenCaller(ctx, hash))
}

// byCode takes the code of a sign-in link, which is gone then.
func (s *Server) byCode(ctx context.Context, code string) (access.Caller, error) {
	return s.try(ctx, code, wrongCode, func(hash []byte) (access.Caller, error) {
		if !access.WellFormed(code) {
			return access.Caller{}, errCode
		}
		c, err := s.DB.TakeCode(ctx, hash, s.Now())
		if errors.Is(err, postgres.ErrNotFound) {
			return c, errCode
		}
		return c, err
	})
}

func unknown(c access.Caller, err error) (access.Caller, error) {
	if errors.Is(err, postgres.ErrNotFound) {
		return c, fmt.Errorf("%w: %w", errUnauthenticated, err)
	}
	return c, err
}

// refuseCrossOrigin refuses what another site makes a browser send with our cookie. A
// request with a bearer token is not a browser's doing.
func (s *Server) refuseCrossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
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
	now   func() time.Time
	mu    sync.Mutex
	known *lru.Cache[string, cachedCaller] // by the hash of their token
	n     int                              // how often everything was forgotten
}

type cachedCaller struct {
	access.Caller
	until time.Time
}

func newTokenCache(now func() time.Time) *tokenCache {
	known, err := lru.New[string, cachedCaller](tokenCacheMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &tokenCache{now: now, known: known}
}

func (t *tokenCache) get(hash []byte) (access.Caller, bool) {
	c, ok := t.known.Get(string(hash))
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
	t.known.Add(string(hash), cachedCaller{c, t.now().Add(tokenCacheFor)})
}

func (t *tokenCache) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known.Purge()
	t.n++
}
