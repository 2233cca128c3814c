-- +goose Up
SET LOCAL lock_timeout = '5s';
-- What opened a session, and ends it. Empty where a version before this step did:
-- of a session without a token nobody can tell then, so it is over.
ALTER TABLE sessions ADD COLUMN opened_by text CHECK (opened_by IN ('token', 'admin_token', 'sign_in_link'));
ALTER TABLE sessions ADD COLUMN admin_token_hash bytea; -- of the settings' token
ALTER TABLE sessions ADD COLUMN address text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN user_agent text NOT NULL DEFAULT '';
UPDATE sessions
SET opened_by = 'token'
WHERE api_token_id IS NOT NULL;
ALTER TABLE sessions ADD CONSTRAINT sessions_opener CHECK (
    (opened_by = 'admin_token') = (admin_token_hash IS NOT NULL)
    AND (opened_by = 'token') = (api_token_id IS NOT NULL));

-- +goose Down
SET LOCAL lock_timeout = '5s';
ALTER TABLE sessions DROP CONSTRAINT sessions_opener;
ALTER TABLE sessions DROP COLUMN opened_by, DROP COLUMN admin_token_hash, DROP COLUMN address, DROP COLUMN user_agent;
