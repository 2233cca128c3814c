//go:build linux

package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
	"belfry/internal/secret"
)

// without leaves a setting out.
func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, name+"=") })
}

// refused checks that serve does not start, says all of this, and gives none of
// its secrets away.
func refused(t *testing.T, env []string, says ...string) {
	t.Helper()
	code, out, errs := belfry(t, env, "serve")
	if code == 0 || out != "" {
		t.Errorf("serve ended with %d and printed %q", code, out)
	}
	for _, want := range says {
		if !strings.Contains(errs, want) {
			t.Errorf("serve does not say %q:\n%s", want, errs)
		}
	}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		if !slices.Contains([]string{"BELFRY_KEYSET", "BELFRY_ADMIN_TOKEN", "DATABASE_URL", "BELFRY_EGRESS_PROXY"}, name) || value == "" {
			continue
		}
		if strings.Contains(errs, value) {
			t.Errorf("serve says what %s is:\n%s", name, errs)
		}
	}
	if strings.Contains(errs, "hunter2") {
		t.Errorf("serve says a password:\n%s", errs)
	}
}

func TestE2EServeRefuses(t *testing.T) {
	heavy(t, 1)
	databaseURL := pgtest.NewURL(t)
	env := serveEnv(databaseURL)
	first, _ := serving(t, databaseURL) // so that the database has a key
	first.stop(t, 20*time.Second)
	before := fingerprint(t, databaseURL)

	other, err := secret.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := map[string]struct {
		env  []string
		says []string
	}{
		"no database": {without(env, "DATABASE_URL"), []string{"DATABASE_URL is not set", "postgres://", "belfry dev"}},
		"no key":      {without(env, "BELFRY_KEYSET"), []string{"no sealing key", "BELFRY_KEYSET_FILE", "belfry keygen"}},
		"both keys":   {append(env, "BELFRY_KEYSET_FILE=/no-such-path"), []string{"BELFRY_KEYSET and BELFRY_KEYSET_FILE are both set"}},
		"no key file": {append(without(env, "BELFRY_KEYSET"), "BELFRY_KEYSET_FILE=/no-such-path"), []string{"BELFRY_KEYSET_FILE", "no such file"}},
		"wrong key": {
			append(without(env, "BELFRY_KEYSET"), "BELFRY_KEYSET="+other),
			[]string{"not the sealing key", "BELFRY_KEYSET", "nothing was changed"},
		},
		"key that is none":      {append(without(env, "BELFRY_KEYSET"), "BELFRY_KEYSET=hunter2"), []string{"sealing key"}},
		"admin token too short": {append(env, "BELFRY_ADMIN_TOKEN=hunter2"), []string{"BELFRY_ADMIN_TOKEN", "at least 32 characters", "openssl rand -hex 32"}},
		"admin token too weak":  {append(env, "BELFRY_ADMIN_TOKEN="+strings.Repeat("hunter2-", 8)), []string{"BELFRY_ADMIN_TOKEN", "random", "openssl rand -hex 32"}},
		"port in use":           {append(env, "BELFRY_LISTEN="+taken.Addr().String()), []string{"BELFRY_LISTEN", "address already in use"}},
		"database away": {
			append(env, "DATABASE_URL=postgres://belfry:hunter2@127.0.0.1:1/belfry", "BELFRY_DATABASE_WAIT=50ms"),
			[]string{"waiting up to 50ms for the database", "waited for the database", "connection refused"},
		},
		"setting that is none":  {append(env, "BELFRY_RETRY_WAIT=5s"), []string{"BELFRY_RETRY_WAIT is not a setting", "BELFRY_RETRY_WAITS"}},
		"database that is none": {append(env, "DATABASE_URL=postgres://belfry:hunter2@h:x/y"), []string{"database URL cannot be read", "postgres://"}},
		"all that is wrong at once": {
			[]string{
				"BELFRY_RETRY_WAITS=1m forever", "BELFRY_EGRESS_ALLOW=10.0.0.0", "BELFRY_PUBLIC_URL=belfry", "BELFRY_ATTEMPT_TIMEOUT=1ms",
				"BELFRY_EGRESS_PROXY=ftp://u:hunter2@proxy", "BELFRY_ADMIN_TOKEN=hunter2", "BELFRY_WORKERS=0", "BELFRY_RETENTION=1h",
				"BELFRY_DRAIN_TIMEOUT=-1s", "BELFRY_SESSION_LENGTH=1s", "BELFRY_SESSION_IDLE=1m",
			},
			[]string{
				"BELFRY_RETRY_WAITS", "BELFRY_EGRESS_ALLOW", "BELFRY_PUBLIC_URL", "BELFRY_ATTEMPT_TIMEOUT", "BELFRY_EGRESS_PROXY",
				"BELFRY_ADMIN_TOKEN", "BELFRY_WORKERS", "BELFRY_RETENTION", "BELFRY_DRAIN_TIMEOUT", "BELFRY_SESSION_LENGTH", "BELFRY_SESSION_IDLE",
				"DATABASE_URL", "BELFRY_KEYSET",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { refused(t, tt.env, tt.says...) })
	}
	if after := fingerprint(t, databaseURL); after != before {
		t.Errorf("the database was\n%sand is\n%s", before, after)
	}
}

func TestE2EServeRefusesPendingMigrations(t *testing.T) {
	heavy(t, 1)
	behind := pgtest.NewURL(t)
	mustBelfry(t, []string{"DATABASE_URL=" + behind}, "migrate", "down")
	leftAlone(t, behind, "lacks 1 of ")
}

// An empty database may be somebody else's, named by mistake.
func TestE2EServeLeavesAnEmptyDatabaseAlone(t *testing.T) {
	heavy(t, 1)
	leftAlone(t, pgtest.NewEmptyURL(t), "lacks ")
}

func leftAlone(t *testing.T, databaseURL, says string) {
	t.Helper()
	before := fingerprint(t, databaseURL)
	refused(t, serveEnv(databaseURL), says, "`belfry migrate up`", "DATABASE_URL")
	if after := fingerprint(t, databaseURL); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
}

// fingerprint is every table with how many rows it has and what they hold.
func fingerprint(t *testing.T, databaseURL string) string {
	t.Helper()
	pool := pgtest.Open(t, databaseURL).Pool()
	const tables = `
		SELECT coalesce(array_agg(c.oid::regclass::text ORDER BY c.oid::regclass::text), '{}')
		FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')`
	var names []string
	if err := pool.QueryRow(t.Context(), tables).Scan(&names); err != nil {
		t.Fatal(err)
	}
	return fingerprintOf(t, databaseURL, names...)
}

// fingerprintOf is fingerprint of some tables.
func fingerprintOf(t *testing.T, databaseURL string, tables ...string) string {
	t.Helper()
	pool := pgtest.Open(t, databaseURL).Pool()
	var all strings.Builder
	for _, name := range tables {
		var rows string
		query := `SELECT count(*) || ' ' || coalesce(md5(string_agg(x::text, ',' ORDER BY x::text)), '') FROM ` + name + ` x`
		if err := pool.QueryRow(t.Context(), query).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, name, rows)
	}
	return all.String()
}
