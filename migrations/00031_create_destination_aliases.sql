-- +goose Up
SET LOCAL lock_timeout = '5s';

-- The names that destinations had before. Alerts that use one go to the destination that
-- had it last, unless another has it now.
CREATE TABLE destination_aliases (
    name_key        text        PRIMARY KEY CHECK (name_key <> ''), -- name, folded in Go
    name            text        NOT NULL CHECK (name <> ''),
    destination_id  uuid        NOT NULL REFERENCES destinations (id),
    created_at      timestamptz NOT NULL
);

CREATE INDEX destination_aliases_of_destination ON destination_aliases (destination_id);

-- What alerts are routed by changes with them too.
CREATE CONSTRAINT TRIGGER destination_aliases_raise_routing_version
    AFTER INSERT OR UPDATE OR DELETE ON destination_aliases
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION raise_routing_version();

-- +goose Down
DROP TABLE destination_aliases;
