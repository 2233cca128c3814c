package dispatch

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/pgtest"
)

// After a failover to a replica that lags, ids of jobs may be in use that are taken
// for free: those in reserve, and those that the sequence gives next. Producers and
// people notice nothing of it.
func TestTakenJobIDsAreNotNoticed(t *testing.T) {
	t.Parallel()
	f := start(t)
	s := newSink(t)
	hook, other := f.webhook(t, s.URL), f.webhook(t, s.URL)
	body := `{"id":"x","severity":"LOW","type":"RULE","destinations":["` + hook.ID.String() + `"]}`
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, f.accept(t, body).Deliveries[0].ID)
	}
	f.waitAll(t, ids, delivery.Delivered)
	take := func() { // all ids that were ever given out are those of other jobs
		exec(t, f, `
			INSERT INTO river_job (id, state, max_attempts, kind, args, scheduled_at)
			SELECT n, 'scheduled', 1, 'x', '{}', now() + interval '1 day'
			FROM generate_series(1, (SELECT last_value FROM river_job_id_seq)) AS n
			ON CONFLICT DO NOTHING`)
	}
	for name, sabotage := range map[string]func(){
		"those in reserve": take,
		"those of the sequence": func() {
			take()
			exec(t, f, `SELECT setval('river_job_id_seq', 1)`)
			f.db.Forget()
		},
	} {
		sabotage()
		var many []alert.Parsed
		for range 40 {
			many = append(many, parse(t, body))
		}
		for _, r := range f.Accept(t.Context(), "x", many) {
			if r.Err != nil {
				t.Fatalf("%s: %v", name, r.Err)
			}
			ids = append(ids, r.Deliveries[0].ID)
		}
		sabotage()
		if _, err := f.Resend(t.Context(), ids[0], 0, true, me); err != nil {
			t.Errorf("%s: re-send: %v", name, err)
		}
		sabotage()
		if _, err := f.SendTo(t.Context(), f.alertOf(t, ids[len(ids)-1]), []uuid.UUID{other.ID}, me); err != nil {
			t.Errorf("%s: send to: %v", name, err)
		}
		f.waitAll(t, ids, delivery.Delivered)
	}
}

func (f *fixture) alertOf(t testing.TB, id uuid.UUID) string {
	t.Helper()
	v, err := f.db.Delivery(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return v.AlertID
}

// A heartbeat that fails drops what is kept of the database: another may answer next.
func TestAFailedHeartbeatForgets(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	if err := f.Cluster.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.local.begin(t.Context()) // so that ids are kept
	hook := f.webhook(t, newSink(t).URL)
	f.accept(t, anAlert)
	next := func() int { return count(t, f, `SELECT last_value FROM river_job_id_seq`) }
	f.accept(t, anAlert)
	before := next()
	f.accept(t, anAlert)
	if now := next(); now != before {
		t.Fatalf("no ids are kept in reserve: %d, %d", before, now)
	}
	forgotten := make(chan struct{}, 100)
	f.Cluster.OnLost(func() { forgotten <- struct{}{} })
	end := pgtest.Outage(t, f.db)
	if err := f.Cluster.Heartbeat(t.Context()); err == nil {
		t.Fatal("it wrote a heartbeat while the database was away")
	}
	select {
	case <-forgotten:
	default:
		t.Error("what is kept of the database was not dropped")
	}
	if r := f.Accept(t.Context(), "x", []alert.Parsed{parse(t, anAlert)})[0]; !errors.Is(r.Err, ErrUnavailable) {
		t.Errorf("while the database was away: %v", r.Err)
	}
	end()
	f.db.Pool().Reset()
	// The state of an earlier database: the destination is not there yet.
	exec(t, f, `ALTER TABLE destinations DISABLE TRIGGER destinations_raise_routing_version`)
	exec(t, f, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, hook.ID)
	until(t, "it writes heartbeats again", func() bool { return f.Cluster.Heartbeat(t.Context()) == nil })
	if a := f.accept(t, anAlert); len(a.Deliveries) != 0 {
		t.Errorf("routed to %v, by what was", a.Deliveries)
	}
	f.webhook(t, newSink(t).URL)
	exec(t, f, `UPDATE routing SET version = version + 1`)
	f.accept(t, anAlert)
	if now := next(); now == before {
		t.Errorf("ids of the database before are used: %d", now)
	}
}
