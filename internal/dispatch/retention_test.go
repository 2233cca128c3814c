package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// retain does all that is dropped by age, once.
func (f *fixture) retain(ctx context.Context) (err error) {
	for _, step := range f.retention.steps() {
		err = errors.Join(err, step.do(ctx))
	}
	return err
}

// Each kind of old data goes by itself: what cannot be dropped keeps nothing else, and
// the audit log has a time of its own.
func TestWhatIsOldGoesByItself(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t), func(c *Config) {
		c.Retention, c.AuditRetention = 24*time.Hour, 9600*time.Hour
	})
	exec(t, f, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
		CREATE TRIGGER refuse BEFORE DELETE ON alerts FOR EACH ROW EXECUTE FUNCTION refuse()`)
	f.accept(t, `{"id":"x","severity":"LOW","type":"RULE","destinations":["SKIP"]}`)
	exec(t, f, `UPDATE alerts SET id = overlay(id::text placing '00000000' from 1 for 8)::uuid`)
	exec(t, f, `SELECT attempts_partition(now() - interval '40 days')`)
	exec(t, f, `
		INSERT INTO audit_log (id, at, actor, action, subject_type, subject_id, detail, request_id)
		SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || lpad(to_hex(n), 16, '0'))::uuid,
			at, 'ada', 'x', 'token', '', '{}', ''
		FROM generate_series(1, 3000) AS n
		CROSS JOIN LATERAL (SELECT now() - CASE WHEN n % 3 = 0 THEN interval '399 days' ELSE interval '401 days' END AS at) AS t`)
	partitions := count(t, f, `SELECT count(*) FROM pg_inherits WHERE inhparent = 'attempts'::regclass`)
	if err := f.retain(t.Context()); err == nil {
		t.Error("alerts were dropped")
	}
	if n := count(t, f, `SELECT count(*) FROM pg_inherits WHERE inhparent = 'attempts'::regclass`); n != partitions-1 {
		t.Errorf("%d of %d partitions are left", n, partitions)
	}
	if n := count(t, f, `SELECT count(*) FROM audit_log`); n != 1000 {
		t.Errorf("%d entries are left, want 1000", n)
	}
}
