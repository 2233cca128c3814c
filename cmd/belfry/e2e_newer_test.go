//go:build linux

package main

import (
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// A program that is older than the database says so, and by how much. It still
// serves, as an upgrade that is taken back needs; but it takes no step back that it
// does not know.
func TestE2EDatabaseIsNewer(t *testing.T) {
	heavy(t, 1)
	databaseURL := newerDatabase(t)
	env := []string{"DATABASE_URL=" + databaseURL}
	before := fingerprint(t, databaseURL)
	const newest, unknown = "is at migration 99002", "2 of its migrations are unknown"
	for _, args := range [][]string{{"migrate", "up"}, {"migrate", "down"}, {"migrate", "status"}} {
		code, _, errs := belfry(t, env, args...)
		if code != 3 || !strings.Contains(errs, "newer than this program") || !strings.Contains(errs, newest) || !strings.Contains(errs, unknown) {
			t.Errorf("%v ended with %d: %s", args, code, errs)
		}
	}
	if after := fingerprint(t, databaseURL); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
	code, _, errs := belfry(t, env, "init", "--dir", t.TempDir())
	if code != 0 || !strings.Contains(errs, newest) {
		t.Errorf("init ended with %d: %s", code, errs)
	}
	p, _ := serving(t, newerDatabase(t))
	eventually(t, 10*time.Second, func() string {
		if log := p.log.String(); !strings.Contains(log, "database is newer") || !strings.Contains(log, unknown) {
			return "the server says only\n" + log
		}
		return ""
	})
}

// newerDatabase returns the URL of a database that has two steps more than this
// program.
func newerDatabase(t *testing.T) string {
	t.Helper()
	databaseURL := pgtest.NewURL(t)
	const newer = `
		INSERT INTO goose_db_version (version_id, is_applied)
		VALUES (99001, true), (99002, true)`
	if _, err := pgtest.Open(t, databaseURL).Pool().Exec(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	return databaseURL
}
