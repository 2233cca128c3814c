//go:build linux

package main

import (
	"strings"
	"testing"

	"belfry/internal/pgtest"
	"belfry/migrations"
)

// Neither init nor migrate applies a step beside a server that the step would break.
// They say what to do, and one of them can be told to go on.
func TestE2EMigratesBesideNoOlderServer(t *testing.T) {
	heavy(t, 1)
	databaseURL := pgtest.NewURL(t)
	env, db := []string{"DATABASE_URL=" + databaseURL}, pgtest.Open(t, databaseURL)
	const needed = "00049_rename_unrouted.sql"
	for taken := ""; !strings.Contains(taken, needed); {
		taken = mustBelfry(t, env, "migrate", "down")
	}
	before, err := migrations.Missing(t.Context(), db.Pool())
	if err != nil {
		t.Fatal(err)
	}
	const alive = `
		INSERT INTO instances (id, started_at, seen_at, version, roles)
		VALUES ('an-old-server', now(), now() + interval '1 hour', 'v1', '{api}')`
	if _, err := db.Pool().Exec(t.Context(), alive); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"migrate", "up"}, {"init", "--dir", t.TempDir()}, {"dev"}} {
		code, _, errs := belfry(t, append(env, "BELFRY_DATA_DIR="+t.TempDir()), args...)
		left, err := migrations.Missing(t.Context(), db.Pool())
		if code != 1 || !strings.Contains(errs, needed) || !strings.Contains(errs, "an-old-server") || !strings.Contains(errs, "--force") {
			t.Errorf("%v ended with %d: %s", args, code, errs)
		}
		if err != nil || len(left) != len(before) {
			t.Errorf("%v: %d steps were missing and %d are, %v", args, len(before), len(left), err)
		}
	}
	if applied := mustBelfry(t, env, "migrate", "up", "--force"); !strings.Contains(applied, needed) {
		t.Errorf("told to go on, it says %q", applied)
	}
}
