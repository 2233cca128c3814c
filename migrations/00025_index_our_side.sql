-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_our_side;
CREATE INDEX CONCURRENTLY deliveries_held_our_side ON deliveries (due_at) WHERE status = 'held' AND reason = 'our_side';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_our_side;
