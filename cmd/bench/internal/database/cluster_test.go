package database

import "testing"

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p@h:5432/old?sslmode=disable":                 "postgres://u:p@h:5432/new?sslmode=disable",
		"host='/run' port=5432 user=belfry dbname='old' sslmode=on": "host='/run' port=5432 user=belfry dbname='old' sslmode=on dbname='new'",
	} {
		if got := withDatabase(dsn, "new"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
