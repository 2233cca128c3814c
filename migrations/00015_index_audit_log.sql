-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY audit_log_of_type ON audit_log (subject_type, id);
CREATE INDEX CONCURRENTLY audit_log_of_subject ON audit_log (subject_id, id);
DROP INDEX CONCURRENTLY audit_log_subject;

-- +goose Down
CREATE INDEX CONCURRENTLY audit_log_subject ON audit_log (subject_type, subject_id, id);
DROP INDEX CONCURRENTLY audit_log_of_type;
DROP INDEX CONCURRENTLY audit_log_of_subject;
