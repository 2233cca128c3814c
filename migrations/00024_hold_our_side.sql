-- +goose Up
SET LOCAL lock_timeout = '2s';
-- uncounted: attempts in a row that did not count, because our own side failed.
-- No row need be checked against the longer list of reasons: all have passed the
-- shorter one.
ALTER TABLE deliveries
    ADD COLUMN uncounted integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT deliveries_reason,
    ADD CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'not_answering', 'our_side', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    ) NOT VALID;

-- failures leaves out each 429; unacked has what came back without an ack, from
-- failing_since to unacked_at.
ALTER TABLE destination_health
    ADD COLUMN unacked integer NOT NULL DEFAULT 0,
    ADD COLUMN unacked_at timestamptz,
    DROP CONSTRAINT destination_health_failing,
    ADD CONSTRAINT destination_health_failing CHECK (failures = 0 OR failing_since IS NOT NULL);

UPDATE destination_health
SET unacked = failures, unacked_at = last_failure_at
WHERE failures > 0;

-- One row: when what has changed of destinations will be told. Empty: nothing has.
CREATE TABLE announcing (
    one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
    due_at  timestamptz
);

INSERT INTO announcing DEFAULT VALUES;

-- +goose Down
SET LOCAL lock_timeout = '2s';
DROP TABLE announcing;

UPDATE destination_health
SET failing_since = NULL
WHERE failures = 0;

ALTER TABLE destination_health
    DROP COLUMN unacked,
    DROP COLUMN unacked_at,
    DROP CONSTRAINT destination_health_failing,
    ADD CONSTRAINT destination_health_failing CHECK ((failures > 0) = (failing_since IS NOT NULL));

UPDATE deliveries
SET reason = 'busy'
WHERE status = 'held' AND reason = 'our_side';

ALTER TABLE deliveries
    DROP COLUMN uncounted,
    DROP CONSTRAINT deliveries_reason,
    ADD CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'not_answering', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    );
