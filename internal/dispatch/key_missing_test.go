package dispatch

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
	"belfry/internal/secret"
)

// rotated opens a database for a process that has a newer key than the others.
func rotated(t *testing.T, url string) *postgres.DB {
	t.Helper()
	keys, err := secret.RotateKeyset(pgtest.Keyset())
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox(keys)
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url, MaxConns: 8, Name: "test", Box: box, ByKey: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// A process that lacks the key of a destination puts its deliveries off for longer
// each time, and holds them in the end, at no cost; and says so once in a while. One
// that has the key delivers them.
func TestMissingKeyBacksOff(t *testing.T) {
	t.Parallel()
	var (
		url    = pgtest.NewURL(t)
		c      clock
		log    lines
		logged = func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) }
		f      = newDispatcher(t, pgtest.Open(t, url), c.by, logged, together)
		g      = newDispatcher(t, rotated(t, url), c.by, together)
	)
	up := newSink(t)
	g.webhook(t, up.URL)
	f.ready(t)
	var ids []uuid.UUID
	for range 5 {
		ids = append(ids, f.accept(t, anAlert).Deliveries[0].ID)
	}
	waits := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
	for n, seconds := range waits {
		for _, id := range ids {
			_ = f.work(t.Context(), f.wait(t, id, is(delivery.Queued)).JobID, id)
			got := f.wait(t, id, func(d delivery.Delivery) bool { return d.Uncounted == n+1 })
			want, why := delivery.Queued, delivery.Reason("")
			if n >= 4 {
				want, why = delivery.Held, delivery.OurSide
			}
			if left := got.DueAt.Sub(c.now()); got.Status != want || got.Reason != why || got.Made != 0 || left > seconds*time.Second || left < seconds*time.Second-2*time.Second {
				t.Fatalf("time %d: %s %s, %d made, due in %s; want %s %s, due in %d s", n+1, got.Status, got.Reason, got.Made, left, want, why, seconds)
			}
		}
		c.moveTo(c.now().Add(seconds * time.Second))
		f.ready(t).look(t)
	}
	if n := len(log.about("sealing key missing")); n == 0 || n > len(waits) {
		t.Errorf("logged %d times that the key is missing, of %d that failed", n, len(waits)*len(ids))
	}
	g.run(t)
	g.waitAll(t, ids, delivery.Delivered)
	up.wantOnce(t, ids)
}

// Why a destination holds is what counts first, also where its key is missing.
func TestMissingKeyOfAPausedDestination(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	f, g := newDispatcher(t, pgtest.Open(t, url), together), newDispatcher(t, rotated(t, url), together)
	hook := g.webhook(t, newSink(t).URL)
	f.ready(t)
	id := f.accept(t, anAlert).Deliveries[0].ID
	setState(t, g, hook, destination.Paused)
	_ = f.work(t.Context(), f.wait(t, id, is(delivery.Queued)).JobID, id)
	if got := f.wait(t, id, is(delivery.Held)); got.Reason != delivery.Paused || got.Uncounted != 0 {
		t.Errorf("held %s, %d uncounted", got.Reason, got.Uncounted)
	}
}
