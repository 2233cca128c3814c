//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// A server whose database loses a migration that the server needs is not ready, and
// says which one is missing; producers and people are told the same. With the
// migration it goes on by itself.
func TestE2EMigrationTakenBack(t *testing.T) {
	heavy(t, 1)
	databaseURL, h := pgtest.NewURL(t), newHook(t)
	env := []string{"DATABASE_URL=" + databaseURL}
	p, c := serving(t, databaseURL)
	c.destination(t, "SOAR", h.url)
	c.healthy(t)
	const needed = "00041_add_response_storage.sql"
	for taken := ""; !strings.Contains(taken, needed); {
		taken = mustBelfry(t, env, "migrate", "down")
	}
	says := func(method, path string, body any) string {
		r, err := c.try(t.Context(), method, path, body)
		if err != nil {
			return err.Error()
		}
		var problem struct{ Detail string }
		if path != "/readyz" {
			if err := json.Unmarshal(r.body, &problem); err != nil {
				return err.Error()
			}
			r.body = []byte(problem.Detail)
		}
		if r.status == http.StatusServiceUnavailable && strings.Contains(string(r.body), needed) {
			return ""
		}
		return method + " " + path + ": " + http.StatusText(r.status) + " " + string(r.body)
	}
	eventually(t, 10*time.Second, func() string { return says(http.MethodGet, "/readyz", nil) })
	for path, body := range map[string]any{
		"/api/v1/alerts":       newAlert("a-1"),
		"/api/v1/alerts/batch": map[string]any{"alerts": []any{newAlert("a-2")}},
	} {
		if wrong := says(http.MethodPost, path, body); wrong != "" {
			t.Error(wrong)
		}
	}
	if wrong := says(http.MethodGet, "/api/v1/destinations", nil); wrong != "" {
		t.Error(wrong)
	}
	p.says(t, p.log, "database lacks a migration") // a moment after the server refuses
	mustBelfry(t, env, "migrate", "up")
	c.healthy(t)
	d := c.alert(t, "a-3").Deliveries[0]
	c.awaitStatus(t, d.ID, "delivered", 1)
}
