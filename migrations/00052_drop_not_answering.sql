-- +goose Up
SET LOCAL lock_timeout = '2s';

-- The step before has changed all rows, and no server writes the old word any more: no row
-- need be checked.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_reason,
    ADD CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'failing', 'our_side', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    ) NOT VALID,
    DROP CONSTRAINT deliveries_held_at,
    ADD CONSTRAINT deliveries_held_at CHECK (reason <> 'failing' OR held_at IS NOT NULL) NOT VALID;

-- +goose Down
SET LOCAL lock_timeout = '2s';
-- deliveries_held_at was checked when it was made, and is again: servers are stopped.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_reason,
    ADD CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'not_answering', 'failing', 'our_side', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    ) NOT VALID,
    DROP CONSTRAINT deliveries_held_at,
    ADD CONSTRAINT deliveries_held_at CHECK (reason <> 'not_answering' OR held_at IS NOT NULL);
