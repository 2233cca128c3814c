//go:build linux

package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// Replicas that start together migrate together.
func TestE2EMigrateThreeAtOnce(t *testing.T) {
	heavy(t, 1)
	databaseURL := pgtest.NewEmptyURL(t)
	env := []string{"DATABASE_URL=" + databaseURL}
	if status := mustBelfry(t, env, "migrate", "status"); strings.Contains(status, "applied") || !strings.Contains(status, "missing") {
		t.Errorf("status of an empty database:\n%s", status)
	}
	var three []*child
	for range 3 {
		three = append(three, spawn(t, env, "migrate"))
	}
	applied := map[string]int{}
	for _, c := range three {
		if code := c.wait(t, 60*time.Second); code != 0 {
			t.Errorf("ended with %d:\n%s", code, c.log)
		}
		for line := range strings.Lines(c.out.String()) {
			if name, ok := strings.CutPrefix(line, "applied "); ok {
				applied[name]++
			}
		}
	}
	status := mustBelfry(t, env, "migrate", "status")
	if strings.Contains(status, "missing") || strings.Count(status, "applied") != len(applied) {
		t.Errorf("%d steps were applied, the status is\n%s", len(applied), status)
	}
	for name, n := range applied {
		if n != 1 {
			t.Errorf("%q was applied %d times", name, n)
		}
	}

	down := strings.TrimPrefix(mustBelfry(t, env, "migrate", "down"), "taken back ")
	if status := mustBelfry(t, env, "migrate", "status"); strings.Count(status, "missing") != 1 || !strings.Contains(status, "missing "+down) {
		t.Errorf("after taking back %s:\n%s", down, status)
	}
	if up := mustBelfry(t, env, "migrate", "up"); up != "applied "+down {
		t.Errorf("up again: %s", up)
	}
	if again := mustBelfry(t, env, "migrate", "up"); !strings.Contains(again, "nothing to do") {
		t.Errorf("up once more: %s", again)
	}
	_, c := serving(t, databaseURL)
	c.healthy(t)
}

// Tokens made and revoked beside a running server.
func TestE2ETokens(t *testing.T) {
	heavy(t, 1)
	databaseURL := pgtest.NewURL(t)
	env := []string{"DATABASE_URL=" + databaseURL}
	p, admin := serving(t, databaseURL)
	token := mustBelfry(t, env, "token", "create", "detection engine", "--scope", "ingest")
	c := newClient(t, *admin.base.Load(), token)
	c.alert(t, "a-1")
	c.call(t, http.StatusForbidden, http.MethodGet, "/api/v1/destinations", nil, nil)

	list := mustBelfry(t, env, "token", "list")
	id := regexp.MustCompile(`(?m)^(\S+)\s+detection engine\s+\[ingest\]`).FindStringSubmatch(list)
	if id == nil || strings.Contains(list, token) {
		t.Fatalf("token list:\n%s", list)
	}
	if code, _, errs := belfry(t, env, "token", "create", "Detection Engine", "--scope", "read"); code == 0 || !strings.Contains(errs, "name is that of another token") {
		t.Errorf("a name that is taken: %d %s", code, errs)
	}
	if code, _, errs := belfry(t, env, "token", "create", "BELFRY_ADMIN_TOKEN", "--scope", "read"); code == 0 || !strings.Contains(errs, "name is a name that Belfry uses") {
		t.Errorf("a name of Belfry's: %d %s", code, errs)
	}
	maker := mustBelfry(t, env, "token", "create", "maker", "--scope", "admin")
	var made struct{ ID, CreatedByTokenID string }
	newClient(t, *admin.base.Load(), maker).call(t, http.StatusCreated, http.MethodPost, "/api/v1/tokens", map[string]any{"name": "heir", "scopes": []string{"admin"}}, &made)
	if said := mustBelfry(t, env, "token", "revoke", made.CreatedByTokenID); !strings.Contains(said, "heir ("+made.ID+") goes on") {
		t.Errorf("revoke says %s", said)
	}
	if said := mustBelfry(t, env, "token", "revoke", "--cascade", made.CreatedByTokenID); !strings.Contains(said, "heir ("+made.ID+") is revoked too") {
		t.Errorf("revoke --cascade says %s", said)
	}

	mustBelfry(t, env, "token", "revoke", id[1])
	began := time.Now()
	eventually(t, 20*time.Second, func() string {
		r, err := c.try(t.Context(), http.MethodPost, "/api/v1/alerts", newAlert("a-2"))
		if err == nil && r.status == http.StatusUnauthorized {
			return ""
		}
		return fmt.Sprintf("a revoked token is answered with %d %s %v", r.status, r.body, err)
	})
	t.Logf("the server forgot a revoked token after %v", time.Since(began).Round(time.Millisecond))
	if code, _, errs := belfry(t, env, "token", "create", "wrong", "--scope", "everything"); code == 0 || !strings.Contains(errs, "scope") {
		t.Errorf("a scope that does not exist: %d %s", code, errs)
	}
	if strings.Contains(p.log.String(), token) {
		t.Error("the log holds the token")
	}
	var log struct {
		Items []struct{ Action, SubjectID string }
	}
	admin.call(t, http.StatusOK, http.MethodGet, "/api/v1/audit?actor=belfry%20token", nil, &log)
	var told []string
	for _, e := range log.Items {
		told = append(told, e.Action)
	}
	if got, want := strings.Join(told, " "), "token.revoke token.revoke token.revoke token.create token.create"; got != want || log.Items[0].SubjectID != id[1] {
		t.Errorf("the audit log says %q of the command, want %q", got, want)
	}
}

// Whoever guesses at the admin token is told to wait, and is in the audit log also
// when the server stops before the minute is over.
func TestE2EGuesses(t *testing.T) {
	heavy(t, 1)
	databaseURL := pgtest.NewURL(t)
	p, c := serving(t, databaseURL)
	thief := newClient(t, *c.base.Load(), "guess-0123456789-guess-0123456789")
	statuses := map[int]int{}
	for range 25 {
		r, err := thief.try(t.Context(), http.MethodGet, "/api/v1/destinations", nil)
		if err != nil {
			t.Fatal(err)
		}
		statuses[r.status]++
	}
	if statuses[401] < 20 || statuses[429] == 0 || statuses[401]+statuses[429] != 25 {
		t.Errorf("25 guesses are answered with %v", statuses)
	}
	p.stop(t, 20*time.Second)
	_, c = serving(t, databaseURL)
	var log struct {
		Items []struct {
			Actor  string
			Detail struct{ Count int }
		}
	}
	c.call(t, http.StatusOK, http.MethodGet, "/api/v1/audit?subjectType=authentication", nil, &log)
	if len(log.Items) != 1 || log.Items[0].Actor != "127.0.0.1" || log.Items[0].Detail.Count != 25 {
		t.Errorf("the audit log says %+v", log.Items)
	}
}
