-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS audit_log_of_type;
CREATE INDEX CONCURRENTLY audit_log_of_type ON audit_log (subject_type, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_log_of_subject;
CREATE INDEX CONCURRENTLY audit_log_of_subject ON audit_log (subject_id, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_log_subject;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS audit_log_subject;
CREATE INDEX CONCURRENTLY audit_log_subject ON audit_log (subject_type, subject_id, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_log_of_type;
DROP INDEX CONCURRENTLY IF EXISTS audit_log_of_subject;
