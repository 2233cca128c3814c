package dispatch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// A step takes what its pace has saved up, and never more than a second's worth.
func TestBulkPace(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 60)
	b := f.order(t, BulkOrder{PerSecond: 10})
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{
		{0, 0},
		{99 * time.Millisecond, 0},
		{time.Millisecond, 1},
		{250 * time.Millisecond, 3}, // half a delivery is saved
		{250 * time.Millisecond, 6},
		{0, 6},
		{time.Second, 16},
		{time.Hour, 26},
		{-time.Second, 26}, // the other replica's clock
		{time.Second, 26},
		{-time.Hour, 36}, // set back
		{100 * time.Millisecond, 37},
	} {
		f.step(t, tt.after)
		if got := f.bulk(t, b.ID).Resent; got != tt.want {
			t.Errorf("%s later: %d resent, want %d", tt.after, got, tt.want)
		}
	}
}

// Each destination has its turn, however much older what waits for another is: one
// that is paused takes none of theirs.
func TestBulkTakesTurns(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	older, newer := f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/")
	f.failed(t, older, 60)
	ids := f.failed(t, newer, 5)
	setState(t, f.fixture, older, destination.Paused)
	b := f.order(t, BulkOrder{PerSecond: 10})
	f.step(t, time.Second)
	if got := f.bulk(t, b.ID).Resent; got != 10 {
		t.Errorf("%d resent, want 10", got)
	}
	f.wantRuns(t, 2, ids...)
}

// Replicas that step all at once re-send each delivery once.
func TestBulkOnTwoReplicas(t *testing.T) {
	t.Parallel()
	a := newDispatcher(t, pgtest.New(t))
	ids := a.failed(t, a.webhook(t, "http://127.0.0.1:1/"), 300)
	b := a.order(t, BulkOrder{})
	var steps sync.WaitGroup
	for _, f := range []*fixture{a, a, newDispatcher(t, a.db), newDispatcher(t, a.db)} {
		steps.Go(func() {
			for f.bulk(t, b.ID).State != postgres.BulkDone {
				if err := f.stepBulks(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	steps.Wait()
	a.wantBulk(t, b.ID, postgres.BulkDone, 300, 300, 0)
	a.wantRuns(t, 2, ids...)
	if n := count(t, a, `SELECT count(*) FROM runs`); n != 600 {
		t.Errorf("%d runs, want two for each", n)
	}
}

// While one replica is at an order, another leaves it alone and does not wait.
func TestBulkOneStepAtATime(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 1)
	b := f.order(t, BulkOrder{})
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		if _, err := tx.LockRunningBulk(t.Context(), b.ID); err != nil {
			return err
		}
		f.step(t, time.Second)
		f.wantBulk(t, b.ID, postgres.BulkRunning, 1, 0, 0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.step(t, 0)
	f.wantBulk(t, b.ID, postgres.BulkRunning, 1, 1, 0)
}

// last step that was committed ended.
func TestBulkGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	ids := f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 20)
	b := f.order(t, BulkOrder{PerSecond: 10})
	f.step(t, time.Second)
	exec(t, f.fixture, `
		CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''died''; END';
		CREATE TRIGGER die BEFORE UPDATE ON bulk_resends FOR EACH ROW EXECUTE FUNCTION die()`)
	f.now = f.now.Add(time.Second)
	if err := f.stepBulks(t.Context()); err == nil {
		t.Error("it did not die")
	}
	f.wantRuns(t, 1, ids[10:]...)
	exec(t, f.fixture, `DROP TRIGGER die ON bulk_resends`)

	next := &bulkFixture{now: f.now}
	next.fixture = newDispatcher(t, f.db, func(c *Config) { c.Now = func() time.Time { return next.now } })
	next.step(t, 0)
	next.step(t, 0)
	f.wantBulk(t, b.ID, postgres.BulkDone, 20, 20, 0)
	f.wantRuns(t, 2, ids...)
	if n := count(t, f.fixture, `SELECT count(*) FROM runs`); n != 40 {
		t.Errorf("%d runs, want two for each", n)
	}
}

// is judged by what they left.
func TestBulkWaitsForALock(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	ids := f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 3)
	b := f.order(t, BulkOrder{})
	f.now = f.now.Add(time.Second)
	stepped := make(chan error, 1)
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		for _, id := range ids[:2] {
			if _, err := tx.LockDelivery(t.Context(), id); err != nil {
				return err
			}
		}
		go func() { stepped <- f.stepBulks(context.Background()) }()
		until(t, "the step waits for the lock", func() bool {
			return count(t, f.fixture, `SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (
				SELECT pid FROM pg_stat_activity WHERE datname = current_database())`) > 0
		})
		under, err := tx.Pgx(t.Context())
		if err != nil {
			return err
		}
		_, err = under.Exec(t.Context(), `
			UPDATE deliveries
			SET status = 'delivered', reason = NULL, first_ack_at = now(), finished_at = now()
			WHERE id = $1`, ids[1])
		return err
	})
	if err := errors.Join(err, <-stepped); err != nil {
		t.Fatal(err)
	}
	f.wantBulk(t, b.ID, postgres.BulkRunning, 3, 2, 1)
	f.wantRuns(t, 2, ids[0], ids[2])
	f.wantRuns(t, 1, ids[1])
}

// goes elsewhere goes on.
func TestBulkDoesNotPileUp(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	slow, quick, paused := f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/"), f.webhook(t, "http://127.0.0.1:1/")
	first, second := f.failed(t, slow, bulkAhead-1), f.failed(t, slow, 11)
	quicks, waits := f.failed(t, quick, 20), f.failed(t, paused, bulkAhead+1)
	setState(t, f.fixture, paused, destination.Paused)
	exec(t, f.fixture, `
		UPDATE deliveries
		SET status = 'held', reason = 'busy', due_at = now(), finished_at = NULL
		WHERE id = ANY($1)`, f.failed(t, slow, 2)) // of no bulk re-send
	b := f.order(t, BulkOrder{DeliveryIDs: first})
	f.step(t, time.Second)
	f.wantBulk(t, b.ID, postgres.BulkRunning, len(first), len(first), 0)

	b = f.order(t, BulkOrder{DeliveryIDs: append(second, quicks...), PerSecond: 15})
	f.step(t, time.Second)
	f.wantRuns(t, 2, second[0])
	f.wantRuns(t, 1, second[1:]...)
	f.step(t, time.Second)
	f.wantRuns(t, 2, quicks...)
	f.wantBulk(t, b.ID, postgres.BulkRunning, 31, 21, 0)
	f.finish(t, delivery.Delivered, first[:3]...)
	f.step(t, time.Second)
	f.wantRuns(t, 2, second[:4]...)
	f.wantRuns(t, 1, second[4:]...)

	f.order(t, BulkOrder{DeliveryIDs: waits})
	f.step(t, time.Second)
	f.step(t, time.Second)
	f.wantRuns(t, 2, waits...)
}

// An order that cannot go on does not stop the others.
func TestBulkOrdersAreApart(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 1)
	bad, good := f.order(t, BulkOrder{}), f.order(t, BulkOrder{})
	exec(t, f.fixture, `UPDATE bulk_resends SET filter = 'damaged' WHERE id = $1`, bad.ID)
	f.now = f.now.Add(time.Second)
	if err := f.stepBulks(t.Context()); err == nil {
		t.Error("nobody hears of the damaged one")
	}
	f.wantBulk(t, good.ID, postgres.BulkRunning, 1, 1, 0)
}

// All of them reach their destination once more, and only once.
func TestBulkDelivers(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	var mu sync.Mutex
	got := map[string]int{}
	hook := f.webhook(t, receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got[r.Header.Get("webhook-id")]++
	}).URL)
	ids := f.failed(t, hook, 200)
	f.run(t)
	b := f.order(t, BulkOrder{Filter: postgres.DeliveryFilter{DestinationIDs: []uuid.UUID{hook.ID}, Statuses: []string{"failed"}}})
	until(t, "all are delivered", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'delivered'`) == 200
	})
	until(t, "the order is done", func() bool { return f.bulk(t, b.ID).State == postgres.BulkDone })
	f.wantBulk(t, b.ID, postgres.BulkDone, 200, 200, 0)
	mu.Lock()
	defer mu.Unlock()
	for _, id := range ids {
		if got[id.String()] != 1 {
			t.Errorf("delivery %s arrived %d times, want once", id, got[id.String()])
		}
	}
	as := f.attempts(t, ids[0])
	if len(as) != 1 || as[0].Trigger != delivery.Resend || as[0].RequestedBy != "me" || as[0].Run != 2 {
		t.Errorf("attempts = %+v", as)
	}
}

// A destination that takes one at a time, and slowly, takes re-sends in bulk too.
func TestBulkToANarrowDestination(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	hook := f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) { <-time.After(300 * time.Millisecond) }).URL,
		func(d *destination.Destination) { d.Limits.MaxInFlight = 1 })
	f.failed(t, hook, 5)
	f.run(t)
	f.wait(t, f.accept(t, anAlert).Deliveries[0].ID, is(delivery.Delivered))
	f.order(t, BulkOrder{})
	until(t, "all are delivered", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'delivered'`) == 6
	})
}
