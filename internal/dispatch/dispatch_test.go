package dispatch

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// fixture is a running dispatcher on a database of its own.
type fixture struct {
	*Dispatcher
	db       *postgres.DB
	registry *prometheus.Registry
}

type option func(*Config)

func waits(ds ...time.Duration) option { return func(c *Config) { c.Waits = ds } }

// quick are ten waits that pass at once.
func quick(c *Config) {
	c.Waits = nil
	for range delivery.MaxRetries {
		c.Waits = append(c.Waits, time.Millisecond)
	}
}

// newDispatcher returns a dispatcher that is not started.
func newDispatcher(t testing.TB, db *postgres.DB, options ...option) *fixture {
	t.Helper()
	registry := prometheus.NewRegistry()
	cfg := Config{
		DB:      db,
		Client:  outbound.New(outbound.Options{Allow: []netip.Prefix{loopback}, Timeout: 5 * time.Second, UserAgent: "Belfry/test"}),
		Log:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Metrics: registry,
		Now:     time.Now,
		Waits:   delivery.DefaultWaits(),
		Roles:   []string{"api", "worker"},
		Workers: 16,

		AttemptTimeout: 5 * time.Second,
		FailingMaxAge:  72 * time.Hour,

		Version: "test",
		Link:    func(id string) string { return "http://belfry.test/alerts/" + id },
		Alone:   true,
	}
	for _, o := range options {
		o(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{d, db, registry}
}

// start returns a dispatcher that runs until the test ends.
func start(t testing.TB, options ...option) *fixture {
	t.Helper()
	f := newDispatcher(t, pgtest.New(t), options...)
	f.run(t)
	return f
}

func (f *fixture) run(t testing.TB) {
	t.Helper()
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

// webhook stores a destination that takes everything and points at url.
func (f *fixture) webhook(t testing.TB, url string, change ...func(*destination.Destination)) destination.Destination {
	t.Helper()
	now := time.Now()
	d := destination.Destination{
		ID: uuid.Must(uuid.NewV7()), DisplayName: "hook " + uuid.NewString()[:8] + "x", Type: "webhook", State: destination.Active,
		Severities: alert.Severities(), AlertTypes: alert.Types(), LogTypes: []string{},
		Settings: &destination.Webhook{URL: url, Headers: []outbound.Header{}},
		Signing:  destination.NewSigning(now), Limits: destination.DefaultLimits(), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	for _, c := range change {
		c(&d)
	}
	if err := f.db.InsertDestination(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

func parse(t testing.TB, body string) alert.Parsed {
	t.Helper()
	p, err := alert.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const anAlert = `{"id":"AllLogs.IPMonitoring","severity":"INFO","type":"RULE","title":"New alert"}`

// accept posts one alert that must be accepted.
func (f *fixture) accept(t testing.TB, body string) Accepted {
	t.Helper()
	r := f.Accept(t.Context(), "tester", []alert.Parsed{parse(t, body)})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r.Accepted
}

// wait polls the delivery until it is as wanted, or fails after a deadline.
func (f *fixture) wait(t testing.TB, id uuid.UUID, want func(delivery.Delivery) bool) postgres.DeliveryView {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		v, err := f.db.Delivery(context.Background(), id)
		if err != nil && !postgres.IsAway(err) {
			t.Fatal(err)
		}
		if err == nil && want(v.Delivery) {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("delivery is still %s %s after %d attempts of run %d (%d made)", v.Status, v.Reason, v.Attempts, v.Run, v.Made)
		}
		pause()
	}
}

func is(s delivery.Status) func(delivery.Delivery) bool {
	return func(d delivery.Delivery) bool { return d.Status == s }
}

// pause is the step of a poll for a state, never a wait for time to pass.
func pause() { <-time.After(5 * time.Millisecond) }

func (f *fixture) attempts(t testing.TB, id uuid.UUID) []delivery.Attempt {
	t.Helper()
	as, err := f.db.AttemptsOf(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return as
}

// receiver answers every request by the function and counts.
func receiver(t testing.TB, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	return srv
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}
