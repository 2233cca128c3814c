package dispatch

import (
	"log/slog"
	"testing"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/pgtest"
)

// A partition that somebody detached is not there: attempts that were made wait for
// it, without asking all the time, no other starts, and all goes on once it is
// attached again.
func TestDetachedPartition(t *testing.T) {
	t.Parallel()
	log := &lines{}
	f := start(t, patiently, workers(16), func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	s := newSink(t)
	to := f.known(t, s)
	var name, bounds string
	err := f.db.Pool().QueryRow(t.Context(), `
		SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c WHERE c.relname = attempts_partition(now())`).Scan(&name, &bounds)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, f, `ALTER TABLE attempts DETACH PARTITION `+name)
	ids := f.send(t, to, 5)
	until(t, "it is known that there is no partition", func() bool { _, there := f.Working(); return !there })
	before := f.rollbacks(t)
	ids = append(ids, f.send(t, to, 50)...)
	begin := time.Now()
	if n := f.rollbacks(t) - before; float64(n) > 5*time.Since(begin).Seconds()+5 {
		t.Errorf("%d rollbacks in %s", n, time.Since(begin))
	}
	if came, _, _ := s.arrivals(); came > 16 {
		t.Errorf("%d requests were made that cannot be recorded", came)
	}
	for range 3 {
		f.partitions.ensure(t.Context())
	}
	if n := len(log.about("partitions of attempts cannot be made")); n != 1 {
		t.Errorf("%d lines say that it is not there, want 1", n)
	}
	if n := len(log.about("attempts wait to be recorded")); n > 16 {
		t.Errorf("%d lines say that attempts wait", n)
	}
	exec(t, f, `ALTER TABLE attempts ATTACH PARTITION `+name+` `+bounds)
	f.waitAll(t, ids, delivery.Delivered)
	s.wantOnce(t, ids)
	if n := count(t, f, `SELECT count(*) FROM attempts`); n != 1+len(ids) {
		t.Errorf("%d attempts are stored, want %d", n, 1+len(ids))
	}
	if _, there := f.Working(); !there {
		t.Error("it is not known that the partition is back")
	}
	f.wantNoRepairs(t)
}

// rollbacks is how many there were until now: the database counts late.
func (f *fixture) rollbacks(t testing.TB) int {
	t.Helper()
	<-time.After(2 * time.Second)
	return count(t, f, `SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()`)
}

// A partition that is dropped as others look is missing, and not detached: attempts
// start, and the next one that is recorded makes it.
func TestDroppedIsNotDetached(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db)
	exec(t, f, `
		CREATE OR REPLACE FUNCTION attempts_partition(at timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT 'attempts_19700105' $$`)
	if err := db.EnsurePartitions(t.Context(), f.Now()); err != nil {
		t.Errorf("dropped as soon as it was made: %v", err)
	}
}
