package pgtest

import (
	"context"
	"sync"
	"testing"

	"belfry/internal/postgres"
)

// Lock keeps locked what a statement locks, as somebody else's transaction does, until
// release is called or the test ends.
func Lock(t testing.TB, db *postgres.DB, statement string, args ...any) (release func()) {
	t.Helper()
	ctx := context.Background()
	tx, err := db.Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		if err := tx.Rollback(ctx); err != nil {
			t.Errorf("release what was locked: %v", err)
		}
	})
	t.Cleanup(release)
	if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, statement, args...); err != nil {
		t.Fatal(err)
	}
	return release
}
