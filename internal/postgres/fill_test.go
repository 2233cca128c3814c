package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open opens a database of its own as the API does.
func open(t testing.TB) *postgres.DB {
	t.Helper()
	return openAs(t, false)
}

// openAs is open, or does it as the dispatcher does.
func openAs(t testing.TB, byKey bool) *postgres.DB {
	t.Helper()
	conns := 1
	if byKey {
		conns = 2 // one for a transaction, one to explain what it does
	}
	return openURL(t, pgtest.NewURL(t), conns, byKey)
}

func openURL(t testing.TB, url string, conns int, byKey bool) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url, MaxConns: conns, Name: "test", ByKey: byKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// destinationID returns one of the six destinations that fill makes.
func destinationID(n byte) uuid.UUID { return uuid.UUID{15: n} }

// fill makes, in a database with one connection, alerts of the last 30 days, twice as many deliveries, and an attempt
// of each that is not queued. Nine in ten are delivered. What is left is spread
// unevenly: destination 6 failed for a day a month ago, some that wait are recent,
// a few were cancelled.
func fill(t testing.TB, db *postgres.DB, alerts int) {
	t.Helper()
	exec(t, db, "SET session_replication_role = replica") // references hold by how the rows are made
	exec(t, db, fillDestinations)
	exec(t, db, fillIDs)
	for _, query := range []string{fillAlerts, fillDeliveries, fillPartitions, fillAttempts} {
		exec(t, db, query, alerts)
	}
	exec(t, db, "RESET session_replication_role")
	exec(t, db, "ANALYZE alerts, deliveries, attempts, audit_log")
}

func exec(t testing.TB, db *postgres.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Pool().Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

const (
	fillDestinations = `
		INSERT INTO destinations (id, display_name, name_key, type, state, severities, alert_types, log_types, settings,
			signing, created_at, updated_at)
		SELECT lpad(n::text, 32, '0')::uuid, 'd' || n, 'd' || n, 'webhook', 'active', '{}', '{RULE}', '{}', '', '', now(), now()
		FROM generate_series(1, 6) AS n`

	// A UUIDv7 of a time, whose end tells n and what it is of.
	fillIDs = `
		CREATE FUNCTION id_at(at timestamptz, n integer, what text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
			SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
				|| '8' || what || lpad(n::text, 14, '0'))::uuid
		$$`

	fillAlerts = `
		INSERT INTO alerts (id, alert_id, detection_id, severity, type, title, name, link, description, runbook, version,
			tags, log_types, unrouted, unknown_destinations, input_hash, created_at, created_at_nanos, accepted_at, accepted_by)
		SELECT id_at(at, n, 'a'), 'alert-' || n, 'Detection.' || n % 8,
			(ARRAY['INFO', 'LOW', 'MEDIUM', 'HIGH', 'LOW', 'MEDIUM'])[n % 6 + 1],
			CASE WHEN n = $1::integer / 3 THEN 'SYSTEM_ERROR' WHEN n % 5 = 0 THEN 'POLICY' ELSE 'RULE' END,
			'Something happened at ' || n, 'Monitor ' || n % 8, '', 'It happened.', '', '', '{}', ARRAY['Log.' || n % 8],
			CASE WHEN n % 200 = 0 THEN 'no_match' END,
			CASE WHEN n % 97 = 0 THEN ARRAY['Nobody', 'Name ' || n % 5] ELSE '{}' END, '', at, 0, at, 'fill'
		FROM (
			SELECT n, now() - interval '30 days' * ($1::integer - n) / $1::integer AS at
			FROM generate_series(1, $1::integer) AS n) AS made`

	fillDeliveries = `
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, attempts, max_attempts, made, job_id,
			due_at, held_at, last_attempt_id, last_class, last_status_code, created_at, first_ack_at, finished_at)
		SELECT id_at(at, k, 'd'), alert_id, lpad(to_id::text, 32, '0')::uuid,
			CASE WHEN k % 300 = 0 THEN 'manual' WHEN k % 11 = 0 THEN 'override' ELSE 'filters' END, status,
			CASE status WHEN 'failed' THEN CASE WHEN old AND to_id = 6 THEN 'expired' ELSE 'attempts_exhausted' END
				WHEN 'held' THEN 'paused' WHEN 'cancelled' THEN 'by_person' END,
			CASE WHEN status = 'queued' THEN 0 ELSE 1 END, 11, CASE WHEN status = 'queued' THEN 0 ELSE 1 END,
			CASE WHEN status IN ('queued', 'retrying') THEN k END,
			CASE WHEN status IN ('queued', 'retrying', 'held') THEN now() END, CASE WHEN status = 'held' THEN now() END,
			CASE WHEN status <> 'queued' THEN id_at(at + interval '1 second', k, 'b') END,
			CASE status WHEN 'queued' THEN NULL WHEN 'delivered' THEN 'acked' ELSE CASE k % 3 WHEN 0 THEN 'timeout' ELSE 'rejected' END END,
			CASE status WHEN 'queued' THEN NULL WHEN 'delivered' THEN 200 ELSE CASE k % 3 WHEN 0 THEN NULL ELSE 500 + k % 3 END END,
			at, CASE WHEN status = 'delivered' THEN at END,
			CASE WHEN status IN ('delivered', 'failed', 'cancelled') THEN at END
		FROM (
			SELECT a.id AS alert_id, a.accepted_at AS at, a.n < $1::integer / 30 AS old, 2 * a.n + second AS k,
				(a.n + 3 * second) % 6 + 1 AS to_id,
				CASE
					WHEN a.n < $1::integer / 30 AND (a.n + 3 * second) % 6 = 5 THEN 'failed'
					WHEN a.n > $1::integer - 50 THEN 'queued'
					WHEN a.n > $1::integer * 29 / 30 AND a.n % 7 = 0 THEN 'retrying'
					WHEN a.n > $1::integer * 99 / 100 AND (a.n + 3 * second) % 6 = 4 THEN 'held'
					WHEN a.n % 997 = 0 THEN 'cancelled'
					WHEN (2 * a.n + second) % 12 = 1 THEN 'failed'
					ELSE 'delivered'
				END AS status
			FROM (
				SELECT id, accepted_at, substr(alert_id, 7)::integer AS n
				FROM alerts
				WHERE unrouted IS NULL) AS a
			CROSS JOIN generate_series(0, 1) AS second) AS made`

	fillPartitions = `
		SELECT attempts_partition(now() - interval '30 days' * n / 10)
		FROM generate_series(0, least($1::integer, 11)) AS n`

	fillAttempts = `
		INSERT INTO attempts (id, delivery_id, destination_id, run, number, trigger, counted, started_at, duration_us, dns_us,
			connect_us, tls_us, first_byte_us, body_us, address, class, status_code, request_headers, response_headers, body,
			body_size, truncated, retried_stale, stripped, error)
		SELECT last_attempt_id, id, destination_id, 1, 1, 'automatic', true, created_at, 1, 1, 1, 1, 1, 1, '', last_class,
			last_status_code, '[]', '[]', 'no', 2, false, false, false, ''
		FROM deliveries
		WHERE last_attempt_id IS NOT NULL AND $1::integer > 0`
)
