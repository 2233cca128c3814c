-- +goose Up
-- Append-only and by far the largest table: partitioned by week of its UUIDv7
-- key, so that retention drops a partition and never deletes a row. There is no
-- DEFAULT partition, because one makes DETACH CONCURRENTLY impossible.
CREATE TABLE attempts (
    id                uuid        NOT NULL,
    delivery_id       uuid, -- null for a test
    destination_id    uuid        NOT NULL,
    run               integer     NOT NULL,
    number            integer     NOT NULL, -- 1, 2, 3 … over all runs of its delivery
    trigger           text        NOT NULL CHECK (trigger IN ('automatic', 'resend', 'send_now', 'test')),
    requested_by      text,
    counted           boolean     NOT NULL,
    started_at        timestamptz NOT NULL,
    duration_us       bigint      NOT NULL,
    dns_us            bigint      NOT NULL,
    connect_us        bigint      NOT NULL,
    tls_us            bigint      NOT NULL,
    first_byte_us     bigint      NOT NULL,
    body_us           bigint      NOT NULL,
    address           text        NOT NULL, -- '' when nothing was dialled
    class             text        NOT NULL CHECK (class IN ('acked', 'rejected', 'redirected', 'timeout', 'dns', 'refused',
                                  'reset', 'tls', 'blocked_address', 'protocol', 'interrupted')),
    status_code       integer, -- null when no answer came
    request_headers   text        NOT NULL, -- JSON, as response_headers
    response_headers  text        NOT NULL,
    body              bytea       NOT NULL,
    body_size         bigint      NOT NULL,
    truncated         boolean     NOT NULL,
    retried_stale     boolean     NOT NULL,
    stripped          boolean     NOT NULL, -- stored without body and headers, because storing them failed
    error             text        NOT NULL,

    PRIMARY KEY (id),
    CHECK ((delivery_id IS NULL) = (trigger = 'test'))
) PARTITION BY RANGE (id);

CREATE INDEX attempts_of_delivery ON attempts (delivery_id, id);

-- attempts_partition makes the partition of the week that holds a time, if it
-- is missing, and returns its name. The table is made apart and then attached:
-- attaching lets readers and writers of the other weeks go on.
-- +goose StatementBegin
CREATE FUNCTION attempts_partition(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    monday  timestamp := date_trunc('week', at AT TIME ZONE 'UTC');
    name    text := 'attempts_' || to_char(monday, 'YYYYMMDD');
    lo      uuid := (lpad(to_hex((extract(epoch FROM monday) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
    hi      uuid := (lpad(to_hex((extract(epoch FROM monday + interval '7 days') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
BEGIN
    IF to_regclass(name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('attempts_partition'));
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE attempts INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE attempts ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, lo, hi);
        END IF;
    END IF;
    RETURN name;
END
$$;
-- +goose StatementEnd

SELECT attempts_partition(now()), attempts_partition(now() + interval '7 days');

-- +goose Down
DROP TABLE attempts;
DROP FUNCTION attempts_partition;
