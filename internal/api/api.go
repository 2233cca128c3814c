// Package api is the REST API that openapi.yaml describes, and serves the
// console beside it.
package api

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/access"
	"belfry/internal/dispatch"
	"belfry/internal/inbound"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
	"belfry/internal/sampler"
)

// Config is what the API is made of.
type Config struct {
	DB         *postgres.DB // with connections of its own: the dispatcher's are not for readers
	Dispatcher *dispatch.Dispatcher
	Log        *slog.Logger
	Metrics    prometheus.Gatherer
	Now        func() time.Time

	PublicURL     string // without a slash at its end
	AdminToken    string // from the settings: admin, and not in the database; "" for none
	OpenMetrics   bool   // serve /metrics without a token
	Draining      func() bool
	Missing       func() string   // the migration that the database lacks, "" for none; nil for a database that lacks none
	Proxies       inbound.Proxies // whose word on a client's address counts
	SessionLength time.Duration
	SessionIdle   time.Duration        // for how long a session may go unused
	CallTimeout   time.Duration        // of a call that only asks the database; 0 for a minute
	GuessLimiter  *access.GuessLimiter // nil for the usual one
	Failures      *Failures            // nil for one that nobody runs
	Facts         Facts
	Console       fs.FS // the built console; nil, or without index.html, when there is none
}

// Server answers API requests.
type Server struct {
	Config
	adminHash []byte // of AdminToken; nil for none
	tokens    *tokenCache
	streams   streams
	refusals  sampler.Sampler // of lines in the log
	console   *console
	intake    *intake
	ingested  *ingestHistory

	counting     semaphore // calls that count up to a bound
	bulkCounting semaphore // calls that count all that a filter selects
}

// New returns a handler for the whole API and the console.
func New(cfg Config) http.Handler { return headIsGet(newServer(cfg).routes()) }

func newServer(cfg Config) *Server {
	s := &Server{
		Config: cfg, refusals: sampler.Sampler{Every: logRefusalsEvery}, tokens: newTokenCache(cfg.Now), console: newConsole(cfg.Console),
		intake: newIntake(cfg.Now), ingested: newIngestHistory(cfg.Now),
		counting: make(semaphore, maxCounting), bulkCounting: make(semaphore, maxCounting),
	}
	if s.CallTimeout == 0 {
		s.CallTimeout = time.Minute
	}
	if s.GuessLimiter == nil {
		s.GuessLimiter = access.NewGuessLimiter(0, s.Now)
	}
	if s.Failures == nil {
		s.Failures = NewFailures(s.DB, s.Log, nil, s.Now)
	}
	if s.Dispatcher != nil {
		s.Dispatcher.Cluster.OnLost(func() {
			s.tokens.forget()
			s.DB.Forget()
		})
	}
	if s.AdminToken != "" {
		s.adminHash = access.Hash(s.AdminToken)
	}
	return s
}

// request is what is known of a request beside its content.
type request struct {
	id     string
	caller access.Caller
	http   *http.Request // as it came; nil outside of a request

	bodyRead bool
	taken    bool // at least one alert of it was accepted
}

type requestKey struct{}

// requestFrom returns the request that a context belongs to.
func requestFrom(ctx context.Context) *request {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return &request{}
	}
	return r
}

// actor says who asks, for the record.
func actor(ctx context.Context) dispatch.By {
	r := requestFrom(ctx)
	return dispatch.By{Name: r.caller.Name, RequestID: r.id}
}

// identify gives every request an id, the caller's own if it is harmless.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !harmless(id) {
			id = uuid.NewString()
		}
		header := c.Response().Header()
		header.Set(echo.HeaderXRequestID, id)
		header.Set(echo.HeaderXContentTypeOptions, "nosniff")
		header.Set(echo.HeaderReferrerPolicy, "same-origin") // with none a form's Origin is null, and refuseCrossOrigin cannot tell whose it is
		header.Set(echo.HeaderXFrameOptions, "DENY")
		header.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		header.Set(echo.HeaderCacheControl, "no-store")
		if s.overTLS() {
			header.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000") // a year; names below this one are not ours to speak for
		}
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), requestKey{}, &request{id: id, http: c.Request()})))
		start := s.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // answers at once, so that the line below tells the truth
		}
		s.Log.DebugContext(c.Request().Context(), "request served", "request_id", id, "method", method(c),
			"route", c.Path(), "status", c.Response().Status, "duration_ms", s.Now().Sub(start).Milliseconds())
		return nil
	}
}

// readableParameters refuses a path or a query that no text of ours could match:
// Postgres holds neither U+0000 nor bytes that are not UTF-8.
func readableParameters(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		unreadable := func(text string) bool { return !utf8.ValidString(text) || strings.ContainsRune(text, 0) }
		if unreadable(c.Request().URL.Path) {
			return invalid.Malformed{Message: "The path must be UTF-8 without U+0000."}
		}
		var wrong invalid.FieldErrors
		for name, values := range c.QueryParams() {
			if unreadable(name) || slices.ContainsFunc(values, unreadable) {
				wrong = append(wrong, invalid.FieldError{Field: strings.ToValidUTF8(name, "?"), Code: invalid.CodeFormat, Message: "must be UTF-8 without U+0000"})
			}
		}
		if len(wrong) > 0 {
			return wrong
		}
		return next(c)
	}
}

func harmless(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.:", r))
	})
}

func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.Log.ErrorContext(c.Request().Context(), "request panicked", "request_id", requestFrom(c.Request().Context()).id,
		"route", c.Path(), "error", err, "stack", string(stack))
	return err
}
