-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS deliveries_open_due;
CREATE INDEX CONCURRENTLY deliveries_open_due ON deliveries (destination_id, due_at) WHERE status IN ('queued', 'retrying');
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_next;
CREATE INDEX CONCURRENTLY deliveries_held_next ON deliveries (destination_id, reason, priority, id) WHERE status = 'held';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_due;
CREATE INDEX CONCURRENTLY deliveries_held_due ON deliveries (destination_id, due_at) WHERE status = 'held' AND reason = 'not_answering';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_since;
CREATE INDEX CONCURRENTLY deliveries_held_since ON deliveries (held_at) WHERE status = 'held' AND reason = 'not_answering';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_open;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS deliveries_open;
CREATE INDEX CONCURRENTLY deliveries_open ON deliveries (destination_id, id) WHERE status IN ('queued', 'retrying');
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held;
CREATE INDEX CONCURRENTLY deliveries_held ON deliveries (destination_id, reason, id) WHERE status = 'held';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_open_due;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_next;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_due;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_since;
