-- +goose NO TRANSACTION
-- +goose Up
-- Held deliveries that a person asked for, in the order in which they were asked
-- for: they are released before all others of their destination.
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_asked;
CREATE INDEX CONCURRENTLY deliveries_held_asked ON deliveries (destination_id, due_at, id)
    WHERE status = 'held' AND next_trigger <> 'automatic' AND priority < 4;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_asked;
