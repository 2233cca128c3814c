package postgres_test

import (
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// A partition that somebody reads stays for now, and the others go all the same.
func TestALockedPartitionKeepsNoOther(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var first, second string
	const make = `
		SELECT attempts_partition(now() - interval '70 days'), attempts_partition(now() - interval '40 days')`
	if err := db.Pool().QueryRow(t.Context(), make).Scan(&first, &second); err != nil {
		t.Fatal(err)
	}
	reader, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Rollback(t.Context()) //nolint:errcheck // it only has to be gone
	if _, err := reader.Exec(t.Context(), "SELECT FROM "+first); err != nil {
		t.Fatal(err)
	}
	before := time.Now().AddDate(0, 0, -30)
	dropped, err := db.DropAttempts(t.Context(), before)
	if err == nil || !strings.Contains(err.Error(), first) || len(dropped) != 1 || dropped[0] != second {
		t.Errorf("dropped %v: %v", dropped, err)
	}
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dropped, err := db.DropAttempts(t.Context(), before); err != nil || len(dropped) != 1 || dropped[0] != first {
		t.Errorf("dropped %v: %v", dropped, err)
	}
}
