package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/pgtest"
	"belfry/migrations"
)

// A database with tokens of one name migrates: the oldest that is valid has the
// name from then on, and the others go on.
func TestTokenNamesBeforeTheyWereUnique(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name := ""; name != "00035_add_token_creators.sql"; {
		step, err := migrations.Down(t.Context(), db.Pool(), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		name = step.Name
	}
	const insert = `
		INSERT INTO api_tokens (id, name, hash, scopes, created_at, created_by, revoked_at)
		VALUES ('00000000-0000-7000-8000-000000000001', 'CI', '1', '{read}', now(), '', now()),
			('00000000-0000-7000-8000-000000000002', 'ci', '2', '{read}', now(), '', NULL),
			('00000000-0000-7000-8000-000000000003', 'CI', '3', '{read}', now(), '', NULL),
			('00000000-0000-7000-8000-000000000004', 'other', '4', '{read}', now(), '', NULL)`
	if _, err := db.Pool().Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	const session = `
		INSERT INTO sessions (id, hash, name, scopes, api_token_id, created_at, expires_at)
		VALUES (gen_random_uuid(), '5', 'ci', '{read}', '00000000-0000-7000-8000-000000000002', now(), now()),
			(gen_random_uuid(), '6', 'dev', '{admin}', NULL, now(), now())`
	if _, err := db.Pool().Exec(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.Up(t.Context(), db.Pool(), func(string) {}); err != nil {
		t.Fatal(err)
	}
	var got string
	const query = `
		SELECT (SELECT string_agg(id::text, ' ' ORDER BY id) FROM api_tokens WHERE name_key IS NOT NULL) || ' | '
			|| (SELECT string_agg(name || ' ' || coalesce(opened_by, 'unknown'), ', ' ORDER BY name) FROM sessions)`
	if err := db.Pool().QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatal(err)
	}
	const want = "00000000-0000-7000-8000-000000000002 00000000-0000-7000-8000-000000000004 | ci token, dev unknown"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
