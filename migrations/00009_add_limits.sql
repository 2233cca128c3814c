-- +goose Up
ALTER TABLE destinations
    ADD COLUMN max_in_flight       integer NOT NULL DEFAULT 16 CHECK (max_in_flight BETWEEN 1 AND 1000), -- attempts, per replica
    ADD COLUMN rate_per_second     double precision CHECK (rate_per_second > 0), -- null: no limit
    ADD COLUMN burst               integer CHECK (burst > 0),
    ADD COLUMN hold_not_answering  boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT destinations_rate CHECK ((rate_per_second IS NULL) = (burst IS NULL));

ALTER TABLE instances
    ADD COLUMN roles text[] NOT NULL DEFAULT '{api,worker}';

-- +goose Down
ALTER TABLE instances
    DROP COLUMN roles;

ALTER TABLE destinations
    DROP CONSTRAINT destinations_rate,
    DROP COLUMN max_in_flight,
    DROP COLUMN rate_per_second,
    DROP COLUMN burst,
    DROP COLUMN hold_not_answering;
