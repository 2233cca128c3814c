-- +goose NO TRANSACTION
-- +goose Up
-- The alerts that name a destination that nobody had. DROP first: an interrupted build
-- leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS alerts_unknown_destinations;
CREATE INDEX CONCURRENTLY alerts_unknown_destinations ON alerts (id) WHERE unknown_destinations <> '{}';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS alerts_unknown_destinations;
