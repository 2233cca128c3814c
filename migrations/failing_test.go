package migrations_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/migrations"
)

// renameFailing is the first of three steps that change the reason not_answering to
// failing.
const renameFailing = 50

// failingHeld is how many deliveries are held in [beforeFailing]: more than the step
// changes at a time.
const failingHeld = 12_000

// beforeFailing returns a database of the version before these steps, with a destination
// and deliveries that know the old word.
func beforeFailing(t *testing.T) (pool *pgxpool.Pool, steps []migrations.Step) {
	t.Helper()
	pool = empty(t, nil)
	for _, s := range status(t, pool) {
		if s.Version >= renameFailing {
			steps = append(steps, s)
			continue
		}
		if err := migrations.Run(t.Context(), pool, s, migrations.DirectionUp); err != nil {
			t.Fatal(err)
		}
	}
	sql(t, pool, `
		INSERT INTO destinations (id, display_name, name_key, type, state, severities, alert_types, log_types, settings, signing,
			created_at, updated_at, hold_not_answering)
		SELECT id, name, name, 'webhook', 'active', '{INFO}', '{RULE}', '{}', '', '', now(), now(), hold
		FROM (VALUES ('00000000-0000-0000-0000-000000000001'::uuid, 'down', true),
			('00000000-0000-0000-0000-000000000002', 'up', false)) AS d (id, name, hold)`)
	sql(t, pool, `
		INSERT INTO destination_health (destination_id, failures, failing_since, not_answering_since, next_probe_at)
		SELECT id, n, since, since, since
		FROM (VALUES ('00000000-0000-0000-0000-000000000001'::uuid, 12, '2026-03-02T11:04:12Z'::timestamptz),
			('00000000-0000-0000-0000-000000000002', 0, NULL)) AS h (id, n, since)`)
	sql(t, pool, `
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, held_at, due_at, max_attempts, created_at)
		SELECT gen_random_uuid(), gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'filters', 'held', reason,
			'2026-03-02T12:00:00Z'::timestamptz + n * interval '1 second', now(), 11, now()
		FROM (
			SELECT 'not_answering', generate_series(1, $1)
			UNION ALL
			SELECT reason, generate_series(1, 3) FROM unnest('{paused,busy,our_side,misconfigured}'::text[]) AS reason) AS d (reason, n)`,
		failingHeld)
	sql(t, pool, `
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, max_attempts, created_at, finished_at)
		SELECT gen_random_uuid(), gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'filters', 'failed', 'expired', 11, now(), now()`)
	return pool, steps
}

func sql(t *testing.T, pool *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// facts returns what deliveries and destinations say, with these names of the columns.
func facts(t *testing.T, pool *pgxpool.Pool, hold, since string) string {
	t.Helper()
	var said string
	query := fmt.Sprintf(`
		SELECT (SELECT string_agg(line, ', ' ORDER BY line)
				FROM (SELECT status || ' ' || reason || ' ' || count(*) AS line FROM deliveries GROUP BY status, reason) AS d)
			|| '; ' || (SELECT string_agg(display_name || ' ' || %s, ', ' ORDER BY display_name) FROM destinations)
			|| '; ' || (SELECT string_agg(failures || ' ' || coalesce(to_char(%s AT TIME ZONE 'UTC', 'HH24:MI:SS'), '-'), ', ' ORDER BY failures)
				FROM destination_health)`, hold, since)
	if err := pool.QueryRow(t.Context(), query).Scan(&said); err != nil {
		t.Fatal(err)
	}
	return said
}

const failingFacts = "failed expired 1, held busy 3, held failing 12000, held misconfigured 3, held our_side 3, held paused 3; " +
	"down true, up false; 0 -, 12 11:04:12"

// What was held as not_answering is held as failing, all else is as it was, and back
// again.
func TestFailingRows(t *testing.T) {
	t.Parallel()
	pool, steps := beforeFailing(t)
	run := func(list []migrations.Step, direction bool) {
		t.Helper()
		for _, s := range list {
			if err := migrations.Run(t.Context(), pool, s, direction); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(steps, migrations.DirectionUp)
	if got := facts(t, pool, "hold_failing", "held_since"); got != failingFacts {
		t.Errorf("got  %s\nwant %s", got, failingFacts)
	}
	for what, query := range map[string]string{
		"the old word":                    `UPDATE deliveries SET reason = 'not_answering' WHERE reason = 'busy'`,
		"failing, not known since when":   `UPDATE deliveries SET held_at = NULL WHERE reason = 'failing'`,
		"failing, of one that is no hold": `UPDATE deliveries SET reason = 'failing' WHERE reason = 'expired'`,
	} {
		if _, err := pool.Exec(t.Context(), query); err == nil || !strings.Contains(err.Error(), "23514") {
			t.Errorf("%s: got %v, want a broken CHECK", what, err)
		}
	}
	var back []migrations.Step
	for i := range steps {
		back = append(back, steps[len(steps)-1-i])
	}
	run(back, migrations.DirectionDown)
	want := strings.Replace(failingFacts, "held failing 12000, held misconfigured 3,", "held misconfigured 3, held not_answering 12000,", 1)
	if got := facts(t, pool, "hold_not_answering", "not_answering_since"); got != want {
		t.Errorf("back: got  %s\nwant %s", got, want)
	}
}

// The rows are changed a part at a time: what is done stays done when the step is
// interrupted, and it goes on from there.
func TestFailingRowsInterrupted(t *testing.T) {
	t.Parallel()
	pool, steps := beforeFailing(t)
	if err := migrations.Run(t.Context(), pool, steps[0], migrations.DirectionUp); err != nil {
		t.Fatal(err)
	}
	holder, other := beside(t, pool), beside(t, pool)
	if _, err := holder.Exec(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), `SELECT FROM deliveries WHERE reason = 'not_answering' ORDER BY held_at DESC LIMIT 1 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- migrations.Run(t.Context(), pool, steps[1], migrations.DirectionUp) }()
	if err, done := waiting(t, other, ended); done {
		t.Fatalf("the step did not wait for a row that somebody has: %v", err)
	}
	const end = `
		SELECT pg_terminate_backend(pid)
		FROM pg_locks
		WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`
	if _, err := other.Exec(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the step was not interrupted")
		}
	case <-time.After(time.Minute):
		t.Fatal("the step goes on")
	}
	if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got := facts(t, pool, "hold_failing", "held_since"); !strings.Contains(got, "held failing 10000,") || !strings.Contains(got, "held not_answering 2000,") {
		t.Errorf("interrupted: %s", got)
	}
	for _, s := range steps[1:] {
		if err := migrations.Run(t.Context(), pool, s, migrations.DirectionUp); err != nil {
			t.Fatal(err)
		}
	}
	if got := facts(t, pool, "hold_failing", "held_since"); got != failingFacts {
		t.Errorf("got  %s\nwant %s", got, failingFacts)
	}
}
