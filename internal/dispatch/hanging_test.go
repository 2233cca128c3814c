package dispatch

import (
	"context"
	"testing"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// A destination that hangs gets as many requests as it may have at once, and no
// more. What else is for it waits without a job, in nobody's way, and goes out
// once it answers.
func TestHangingDestination(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, workers(32))
	down, up := newSink(t), newSink(t)
	slow := f.known(t, down, limited(destination.Limits{MaxInFlight: 4}))
	quick := f.known(t, up)
	down.hang()
	waiting := f.send(t, slow, 200)
	until(t, "all but those in flight are held", func() bool { return f.heldFor(t, slow, delivery.Busy) == 196 })
	made := f.jobsMade(t)

	others := f.send(t, quick, 50)
	f.waitAll(t, others, delivery.Delivered)
	if came, present, _ := down.arrivals(); came != 4 || present != 4 {
		t.Errorf("%d requests came, %d are there, want 4 that are", came, present)
	}
	if n := f.jobsMade(t) - made; n > 150 {
		t.Errorf("%d jobs made for 50 deliveries: what is held must not go round in circles", n)
	}

	down.unblock()
	f.waitAll(t, waiting, delivery.Delivered)
	if _, _, most := down.arrivals(); most > 4 {
		t.Errorf("%d requests at once, want at most 4", most)
	}
	down.wantOnce(t, waiting)
	up.wantOnce(t, others)
	if n := count(t, f, `SELECT count(*) FROM attempts`); n != 252 {
		t.Errorf("%d attempts, want one for each", n)
	}
	f.wantNoRepairs(t)
}

// A destination that hangs, and of which nothing is known, gets one request for
// each 24 workers and no more.
func TestHangingUnknownDestination(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, workers(128))
	down := newSink(t).hang()
	ids := f.send(t, f.webhook(t, down.URL), 100)
	until(t, "five are there", func() bool { _, present, _ := down.arrivals(); return present == 5 })
	until(t, "the others are held", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'held' AND reason = 'busy'`) == 95
	})
	for range 3 {
		f.look(t)
	}
	if _, _, most := down.arrivals(); most != 5 {
		t.Errorf("%d at once, want 5", most)
	}
	down.unblock()
	f.waitAll(t, ids, delivery.Delivered)
	down.wantOnce(t, ids)
	f.wantNoRepairs(t)
}

// However many destinations hang that nobody knows, some workers are left for the
// one that is known to answer.
func TestManyHangingDestinations(t *testing.T) {
	t.Parallel()
	f := start(t, patiently, workers(32))
	down, up := newSink(t).hang(), newSink(t)
	quick := f.known(t, up)
	for range 40 {
		f.send(t, f.webhook(t, down.URL), 5)
	}
	until(t, "as many hang as may", func() bool { _, present, _ := down.arrivals(); return present == 30 })
	others := f.send(t, quick, 50)
	f.waitAll(t, others, delivery.Delivered)
	up.wantOnce(t, others)
	if _, _, most := down.arrivals(); most != 30 {
		t.Errorf("%d of 32 workers hung, want at most 30", most)
	}
	down.unblock()
	until(t, "all delivered", func() bool { return count(t, f, `SELECT count(*) FROM deliveries WHERE status <> 'delivered'`) == 0 })
	if n := count(t, f, `SELECT count(*) FROM attempts`); n != 251 {
		t.Errorf("%d attempts, want one for each", n)
	}
	f.wantNoRepairs(t)
}

// What is held does not go round in circles because another replica could take
// it, but is full.
func TestHangingBesideAFullReplica(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), patiently, workers(32), together)
	exec(t, f, `INSERT INTO instances (id, started_at, seen_at, version, roles) VALUES ('full', now(), now() + interval '1 hour', 'x', '{worker}')`)
	f.run(t)
	until(t, "it knows of the other", func() bool { return f.Cluster.Replicas() == 2 })
	down, up := newSink(t), newSink(t)
	slow := f.known(t, down, limited(destination.Limits{MaxInFlight: 4}))
	quick := f.known(t, up)
	down.hang()
	f.send(t, slow, 100)
	until(t, "four are there", func() bool { _, present, _ := down.arrivals(); return present == 4 })
	made, n := f.jobsMade(t), 0
	for ; n < 40; n++ {
		f.waitAll(t, f.send(t, quick, 1), delivery.Delivered)
	}
	if made := f.jobsMade(t) - made; made > 2*n+50 {
		t.Errorf("%d jobs made for %d deliveries", made, n)
	}
}

// A stop ends also what waits for a slot, in time, and charges nothing for it.
func TestStopWhileManyWait(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db, patiently, workers(64))
	to := newSink(t)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hook := f.known(t, to, limited(destination.Limits{MaxInFlight: 4})) // to be quick, so that many wait
	to.hang()
	ids := f.send(t, hook, 100)
	until(t, "four are there", func() bool { _, present, _ := to.arrivals(); return present == 4 })
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	begin := time.Now()
	if err := f.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stop took %s", took)
	}
	f.wantNoneTaken(t)
	if n := count(t, f, `SELECT count(*) FROM attempts WHERE delivery_id = ANY($1) AND counted`, ids); n != 0 {
		t.Errorf("%d attempts charged", n)
	}
	if n := count(t, f, `SELECT count(*) FROM river_job WHERE state = 'running'`); n != 0 {
		t.Errorf("%d jobs still run", n)
	}
	to.unblock()
	next := newDispatcher(t, db)
	next.run(t)
	next.waitAll(t, ids, delivery.Delivered)
	next.wantNoRepairs(t)
}
