//go:build linux && real

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// The commands of docs/operating.md for a plain server: what was backed up is restored
// into an empty database, and delivers with the credentials it had. Tokens are valid, the
// audit log is whole, and what waited has its job. Nobody else can read the backup.
func TestRealBackup(t *testing.T) {
	h, databaseURL, key := newHook(t), pgtest.NewURL(t), keyFile(t)
	h.wantsKey()
	p, c := serving(t, databaseURL, append(withKeyFile(key), "BELFRY_RETRY_WAITS=1h")...)
	d := c.destination(t, "SOAR", h.url, header{"X-API-Key", "credential"})
	c.delivers(t, "before", 1)
	h.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	waiting := c.alert(t, "waiting").Deliveries[0].ID
	c.awaitStatus(t, waiting, "retrying", 1)
	reader := c.newToken(t, "reader")
	before := fingerprintOf(t, databaseURL, "audit_log", "api_tokens", "deliveries", "attempts")

	dir := t.TempDir()
	asDocumented(t, dir, "backup", databaseURL, key) // while it serves
	for _, name := range []string{"belfry.dump", "keyset.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", name, info, err)
		}
	}
	p.stop(t, 20*time.Second)
	restored := filepath.Join(t.TempDir(), "keyset.json")
	asDocumented(t, dir, "restore", databaseURL, restored)

	h.wantsKey()
	databaseURL = regexp.MustCompile(`dbname='[^']+'`).ReplaceAllString(databaseURL, "dbname='restored'")
	if after := fingerprintOf(t, databaseURL, "audit_log", "api_tokens", "deliveries", "attempts"); after != before {
		t.Errorf("what was backed up was\n%sand what is restored is\n%s", before, after)
	}
	const itsJob = `SELECT count(*) FROM deliveries d JOIN river_job j ON j.id = d.job_id WHERE d.id = $1`
	if n := number(t, pgtest.Open(t, databaseURL).Pool(), itsJob, waiting); n != 1 {
		t.Error("what waited when it was backed up has lost its job")
	}
	_, c = serving(t, databaseURL, withKeyFile(restored)...)
	newClient(t, *c.base.Load(), reader).call(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries", nil, nil)
	var shown struct{ DisplayName string }
	c.call(t, http.StatusOK, http.MethodGet, "/api/v1/destinations/"+d.ID, nil, &shown)
	if shown.DisplayName != "SOAR" {
		t.Errorf("restored: %+v", shown)
	}
	c.delivers(t, "after", 1)
	c.call(t, http.StatusAccepted, http.MethodPost, "/api/v1/deliveries/"+waiting+"/send-now", nil, nil)
	if got := c.awaitStatus(t, waiting, "delivered", 1); len(got.AttemptHistory) != 2 {
		t.Errorf("of what waited when it was backed up there are %d attempts, want 2", len(got.AttemptHistory))
	}
}

// asDocumented runs the commands below a mark in docs/operating.md, with another key
// file, another database and in a directory of their own.
func asDocumented(t *testing.T, dir, mark, databaseURL, key string) {
	t.Helper()
	found := regexp.MustCompile("(?s)<!-- " + mark + " -->\n```sh\n(.*?)```").FindStringSubmatch(read(t, "../../docs/operating.md"))
	if found == nil {
		t.Fatalf("docs/operating.md has no commands below %q", mark)
	}
	commands := strings.NewReplacer("/etc/belfry/keyset.json", key, "createdb belfry", "createdb restored", "--dbname=belfry", "--dbname=restored").
		Replace(found[1])
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	wrapper := fmt.Sprintf("#!/bin/sh\nexec /proc/%d/fd/%d \"$@\"\n", os.Getpid(), file.Fd())
	if err := os.WriteFile(filepath.Join(bin, "belfry"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	env := append(inherited(), "PATH="+bin+":"+os.Getenv("PATH"))
	for name, word := range map[string]string{"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname"} {
		if v := regexp.MustCompile(word + `='?([^' ]+)`).FindStringSubmatch(databaseURL); v != nil {
			env = append(env, name+"="+v[1])
		}
	}
	cmd := exec.Command("sh", "-eux")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(commands)
	said, err := cmd.CombinedOutput()
	t.Logf("%s:\n%s", mark, said)
	if err != nil {
		t.Fatal(err)
	}
}
