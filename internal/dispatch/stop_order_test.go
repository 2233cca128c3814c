package dispatch

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// A stop ends in order: first nothing more is accepted, while attempts in flight go on
// and the upkeep with them; they are recorded, however long that takes; then the
// process leaves.
func TestOrderOfStopping(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db, patiently, waits(time.Hour))
	s := newSink(t)
	hook := f.webhook(t, s.URL)
	waiting := f.webhook(t, newSink(t).answer(500).URL)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.hang()
	id := f.send(t, hook, 1)[0]
	until(t, "an attempt is in flight", func() bool { _, present, _ := s.arrivals(); return present == 1 })
	retrying := f.send(t, waiting, 1)[0]
	f.wait(t, retrying, is(delivery.Retrying))
	stopped := make(chan error, 1)
	go func() { stopped <- f.Stop(t.Context()) }()

	until(t, "nothing more is accepted", func() bool {
		r := f.Accept(t.Context(), "tester", []alert.Parsed{parse(t, anAlert)})[0]
		return errors.Is(r.Err, ErrStopping)
	})
	f.turn(t, waiting, destination.Paused)
	f.wait(t, retrying, is(delivery.Held)) // the upkeep goes on
	if alive, _ := f.Working(); !alive || count(t, f, `SELECT count(*) FROM instances`) != 1 {
		t.Error("it has left, with an attempt in flight")
	}

	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE attempts`); err != nil {
		t.Fatal(err)
	}
	s.unblock()
	until(t, "the attempt is being recorded", func() bool {
		return count(t, f, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%attempts%'`) > 0
	})
	select {
	case err := <-stopped:
		t.Fatalf("it stopped, with an attempt that is not recorded: %v", err)
	default:
	}
	if n := count(t, f, `SELECT count(*) FROM instances`); n != 1 {
		t.Error("it has left, with an attempt that is not recorded")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if !f.are(t, []uuid.UUID{id}, delivery.Delivered) {
		t.Error("it stopped, and the attempt is not recorded")
	}
	if n := count(t, f, `SELECT count(*) FROM instances`); n != 0 {
		t.Error("it stopped, and has not left")
	}
	f.turn(t, waiting, destination.Active)
	if v := f.wait(t, retrying, is(delivery.Held)); v.Reason != delivery.Paused {
		t.Errorf("after the stop it is held for %s", v.Reason)
	}
}
