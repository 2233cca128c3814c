package dispatch

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

func pgtestNew(t testing.TB) *postgres.DB { return pgtest.New(t) }

func setState(t testing.TB, f *fixture, d destination.Destination, s destination.State) {
	t.Helper()
	d.State = s
	change(t, f, d)
}

// What is routed to a paused destination waits, also what was waiting for a
// retry, and is delivered after it is resumed. A person may send it all the same.
func TestPause(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour, time.Hour))
	var calls atomic.Int32
	hook := f.webhook(t, receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(500)
		}
	}).URL)
	retrying := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, retrying, is(delivery.Retrying))
	setState(t, f, hook, destination.Paused)
	held := f.wait(t, retrying, is(delivery.Held))
	if held.Reason != delivery.Paused || held.DueAt.Before(time.Now().Add(50*time.Minute)) {
		t.Errorf("held with reason %q, due at %s", held.Reason, held.DueAt)
	}

	born := f.accept(t, anAlert).Deliveries[0]
	if born.Status != delivery.Held || born.Reason != delivery.Paused {
		t.Errorf("born %s %s, want held paused", born.Status, born.Reason)
	}
	forced := f.accept(t, anAlert).Deliveries[0]
	if _, err := f.SendNow(t.Context(), forced.ID, me); err != nil {
		t.Fatal(err)
	}
	f.wait(t, forced.ID, is(delivery.Delivered))
	if n := calls.Load(); n != 2 {
		t.Errorf("the destination was called %d times while it was paused, want once", n-1)
	}

	setState(t, f, hook, destination.Active)
	f.wait(t, born.ID, is(delivery.Delivered))
	if got := f.wait(t, retrying, is(delivery.Retrying)); got.DueAt.Before(time.Now().Add(50 * time.Minute)) {
		t.Errorf("released, it is due at %s: a hold must not shorten the wait", got.DueAt)
	}
}

// What is open when a destination is deleted is cancelled; history stays.
func TestDelete(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	hook := f.webhook(t, receiver(t, status(500, "")).URL)
	retrying := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, retrying, is(delivery.Retrying))
	setState(t, f, hook, destination.Paused)
	held := f.accept(t, anAlert).Deliveries[0].ID
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		return tx.DeleteDestination(t.Context(), hook.ID, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []uuid.UUID{retrying, held} {
		got := f.wait(t, id, is(delivery.Cancelled))
		if got.Reason != delivery.DestinationDeleted || !got.Deleted || got.DestinationName != hook.DisplayName {
			t.Errorf("delivery = %+v", got)
		}
	}
	if n := len(f.attempts(t, retrying)); n != 1 {
		t.Errorf("%d attempts kept, want 1", n)
	}
}

// Settings that cannot be opened cost no attempt, and once they are mended the
// delivery goes out.
func TestMisconfigured(t *testing.T) {
	t.Parallel()
	f := start(t)
	hook := f.webhook(t, receiver(t, status(200, "")).URL)
	exec(t, f, `UPDATE destinations SET settings = 'damaged'`)
	id := f.accept(t, anAlert).Deliveries[0].ID
	got := f.wait(t, id, is(delivery.Held))
	if got.Reason != delivery.Misconfigured || got.Attempts != 0 {
		t.Errorf("held with reason %q after %d attempts", got.Reason, got.Attempts)
	}
	change(t, f, hook)
	f.wait(t, id, is(delivery.Delivered))
}

// Open deliveries that nobody would ever send are found and sent, and counted.
func TestReconcile(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]string{
		"the job is gone":     `DELETE FROM river_job`,
		"the job has ended":   `UPDATE river_job SET state = 'completed', finalized_at = now()`,
		"the job was dropped": `UPDATE river_job SET state = 'discarded', finalized_at = now()`,
		"the job comes late":  `UPDATE river_job SET state = 'scheduled', scheduled_at = now() + interval '1 day'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newDispatcher(t, pgtest.New(t))
			f.webhook(t, receiver(t, status(200, "")).URL)
			id := f.accept(t, anAlert).Deliveries[0].ID
			exec(t, f, sabotage)
			exec(t, f, `UPDATE deliveries SET due_at = now() - interval '2 minutes'`)
			f.run(t) // it reconciles at the start
			f.wait(t, id, is(delivery.Delivered))
			f.wantOneRepair(t)
		})
	}
}

// Without a crash there is nothing to repair.
func TestReconcileLeavesTheHealthyAlone(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	f.webhook(t, receiver(t, status(500, "")).URL)
	for range 20 {
		f.wait(t, f.accept(t, anAlert).Deliveries[0].ID, is(delivery.Retrying))
	}
	f.reconcileNow(t)
	if n := f.metricValue(t, "belfry_repairs_total"); n != 0 {
		t.Errorf("%v repairs counted, want 0", n)
	}
}

// A stop lets attempts in flight finish. What it has to cut short is kept as
// interrupted, costs nothing, and goes out after the next start.
func TestStop(t *testing.T) {
	t.Parallel()
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		f := newDispatcher(t, db)
		arrived := make(chan struct{})
		answer := make(chan struct{})
		f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-answer }).URL)
		if err := f.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		id := f.accept(t, anAlert).Deliveries[0].ID
		<-arrived
		time.AfterFunc(100*time.Millisecond, func() { close(answer) })
		if err := f.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		f.wait(t, id, is(delivery.Delivered))
	})
	t.Run("cut short", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		f := newDispatcher(t, db)
		arrived := make(chan struct{}, 2)
		var hang atomic.Bool
		hang.Store(true)
		f.webhook(t, receiver(t, func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
			arrived <- struct{}{}
			if hang.Load() {
				<-r.Context().Done()
			}
		}).URL)
		if err := f.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		id := f.accept(t, anAlert).Deliveries[0].ID
		<-arrived
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		if err := f.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		got := f.wait(t, id, is(delivery.Queued))
		as := f.attempts(t, id)
		if got.Attempts != 0 || len(as) != 1 || as[0].Class != outbound.Interrupted || as[0].Counted {
			t.Errorf("%d charged, stored %+v", got.Attempts, as)
		}
		hang.Store(false)
		next := newDispatcher(t, db)
		next.run(t)
		if got := next.wait(t, id, is(delivery.Delivered)); got.Attempts != 1 {
			t.Errorf("%d attempts charged, want 1", got.Attempts)
		}
	})
}

// Old alerts and attempts are dropped, but nothing that is open or was finished
// since.
func TestRetention(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour), func(c *Config) { c.Retention = 24 * time.Hour })
	f.webhook(t, receiver(t, status(200, "")).URL, func(d *destination.Destination) { d.DisplayName = "up" })
	f.webhook(t, receiver(t, status(500, "")).URL, func(d *destination.Destination) { d.DisplayName = "down" })
	post := func(to string) uuid.UUID {
		d := f.accept(t, `{"id":"x","severity":"LOW","type":"RULE","destinations":["`+to+`"]}`).Deliveries[0]
		f.wait(t, d.ID, func(d delivery.Delivery) bool { return d.Attempts == 1 })
		return d.ID
	}
	done, open := post("up"), post("down")
	f.accept(t, `{"id":"x","severity":"LOW","type":"RULE","destinations":["SKIP"]}`)
	order := func(finished any, of uuid.UUID) (id uuid.UUID) {
		id = uuid.Must(uuid.NewV7())
		exec(t, f, `INSERT INTO bulk_resends (id, state, filter, again, per_second, stepped_at, requested_by, request_id, created_at, finished_at)
			VALUES ($1, CASE WHEN $2::timestamptz IS NULL THEN 'paused' ELSE 'done' END, '{}', false, 10, now(), 'me', 'r', now(), $2)`, id, finished)
		exec(t, f, `INSERT INTO runs (delivery_id, run, trigger, requested_by, opened_at, max_attempts, bulk_resend_id)
			VALUES ($1, (SELECT count(*) + 2 FROM runs), 'resend', 'me', now(), 1, $2)`, of, id)
		return id
	}
	month := time.Now().AddDate(0, -1, 0)
	dropped := order(month, done)
	kept := map[string]uuid.UUID{"of an open delivery": order(month, open), "of today": order(time.Now(), done), "not finished": order(nil, done)}
	// A month passes.
	exec(t, f, `UPDATE deliveries SET finished_at = now() - interval '30 days' WHERE finished_at IS NOT NULL`)
	exec(t, f, `SET session_replication_role = replica;
		UPDATE deliveries d SET alert_id = overlay(alert_id::text placing '00000000' from 1 for 8)::uuid;
		UPDATE alerts SET id = overlay(id::text placing '00000000' from 1 for 8)::uuid;
		SET session_replication_role = DEFAULT`)
	if err := f.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = $1`, done); n != 0 {
		t.Error("the finished one is still there")
	}
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = $1`, open); n != 1 {
		t.Error("the open one was dropped")
	}
	if n := count(t, f, `SELECT count(*) FROM bulk_resends WHERE id = $1`, dropped); n != 0 {
		t.Error("an old bulk re-send is still there")
	}
	for name, id := range kept {
		if n := count(t, f, `SELECT count(*) FROM bulk_resends WHERE id = $1`, id); n != 1 {
			t.Errorf("a bulk re-send %s was dropped", name)
		}
	}
	if n := count(t, f, `SELECT count(*) FROM alerts`); n != 1 {
		t.Errorf("%d alerts left, want that of the open delivery", n)
	}

	exec(t, f, `SELECT attempts_partition(now() - interval '40 days'), attempts_partition(now() - interval '50 days')`)
	before := count(t, f, `SELECT count(*) FROM pg_inherits WHERE inhparent = 'attempts'::regclass`)
	if err := f.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, f, `SELECT count(*) FROM pg_inherits WHERE inhparent = 'attempts'::regclass`); n != before-2 {
		t.Errorf("%d partitions, want %d", n, before-2)
	}
}
