// Package past fills a database with alerts of the last weeks, as if they had been
// delivered. Postgres makes the rows up itself: to send them would take longer.
package past

const (
	// Destinations is how many destinations there must be at least.
	Destinations = 8
	// block is how many alerts have 2×block deliveries: its first is unrouted, its
	// second goes to four destinations, the others to two each.
	block = 200
	// cycle is how many deliveries have 50 attempts: 14 were acknowledged at once, 4
	// after two or three failures, 2 never, after eleven attempts.
	cycle = 20
)

// AttemptsOf is how many attempts so many alerts have, about.
func AttemptsOf(alerts int) int { return 5 * alerts }

// idAt is a UUIDv7 of the time in the column at, of which the rest is random.
const idAt = `(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' ||
	substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid`

// alertRows makes up the alerts from $1 on and before $2, of $3 in all, which are
// spread evenly from $4 to $5.
const alertRows = `
	WITH numbers AS (
		SELECT i, date_trunc('milliseconds', $4::timestamptz + ($5::timestamptz - $4::timestamptz) * (i::float8 / $3::int)) AS at,
		       random() AS one, random() AS two, random() AS three
		FROM generate_series($1::int, $2::int - 1) i
	), a AS MATERIALIZED (
		SELECT i, at, ` + idAt + ` AS id, md5(i::text || at::text) AS hash,
		       '203.0.113.' || floor(one * 256)::int AS address,
		       1 + floor(two * 8)::int AS detection, 1 + floor(three * 9)::int AS severity, 1 + floor(one * 7)::int AS type
		FROM numbers
	)`

// deliveryRows makes up their deliveries, to the destinations $6: k numbers them
// all, and attempts and acked follow from it.
const deliveryRows = `,
	numbered AS (
		SELECT a.id AS alert_id, a.at, a.detection, random() AS one, random() AS two, j,
		       a.i / 200 * 400 + CASE WHEN a.i % 200 > 1 THEN 4 + 2 * (a.i % 200 - 2) ELSE 0 END + j AS k
		FROM a
		CROSS JOIN LATERAL generate_series(0, CASE a.i % 200 WHEN 0 THEN -1 WHEN 1 THEN 3 ELSE 1 END) j
	), d AS MATERIALIZED (
		SELECT alert_id, at, ` + idAt + ` AS id, ($6::uuid[])[1 + (detection + j) % cardinality($6::uuid[])] AS destination_id,
		       CASE WHEN k % 20 IN (3, 11) THEN 11 WHEN k % 20 IN (5, 8) THEN 3 WHEN k % 20 IN (14, 17) THEN 4 ELSE 1 END AS attempts,
		       k % 20 NOT IN (3, 11) AS acked, 1 + floor(one * 5)::int AS failure,
		       CASE WHEN two < 0.02 THEN 'manual' WHEN two < 0.1 THEN 'override' ELSE 'filters' END AS routed_by
		FROM numbered
	)`

// attemptRows makes up their attempts: each begins when the retry waits before it
// have passed, and 16 seconds for each attempt, which may have timed out after 15.
const attemptRows = `,
	tries AS (
		SELECT d.id AS delivery_id, d.destination_id, number, number = d.attempts AS last,
		       CASE WHEN d.acked AND number = d.attempts THEN 6 ELSE d.failure END AS outcome,
		       d.at + interval '4 milliseconds' + (number - 1) * interval '16 seconds'
		         + (ARRAY[0, 5, 35, 155, 455, 1355, 3155, 6755, 13955, 28355, 57155])[number] * interval '1 second' AS at,
		       (5 + floor(random() * 400))::bigint * 1000 AS us
		FROM d
		CROSS JOIN LATERAL generate_series(1, d.attempts) number
	), t AS MATERIALIZED (
		SELECT delivery_id, destination_id, number, last, at, ` + idAt + ` AS id,
		       CASE outcome WHEN 4 THEN 15000000 ELSE us END AS us,
		       (ARRAY['rejected', 'rejected', 'rejected', 'timeout', 'refused', 'acked'])[outcome] AS class,
		       (ARRAY[503, 500, 429, NULL, NULL, 200])[outcome] AS code,
		       (ARRAY['{"error":"service unavailable"}', '{"error":"internal error"}', '{"error":"too many requests"}',
		              '', '', '{"status":"accepted"}'])[outcome] AS body,
		       (ARRAY['', '', '', 'no answer within 15s', 'connection refused', ''])[outcome] AS error
		FROM tries
	)`

const insertAlerts = `,
	alerts_inserted AS (
		INSERT INTO alerts (id, alert_id, detection_id, severity, type, title, name, link, description, runbook, version,
		                    tags, log_types, context, unrouted, input_hash, created_at, created_at_nanos, accepted_at, accepted_by)
		SELECT id, hash,
		       (ARRAY['AllLogs.IPMonitoring', 'AWS.Console.LoginWithoutMFA', 'AWS.S3.BucketEncryption', 'Okta.BruteForce',
		              'GitHub.RepoMadePublic', 'GCP.KeyCreated', 'Workspace.ExternalShare', 'Endpoint.UnsignedDriver'])[detection],
		       (ARRAY['INFO', 'LOW', 'LOW', 'MEDIUM', 'MEDIUM', 'MEDIUM', 'HIGH', 'HIGH', 'CRITICAL'])[severity],
		       (ARRAY['RULE', 'RULE', 'RULE', 'RULE', 'SCHEDULED_RULE', 'POLICY', 'SYSTEM_ERROR'])[type],
		       'New Alert: Suspicious activity detected from [' || address || ']', 'Monitor Suspicious IPs',
		       'https://console.example.com/alerts/' || hash,
		       'This rule alerts on any activity outside of our IP address whitelist',
		       'Look up the address, then the user; block it if neither is known.', 'CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0',
		       ARRAY['Network Monitoring', 'Threat Intel'],
		       ARRAY[(ARRAY['AWS.VPCFlow', 'AWS.CloudTrail', 'AWS.S3ServerAccess', 'Okta.SystemLog',
		                    'GitHub.Audit', 'GCP.AuditLog', 'GSuite.Reports', 'Osquery.Differential'])[detection]],
		       '{"sourceIp":"' || address || '","port":4444,"user":"j.doe","bytesOut":73412,"region":"eu-central-1"}',
		       CASE i % 200 WHEN 0 THEN 'no_match' END, decode(hash || hash, 'hex'), at - interval '3 seconds', 0, at, 'seed'
		FROM a
	)`

const insertDeliveries = `,
	deliveries_inserted AS (
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, reason, run, attempts, max_attempts, made,
		                        last_attempt_id, last_class, last_status_code, created_at, first_ack_at, finished_at)
		SELECT d.id, d.alert_id, d.destination_id, d.routed_by,
		       CASE WHEN d.acked THEN 'delivered' ELSE 'failed' END, CASE WHEN NOT d.acked THEN 'attempts_exhausted' END,
		       1, d.attempts, 11, d.attempts, t.id, t.class, t.code, d.at,
		       CASE WHEN d.acked THEN t.at + t.us * interval '1 microsecond' END, t.at + t.us * interval '1 microsecond'
		FROM d
		JOIN t ON t.delivery_id = d.id AND t.last
		ORDER BY d.at
	)`

const insertAttempts = `
	INSERT INTO attempts (id, delivery_id, destination_id, run, number, trigger, counted, started_at, duration_us, dns_us,
	                      connect_us, tls_us, first_byte_us, body_us, address, class, status_code, request_headers,
	                      response_headers, body, body_size, truncated, retried_stale, stripped, error)
	SELECT id, delivery_id, destination_id, 1, number, 'automatic', true, at, us, 0,
	       400, 900, us * 9 / 10, us / 100, '203.0.113.80:443', class, code,
	       '[{"name":"webhook-id","value":"' || delivery_id || '"},{"name":"webhook-timestamp","value":"' ||
	         extract(epoch FROM at)::bigint || '"},{"name":"Belfry-Attempt","value":"' || number ||
	         '"},{"name":"webhook-signature","value":"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},' ||
	         '{"name":"Content-Type","value":"application/json"},{"name":"User-Agent","value":"Belfry/1.0.0"}]',
	       CASE WHEN code IS NULL THEN '[]' ELSE '[{"name":"Content-Type","value":"application/json"},{"name":"Date","value":"' ||
	         to_char(at AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS') || ' GMT"},{"name":"Content-Length","value":"' ||
	         length(body) || '"}]' END,
	       convert_to(body, 'UTF8'), length(body), false, false, false, error
	FROM t
	ORDER BY at`

// insertAll makes up alerts with all that belongs to them, and stores them.
const insertAll = alertRows + deliveryRows + attemptRows + insertAlerts + insertDeliveries + insertAttempts
