-- +goose Up
SET LOCAL lock_timeout = '2s';

-- Steps 52 and 56 left these to be checked later. Each reads its table once, while all
-- others read and write.
ALTER TABLE deliveries VALIDATE CONSTRAINT deliveries_held_at;
ALTER TABLE alerts VALIDATE CONSTRAINT alerts_unrouted_check;

-- +goose Down
SET LOCAL lock_timeout = '2s';
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_held_at,
    ADD CONSTRAINT deliveries_held_at CHECK (reason <> 'failing' OR held_at IS NOT NULL) NOT VALID;
ALTER TABLE alerts
    DROP CONSTRAINT alerts_unrouted_check,
    ADD CONSTRAINT alerts_unrouted_check
        CHECK (unrouted IN ('by_request', 'skip', 'empty_destinations', 'unknown_destinations', 'no_match')) NOT VALID;
