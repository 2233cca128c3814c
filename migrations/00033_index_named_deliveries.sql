-- +goose NO TRANSACTION
-- +goose Up
-- The deliveries whose alert names the destination.
DROP INDEX CONCURRENTLY IF EXISTS deliveries_named;
CREATE INDEX CONCURRENTLY deliveries_named ON deliveries (destination_id, id) WHERE routed_by = 'override';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS deliveries_named;
