-- +goose Up
SET LOCAL lock_timeout = '5s';

-- When a system alert last told that alerts name a destination that nobody has. The key
-- is a hash of the folded name: names are as long as producers make them.
CREATE TABLE unknown_destinations (
    key      bytea       PRIMARY KEY CHECK (length(key) = 32),
    told_at  timestamptz NOT NULL
);

CREATE INDEX unknown_destinations_told_at ON unknown_destinations (told_at);

-- +goose Down
DROP TABLE unknown_destinations;
