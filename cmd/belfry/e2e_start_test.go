//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"belfry/internal/pgtest"
)

func TestE2EServeWaitsForTheDatabase(t *testing.T) {
	heavy(t, 1)
	database, comeUp := lateDatabase(t, pgtest.NewURL(t))
	c := spawn(t, serveEnv(database), "serve")
	c.says(t, c.log, "waiting up to 1m0s for the database")
	comeUp()
	newClient(t, c.address(t), adminToken).healthy(t)
}

// What was built is said alike by the command and by the API.
func TestE2EVersion(t *testing.T) {
	heavy(t, 1)
	said := mustBelfry(t, nil, "version")
	parts := regexp.MustCompile(`^belfry (\S+), commit (\S+), built (.+) with go1\.\S+ for linux/\S+$`).FindStringSubmatch(said)
	if parts == nil {
		t.Fatalf("belfry version says %q", said)
	}
	_, api := serving(t, pgtest.NewURL(t))
	var server struct {
		Version           string
		Commit, BuildDate *string
	}
	api.call(t, http.StatusOK, http.MethodGet, "/api/v1/server", nil, &server)
	got := fmt.Sprint(server.Version, " ", orElse(server.Commit, "unknown"), " ", orElse(server.BuildDate, "at an unknown time"))
	const want = "1.2.3-test 0123abc 2026-11-30T09:00:00Z"
	if by := strings.Join(parts[1:], " "); got != want || by != want {
		t.Errorf("the API says %q and the command %q, want %q", got, by, want)
	}
}

func orElse(s *string, none string) string {
	if s == nil {
		return none
	}
	return *s
}

func TestRefusedPasswordIsExplained(t *testing.T) {
	t.Parallel()
	wrong := fmt.Errorf("reach database: %w", &pgconn.PgError{Code: "28P01", Message: `password authentication failed for user "belfry"`})
	if err := explainRefusal(wrong); !errors.Is(err, wrong) || !strings.Contains(err.Error(), "POSTGRES_PASSWORD is set only when the volume is made") {
		t.Errorf("got %v", err)
	}
	missing := fmt.Errorf("reach database: %w", &pgconn.PgError{Code: "3D000"})
	if err := explainRefusal(missing); err != missing { //nolint:errorlint // the very same
		t.Errorf("got %v", err)
	}
}
