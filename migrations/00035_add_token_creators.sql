-- +goose Up
SET LOCAL lock_timeout = '5s';
-- The token that made a token, by itself or through a session that it opened;
-- empty for what the settings' token, a sign-in link or a command made.
ALTER TABLE api_tokens ADD COLUMN created_by_token_id uuid REFERENCES api_tokens (id);
-- The name as names are compared. Empty where a version before this step made the
-- token, or where two living tokens had one name then: the older one has the key.
ALTER TABLE api_tokens ADD COLUMN name_key text;
UPDATE api_tokens AS t
SET name_key = lower(t.name)
WHERE t.revoked_at IS NULL AND NOT EXISTS (
    SELECT 1
    FROM api_tokens AS older
    WHERE older.revoked_at IS NULL AND lower(older.name) = lower(t.name) AND older.id < t.id);
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name_key) WHERE revoked_at IS NULL;
CREATE INDEX api_tokens_creator ON api_tokens (created_by_token_id);

-- +goose Down
SET LOCAL lock_timeout = '5s';
DROP INDEX api_tokens_creator;
DROP INDEX api_tokens_name;
ALTER TABLE api_tokens DROP COLUMN created_by_token_id, DROP COLUMN name_key;
