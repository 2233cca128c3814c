-- +goose Up
CREATE TABLE api_tokens (
    id            uuid        PRIMARY KEY,
    name          text        NOT NULL CHECK (name <> ''),
    hash          bytea       NOT NULL UNIQUE, -- SHA-256: the token is random, so a fast hash is right
    scopes        text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    created_at    timestamptz NOT NULL,
    created_by    text        NOT NULL,
    last_used_at  timestamptz,
    revoked_at    timestamptz
);

-- A code in a sign-in link; used once, for a short time.
CREATE TABLE sign_in_codes (
    hash        bytea       PRIMARY KEY,
    name        text        NOT NULL,
    scopes      text[]      NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE TABLE sessions (
    id            uuid        PRIMARY KEY,
    hash          bytea       NOT NULL UNIQUE,
    name          text        NOT NULL,
    scopes        text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    api_token_id  uuid        REFERENCES api_tokens (id), -- it ends with this token
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);

CREATE TABLE audit_log (
    id            uuid        PRIMARY KEY, -- UUIDv7
    at            timestamptz NOT NULL,
    actor         text        NOT NULL,
    action        text        NOT NULL,
    subject_type  text        NOT NULL,
    subject_id    text        NOT NULL,
    detail        text        NOT NULL, -- JSON, never with a secret
    request_id    text        NOT NULL
);

CREATE INDEX audit_log_subject ON audit_log (subject_type, subject_id, id);

-- +goose Down
DROP TABLE audit_log;
DROP TABLE sessions;
DROP TABLE sign_in_codes;
DROP TABLE api_tokens;
