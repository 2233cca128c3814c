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

// The jobs of an instance that is dead are taken over within 15 seconds of the
// next start, and nothing is charged for them.
func TestDeadInstanceIsSwept(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), func(c *Config) { c.Alone = false })
	f.webhook(t, receiver(t, status(200, "")).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	// As a killed replica leaves it: the job runs, and so does its lease.
	exec(t, f, `INSERT INTO instances (id, started_at, seen_at, version) VALUES ('dead', now(), now(), 'x')`)
	exec(t, f, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{dead}'`)
	exec(t, f, `INSERT INTO river_leader (elected_at, expires_at, leader_id) VALUES (now(), now() + interval '1 hour', 'dead')`)
	begin := time.Now()
	f.run(t)
	got := f.wait(t, d.ID, is(delivery.Delivered))
	if took := time.Since(begin); took < deadAfter-beatEvery || took > 15*time.Second {
		t.Errorf("taken over after %s, want between 10 and 15 s", took)
	}
	if got.Attempts != 1 {
		t.Errorf("%d attempts, want 1", got.Attempts)
	}
	if n := f.metricValue(t, "belfry_repairs_total"); n != 1 {
		t.Errorf("%v repairs counted, want 1", n)
	}
}

// An instance that was killed has lost its lock, and is known to be dead within
// seconds; one that has its lock may just be slow to beat.
func TestKilledInstanceIsSweptSoon(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), func(c *Config) { c.Alone = false })
	f.webhook(t, receiver(t, status(200, "")).URL)
	killed, slow := f.accept(t, anAlert).Deliveries[0], f.accept(t, anAlert).Deliveries[0]
	for id, dl := range map[string]delivery.Delivery{"killed": killed.Delivery, "slow": slow.Delivery} {
		exec(t, f, `INSERT INTO instances (id, started_at, seen_at, version, locks) VALUES ($1, now(), now() - interval '4 seconds', 'x', true)`, id)
		exec(t, f, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = ARRAY[$1] WHERE id = $2`, id, dl.JobID)
	}
	conn, err := f.db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock(hashtextextended('belfry instance slow', 0))`); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	f.run(t)
	got := f.wait(t, killed.ID, is(delivery.Delivered))
	if took := time.Since(begin); took < beatEvery/2 || took > deadAfter/2 {
		t.Errorf("taken over after %s, want between one and five seconds", took)
	}
	if got.Attempts != 1 {
		t.Errorf("%d attempts, want 1", got.Attempts)
	}
	f.wait(t, slow.ID, is(delivery.Delivered))
	if took := time.Since(begin); took < deadAfter-beatEvery {
		t.Errorf("the one that has its lock was taken for dead after %s", took)
	}
}

// An instance that loses its connection, and not its life, comes back before
// others take it for dead: nothing is sent twice.
func TestLostLockIsTakenAgain(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db, func(c *Config) { c.Alone = false })
	inside, answer := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) {
		if calls.Add(1) == 1 {
			close(inside)
		}
		<-answer
	}).URL)
	f.run(t)
	id := f.accept(t, anAlert).Deliveries[0].ID
	<-inside
	other := newDispatcher(t, db, func(c *Config) { c.Alone = false })
	other.run(t)
	until(t, "the other can tell", func() bool { return other.beats.elder(time.Now()) > beatEvery/2 })
	beaten := func() bool {
		return count(t, f, `SELECT count(*) FROM instances WHERE id = $1 AND seen_at > now() - interval '1 second'`, f.instance) == 1
	}
	until(t, "a beat", beaten)
	if n := count(t, f, `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
		AND ((classid::bigint << 32) | objid::bigint) = hashtextextended('belfry instance ' || $1, 0)`, f.instance); n != 1 {
		t.Fatalf("%d locks of the instance, want 1", n)
	}
	until(t, "the failure is noticed", func() bool { f.beats.mu.Lock(); defer f.beats.mu.Unlock(); return f.beats.lost })
	until(t, "a beat", beaten)
	swept, err := f.db.SweepDead(t.Context(), other.instance, false)
	if err != nil || swept != 0 {
		t.Errorf("SweepDead = %d, %v", swept, err)
	}
	if alive, _ := f.Working(); !alive {
		t.Error("it takes itself for dead")
	}
	close(answer)
	f.wait(t, id, is(delivery.Delivered))
	if n := calls.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// Without its connection an instance counts itself out before others do.
func TestLostBeatsEndSooner(t *testing.T) {
	t.Parallel()
	var b beats
	now := time.Now()
	b.add(now)
	b.add(now.Add(beatEvery))
	if got := b.elder(now.Add(beatEvery)); got != beatEvery {
		t.Errorf("elder = %s, want %s", got, beatEvery)
	}
	last := now.Add(beatEvery)
	b.lose()
	if !b.alive(last.Add(lostFor-1)) || b.alive(last.Add(lostFor)) || !b.late(last.Add(lostFor)) {
		t.Error("not alive for exactly as long as the last beat is good for")
	}
	if b.elder(last.Add(1)) != 0 {
		t.Error("it may tell that others are dead")
	}
	b.add(last.Add(time.Second))
	if !b.alive(last.Add(time.Second+aliveFor-1)) || b.elder(last.Add(2*time.Second)) != 0 {
		t.Error("the next beat does not begin anew")
	}
}

// Alone on its database, an instance waits for nobody.
func TestAloneSweepsAtOnce(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	f.webhook(t, receiver(t, status(200, "")).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	exec(t, f, `INSERT INTO instances (id, started_at, seen_at, version) VALUES ('dead', now(), now(), 'x')`)
	exec(t, f, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{dead}'`)
	begin := time.Now()
	f.run(t)
	f.wait(t, d.ID, is(delivery.Delivered))
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("taken up after %s", took)
	}
}

// A replica that cannot tell the database that it is alive starts no attempt.
func TestNoSignOfLifeNoAttempt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newDispatcher(t, pgtest.New(t), func(c *Config) { c.Now = func() time.Time { return now } }).ready(t)
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) }).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	now = now.Add(8 * time.Second) // of design: before another takes over, at 10 s
	ctx, stop := context.WithTimeout(t.Context(), 2*pollHealth)
	defer stop()
	if err := f.work(ctx, d.JobID, d.ID); err == nil || calls.Load() != 0 {
		t.Errorf("Work = %v after %d calls, want a snooze and none", err, calls.Load())
	}
	if alive, _ := f.Working(); alive {
		t.Error("it says that it is alive")
	}
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
			if n := f.metricValue(t, "belfry_repairs_total"); n != 1 {
				t.Errorf("%v repairs counted, want 1", n)
			}
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

// A job that Postgres says we run, and that we never heard of, is given back: a
// restart of Postgres can swallow the answer to a fetch.
func TestLostJobIsReclaimed(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	f.webhook(t, receiver(t, status(200, "")).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	exec(t, f, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '9 seconds', attempted_by = ARRAY[$1]`, f.instance)
	f.run(t)
	if got := f.wait(t, d.ID, is(delivery.Delivered)); got.Attempts != 1 {
		t.Errorf("%d attempts, want 1", got.Attempts)
	}
	if n := f.metricValue(t, "belfry_repairs_total"); n != 1 {
		t.Errorf("%v repairs counted, want 1", n)
	}
}

// A job that takes long is left alone.
func TestRunningJobIsNotReclaimed(t *testing.T) {
	t.Parallel()
	f := start(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) {
		if calls.Add(1) == 1 {
			close(arrived)
			<-answer
		}
	}).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	<-arrived
	exec(t, f, `UPDATE river_job SET attempted_at = now() - interval '1 minute'`)
	if err := f.reclaim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, f, `SELECT count(*) FROM river_job WHERE state = 'running'`); n != 1 {
		t.Error("the job was given back although it runs")
	}
	close(answer)
	f.wait(t, d.ID, is(delivery.Delivered))
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}
