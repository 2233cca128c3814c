-- +goose NO TRANSACTION
-- +goose Up
-- The deliveries of one destination that did not just go through; one that did is
-- never here. The collation is there to be another than that of other indexes: so
-- the planner can take none of these for a comparison that is meant for this one.
DROP INDEX CONCURRENTLY IF EXISTS deliveries_undelivered;
CREATE INDEX CONCURRENTLY deliveries_undelivered ON deliveries (status COLLATE "C", destination_id, id)
    WHERE status NOT IN ('queued', 'delivered');

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS deliveries_undelivered;
