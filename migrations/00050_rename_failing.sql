-- +goose Up
SET LOCAL lock_timeout = '2s';

-- The reason not_answering becomes failing. This step lets rows have either word; the next
-- one changes them, and the one after takes the old word away. No row need be checked
-- against the longer list: all have passed the shorter one.
-- deliveries comes first, because whoever records an attempt locks its delivery first.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_reason,
    ADD CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'not_answering', 'failing', 'our_side', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    ) NOT VALID;

-- Names only: no row is read or written. The version before does not know the new names,
-- so its servers have to be stopped.
-- held_since: since when deliveries are held as failing; null: they are not.
ALTER TABLE destinations RENAME COLUMN hold_not_answering TO hold_failing;
ALTER TABLE destination_health RENAME COLUMN not_answering_since TO held_since;

-- +goose Down
SET LOCAL lock_timeout = '2s';
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_reason,
    ADD CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'not_answering', 'our_side', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    ) NOT VALID;
ALTER TABLE destinations RENAME COLUMN hold_failing TO hold_not_answering;
ALTER TABLE destination_health RENAME COLUMN held_since TO not_answering_since;
