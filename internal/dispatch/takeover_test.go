package dispatch

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"belfry/internal/cluster"
	"belfry/internal/delivery"
	"belfry/internal/pgtest"
)

// The jobs of an instance that is dead are taken over within 15 seconds of the
// next start, and nothing is charged for them.
func TestDeadReplicaIsTakenOver(t *testing.T) {
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
	if took := time.Since(begin); took < cluster.DeadAfter-cluster.HeartbeatEvery || took > 30*time.Second { // about 12, on a machine that is not busy
		t.Errorf("taken over after %s, want 10 s and a little", took)
	}
	if got.Attempts != 1 {
		t.Errorf("%d attempts, want 1", got.Attempts)
	}
	f.wantOneRepair(t)
}

// An instance that was killed has lost its lock, and is known to be dead within
// seconds; one that has its lock may just be slow.
func TestKilledReplicaIsTakenOverSoon(t *testing.T) {
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
	if took := time.Since(begin); took < cluster.HeartbeatEvery/2 || took >= cluster.DeadAfter-cluster.HeartbeatEvery {
		t.Errorf("taken over after %s, want more than a second, and sooner than one that has its lock", took)
	}
	if got.Attempts != 1 {
		t.Errorf("%d attempts, want 1", got.Attempts)
	}
	f.wait(t, slow.ID, is(delivery.Delivered))
	if took := time.Since(begin); took < cluster.DeadAfter-cluster.HeartbeatEvery {
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
	until(t, "the other can tell", func() bool {
		return count(t, f, `SELECT count(*) FROM instances WHERE id = $1 AND seen_at > started_at + interval '1 second'`, other.Cluster.ID()) == 1
	})
	lost := make(chan struct{}, 100)
	f.Cluster.OnLost(func() { lost <- struct{}{} })
	heard := func() bool {
		return count(t, f, `SELECT count(*) FROM instances WHERE id = $1 AND seen_at > now() - interval '1 second'`, f.Cluster.ID()) == 1
	}
	until(t, "a heartbeat", heard)
	if n := count(t, f, `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
		AND ((classid::bigint << 32) | objid::bigint) = hashtextextended('belfry instance ' || $1, 0)`, f.Cluster.ID()); n != 1 {
		t.Fatalf("%d locks of the instance, want 1", n)
	}
	<-lost
	until(t, "a heartbeat", heard)
	taken, err := f.db.TakeOverDead(t.Context(), other.Cluster.ID(), false)
	if err != nil || taken != 0 {
		t.Errorf("TakeOverDead = %d, %v", taken, err)
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

// Alone on its database, an instance waits for nobody.
func TestAloneTakesOverAtOnce(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	f.webhook(t, receiver(t, status(200, "")).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	exec(t, f, `INSERT INTO instances (id, started_at, seen_at, version) VALUES ('dead', now(), now(), 'x')`)
	exec(t, f, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{dead}'`)
	begin := time.Now()
	f.run(t)
	f.wait(t, d.ID, is(delivery.Delivered))
	if took := time.Since(begin); took >= cluster.DeadAfter-cluster.HeartbeatEvery {
		t.Errorf("taken up after %s, as if it were not alone", took)
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

// A job that Postgres says we run, and that we never heard of, is given back: a
// restart of Postgres can swallow the answer to a fetch.
func TestLostJobIsReclaimed(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	f.webhook(t, receiver(t, status(200, "")).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	exec(t, f, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '9 seconds', attempted_by = ARRAY[$1]`, f.Cluster.ID())
	f.run(t)
	if got := f.wait(t, d.ID, is(delivery.Delivered)); got.Attempts != 1 {
		t.Errorf("%d attempts, want 1", got.Attempts)
	}
	f.wantOneRepair(t)
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
	if err := f.Cluster.Reclaim(t.Context(), f.running.list(time.Now())); err != nil {
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
