-- +goose NO TRANSACTION
-- +goose Up
-- Reads the table, and keeps nobody from it.
ALTER TABLE deliveries VALIDATE CONSTRAINT deliveries_reason;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_our_side;
CREATE INDEX CONCURRENTLY deliveries_held_our_side ON deliveries (due_at) WHERE status = 'held' AND reason = 'our_side';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_our_side;
