package migrations_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/migrations"
)

// The version before may run while a step is taken back. So a way back does not validate
// a CHECK that it makes anew on a table that may be big: it would read all rows, and
// nobody could use the table meanwhile. Steps that need servers stopped may.
func TestWaysBackValidateNoBigTable(t *testing.T) {
	t.Parallel()
	pool := empty(t, nil)
	if _, err := migrations.Up(t.Context(), pool, func(text string) { t.Log(text) }); err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Backward(status(t, pool)) {
		if s.Version <= 52 { // from here on servers of the version before are stopped
			break
		}
		before := validated(t, pool)
		if _, err := migrations.Down(t.Context(), pool, func(text string) { t.Log(text) }); err != nil {
			t.Fatal(err)
		}
		for id, check := range validated(t, pool) {
			if _, there := before[id]; !there && !slices.Contains(migrations.Stops, s.Version) {
				t.Errorf("the way back of %s reads every row for %s: add it as NOT VALID", s.Name, check)
			}
		}
	}
}

// validated returns the CHECKs of big tables that were held against every row, by their
// ids. One that is made anew has another id.
func validated(t *testing.T, pool *pgxpool.Pool) map[uint32]string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT oid, format('%s of %s', conname, conrelid::regclass)
		FROM pg_constraint
		WHERE contype = 'c' AND convalidated AND conrelid IN ('alerts'::regclass, 'deliveries'::regclass, 'attempts'::regclass)`)
	if err != nil {
		t.Fatal(err)
	}
	checks := map[uint32]string{}
	var (
		id   uint32
		text string
	)
	if _, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error { checks[id] = text; return nil }); err != nil {
		t.Fatal(err)
	}
	return checks
}
