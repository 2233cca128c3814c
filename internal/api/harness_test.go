package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/access"
	"belfry/internal/delivery"
	"belfry/internal/dispatch"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// harness is a whole server on a database of its own. Whatever it answers is
// held against openapi.yaml, and searched for secrets; so is its log.
type harness struct {
	url        string
	db         *postgres.DB
	dispatcher *dispatch.Dispatcher
	server     *Server
	admin      string // a token
	log        *logBook
	config     Config

	mu      sync.Mutex
	names   map[string]int // of tokens
	secrets []string
	hooks   atomic.Int64
}

// setup is what an option may change before the server starts.
type setup struct {
	dispatch dispatch.Config
	api      Config
	idle     bool // the dispatcher accepts and tests, but makes no attempts
}

type option func(*setup)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func waits(ds ...time.Duration) option { return func(s *setup) { s.dispatch.Waits = ds } }

// once gives up after the first failed attempt.
var once = waits()

// patient waits an hour after the first failed attempt.
var patient = waits(time.Hour, time.Hour)

func idle(s *setup) { s.idle = true }

// quick are ten waits that pass at once.
func quick() delivery.Waits {
	return slices.Repeat(delivery.Waits{time.Millisecond}, delivery.MaxRetries)
}

// newAPI starts a server that runs until the test ends.
func newAPI(t testing.TB, options ...option) *harness {
	t.Helper()
	url := pgtest.NewURL(t)
	h := &harness{db: pgtest.Open(t, url), log: new(logBook), names: map[string]int{}}
	registry := prometheus.NewRegistry()
	s := setup{
		dispatch: dispatch.Config{
			DB: pgtest.Open(t, url), Log: h.log.logger(slog.LevelInfo), Metrics: registry, Now: time.Now,
			Client: outbound.New(outbound.Options{
				Allow: loopback, Timeout: time.Minute, UserAgent: "Belfry/test",
			}),
			Waits: quick(), Roles: []string{"api", "worker"}, Workers: 16, Version: "test", Alone: true,
			AttemptTimeout: time.Minute, FailingMaxAge: 72 * time.Hour,
			Link: func(id string) string { return "https://belfry.test/alerts/" + id },
		},
		api: Config{
			DB: h.db, Log: h.log.logger(slog.LevelDebug), Metrics: registry, Now: time.Now, PublicURL: "http://belfry.test",
			Draining: func() bool { return false }, SessionLength: time.Hour, SessionIdle: time.Hour,
			GuessLimiter: access.NewGuessLimiter(1_000_000, time.Now), Failures: NewFailures(h.db, h.log.logger(slog.LevelDebug), registry, time.Now), Facts: Facts{Version: "test", StartedAt: time.Now()},
		},
	}
	for _, o := range options {
		o(&s)
	}
	var err error
	if h.dispatcher, err = dispatch.New(s.dispatch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.stop(t) })
	if !s.idle {
		if err := h.dispatcher.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.api.Dispatcher = h.dispatcher
	h.config = s.api
	h.serve(t)
	h.admin = h.token(t, access.Admin)
	t.Cleanup(func() { h.searchLog(t) })
	return h
}

func (h *harness) serve(t testing.TB) {
	h.server = newServer(h.config)
	server := httptest.NewServer(headIsGet(h.server.routes()))
	t.Cleanup(server.Close)
	h.url = server.URL
}

// replica starts another server on the same database, with other settings.
func (h *harness) replica(t testing.TB, change func(*Config)) *harness {
	t.Helper()
	other := &harness{db: h.db, dispatcher: h.dispatcher, admin: h.admin, log: h.log, config: h.config, secrets: h.secrets, names: map[string]int{}}
	change(&other.config)
	other.serve(t)
	return other
}

func (h *harness) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.dispatcher.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// token stores an API token with the scopes.
func (h *harness) token(t testing.TB, scopes ...access.Scope) string {
	t.Helper()
	token, hash := access.NewToken()
	k := access.Token{ID: uuid.Must(uuid.NewV7()), Name: h.newName(fmt.Sprint(scopes)), Scopes: scopes, CreatedAt: time.Now(), CreatedBy: "test"}
	if err := h.db.InsertToken(context.Background(), k, hash); err != nil {
		t.Fatal(err)
	}
	h.keep(token)
	return token
}

// newName returns a name, the second time with a number: no two tokens have one.
func (h *harness) newName(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names[name]++; h.names[name] > 1 {
		return fmt.Sprint(name, " ", h.names[name])
	}
	return name
}

// code stores a sign-in code.
func (h *harness) code(t testing.TB, expires time.Time, scopes ...access.Scope) string {
	t.Helper()
	code, hash := access.NewCode()
	if err := h.db.InsertCode(context.Background(), hash, access.Caller{Name: "person", Scopes: scopes, ExpiresAt: expires}); err != nil {
		t.Fatal(err)
	}
	return code
}

// keep makes texts secret: from now on no answer and no line of the log may hold
// one.
func (h *harness) keep(secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, secrets...)
}

// leaked returns the secrets that a text holds.
func (h *harness) leaked(text string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.secrets), func(s string) bool { return !strings.Contains(text, s) })
}

func (h *harness) searchLog(t testing.TB) {
	t.Helper()
	for line := range strings.Lines(h.log.text()) {
		if found := h.leaked(line); len(found) > 0 {
			t.Errorf("the log holds the secrets %q: %s", found, line)
		}
		if strings.Contains(line, "request panicked") {
			t.Errorf("a request panicked: %s", line)
		}
	}
}

// count returns the number that a query answers.
func (h *harness) count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := h.db.Pool().QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// texts returns the one column that a query answers.
func (h *harness) texts(t testing.TB, query string, args ...any) []string {
	t.Helper()
	var list []string
	if err := h.db.Pool().QueryRow(context.Background(), "SELECT coalesce(array_agg(x::text), '{}') FROM ("+query+") AS q (x)", args...).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (h *harness) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := h.db.Pool().Exec(context.Background(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// rows counts the rows of every table.
func (h *harness) rows(t testing.TB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range h.texts(t, `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`) {
		counts[table] = h.count(t, `SELECT count(*) FROM "`+table+`"`)
	}
	return counts
}

// logBook is a log to read in.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// until polls for a state, or fails after a deadline.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}
