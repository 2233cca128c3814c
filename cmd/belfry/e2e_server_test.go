//go:build linux

package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"belfry/internal/devpg"
	"belfry/internal/pgtest"
)

// serveEnv is what belfry serve needs, and what the tests of it have in common.
func serveEnv(databaseURL string, more ...string) []string {
	return append([]string{
		"DATABASE_URL=" + databaseURL,
		"BELFRY_KEYSET=" + pgtest.Keyset(),
		"BELFRY_ADMIN_TOKEN=" + adminToken,
		"BELFRY_LISTEN=127.0.0.1:0",
		"BELFRY_EGRESS_ALLOW=127.0.0.0/8",
	}, more...)
}

// serving starts belfry serve on a migrated database.
func serving(t *testing.T, databaseURL string, more ...string) (*child, *client) {
	t.Helper()
	c := spawn(t, serveEnv(databaseURL, more...), "serve")
	return c, newClient(t, c.address(t), adminToken)
}

// developing starts belfry dev on a data directory.
func developing(t *testing.T, dir string, more ...string) *child {
	t.Helper()
	return spawn(t, append([]string{"BELFRY_DATA_DIR=" + dir, "BELFRY_LISTEN=127.0.0.1:0"}, more...), "dev")
}

// ownPostgres starts a server that the test may end and start again.
func ownPostgres(t *testing.T, dir string) *devpg.Server {
	t.Helper()
	s, err := devpg.Start(t.Context(), devpg.Options{Dir: filepath.Join(dir, "pg")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Stop() // a test that crashed it has looked at what this says
	})
	return s
}

// healthy checks that a server is ready for more.
func (c *client) healthy(t *testing.T) {
	t.Helper()
	eventually(t, 15*time.Second, func() string {
		r, err := c.try(t.Context(), http.MethodGet, "/readyz", nil)
		if err != nil {
			return err.Error()
		}
		if r.status != http.StatusOK {
			return string(r.body)
		}
		return ""
	})
}
