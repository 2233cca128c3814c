package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"belfry/internal/pgtest"
	"belfry/internal/secret"
)

// initialise runs belfry init and returns what it printed.
func initialise(t *testing.T, databaseURL, dir string, flags ...string) (string, error) {
	t.Helper()
	out := newOutput()
	args := append([]string{"init", "--dir", dir, "--database-url-file", secretFile(t, databaseURL), "--public-url", "http://belfry.test/"}, flags...)
	err := run(t.Context(), args, streams{out, newOutput()})
	return out.String(), err
}

// secretFile is a file that only we can read.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// What init makes is enough for serve, and both ways that it names sign one in.
func TestInitThenServe(t *testing.T) {
	t.Parallel()
	database, dir := pgtest.NewEmptyURL(t), filepath.Join(t.TempDir(), "made", "too")
	said, err := initialise(t, database, dir)
	if err != nil {
		t.Fatal(err)
	}
	key, token := filepath.Join(dir, "keyset.json"), filepath.Join(dir, "admin-token")
	for _, file := range []string{key, token} {
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", file, info, err)
		}
	}
	link := regexp.MustCompile(`http://belfry\.test/sign-in\?code=(\S+)`).FindStringSubmatch(said)
	if link == nil || strings.Contains(said, strings.TrimSpace(read(t, token))) {
		t.Fatalf("want a link and no token in the log:\n%s", said)
	}

	_, log, _ := start(t, "serve", "--listen", "127.0.0.1:0", "--database-url-file", secretFile(t, database), "--keyset-file", key, "--admin-token-file", token)
	base := "http://" + log.await(t, `"msg":"serving","address":"([^"]+)"`)[1]
	if status, answer := do(t, http.MethodGet, base+"/api/v1/destinations", "", "Authorization", "Bearer "+strings.TrimSpace(read(t, token))); status != http.StatusOK {
		t.Errorf("with the token: %d %s", status, answer)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, want := range []int{http.StatusSeeOther, http.StatusUnauthorized} { // it works once
		resp, err := client.PostForm(base+"/sign-in", url.Values{"code": {link[1]}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("with the link: %s, want %d", resp.Status, want)
		}
	}
}

func TestInitAgainReplacesNothing(t *testing.T) {
	t.Parallel()
	database, dir := pgtest.NewEmptyURL(t), t.TempDir()
	if _, err := initialise(t, database, dir); err != nil {
		t.Fatal(err)
	}
	key, token := read(t, filepath.Join(dir, "keyset.json")), read(t, filepath.Join(dir, "admin-token"))
	said, err := initialise(t, database, dir)
	if err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(dir, "keyset.json")) != key || read(t, filepath.Join(dir, "admin-token")) != token {
		t.Error("a file was replaced")
	}
	show := "init --dir " + dir + " --show-token"
	if strings.Contains(said, "code=") || !strings.Contains(said, "http://belfry.test/sign-in\n") || !strings.Contains(said, show) {
		t.Errorf("want the page and the command, and no new link:\n%s", said)
	}
	out := newOutput()
	if err := run(t.Context(), strings.Fields(show), streams{out, newOutput()}); err != nil || out.String() != token {
		t.Errorf("--show-token = %q, %v; want %q", out, err, token)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files were left behind: %v", left)
	}
}

// A lost key is not papered over with a new one.
func TestInitRefusesALostKey(t *testing.T) {
	t.Parallel()
	database, dir := pgtest.NewEmptyURL(t), t.TempDir()
	if _, err := initialise(t, database, dir); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if _, err := initialise(t, database, other); err == nil || !strings.Contains(err.Error(), "sealed with a key that is not in "+other) {
		t.Errorf("init = %v", err)
	}
	if left, _ := os.ReadDir(other); len(left) != 0 {
		t.Errorf("files were made: %v", left)
	}

	wrong, err := secret.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(other, "keyset.json")
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := initialise(t, database, other); err == nil || !strings.Contains(err.Error(), file+" is not the key") {
		t.Errorf("init = %v", err)
	}
	if read(t, file) != wrong {
		t.Error("the wrong key was replaced")
	}
}

// A key that outlived its database is kept and used.
func TestInitKeepsAKeyForANewDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		if _, err := initialise(t, pgtest.NewEmptyURL(t), dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInitWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	database, comeUp := lateDatabase(t, pgtest.NewEmptyURL(t))
	out, errs := newOutput(), newOutput()
	ended := make(chan error, 1)
	args := []string{"init", "--dir", t.TempDir(), "--database-url-file", secretFile(t, database)}
	go func() { ended <- run(t.Context(), args, streams{out, errs}) }()
	errs.await(t, "waiting up to 1m0s for the database")
	comeUp()
	if err := <-ended; err != nil {
		t.Errorf("init = %v", err)
	}
}

// lateDatabase returns the address of a test database at which nothing answers
// until comeUp is called.
func lateDatabase(t *testing.T, database string) (address string, comeUp func()) {
	t.Helper()
	// Under /tmp, because the name of a socket must be short.
	sockets, err := os.MkdirTemp("", "belfry-init-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	where := regexp.MustCompile(`host='([^']+)' port=(\d+)`).FindStringSubmatch(database)
	if where == nil {
		t.Fatalf("cannot read %q", database)
	}
	socket := "/.s.PGSQL." + where[2]
	return strings.Replace(database, where[1], sockets, 1), func() {
		t.Helper()
		if err := os.Symlink(where[1]+socket, sockets+socket); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInitGivesUp(t *testing.T) {
	t.Parallel()
	if _, err := initialise(t, "postgres://belfry:hunter2@127.0.0.1:1/belfry", t.TempDir(), "--database-wait", "50ms"); err == nil ||
		!strings.Contains(err.Error(), "waited for the database") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("database away: %v", err)
	}
	missing := strings.Replace(pgtest.NewEmptyURL(t), "dbname='test_", "dbname='no_", 1)
	if _, err := initialise(t, missing, t.TempDir()); err == nil || strings.Contains(err.Error(), "waited") {
		t.Errorf("no such database: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"init", "--dir", t.TempDir(), "--database-url-file", secretFile(t, "postgres://127.0.0.1:1/belfry")}, streams{newOutput(), newOutput()}); err == nil {
		t.Error("a stop was not heeded")
	}
}

func TestInitNeedsADatabase(t *testing.T) {
	t.Parallel()
	if _, err := initialise(t, "", t.TempDir()); err == nil || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("init = %v", err)
	}
	if _, err := initialise(t, "", t.TempDir(), "--show-token"); err == nil {
		t.Error("--show-token printed a token that is not there")
	}
}

func TestAdminTokenFile(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const token = "0123456789abcdef-fedcba9876543210"
	tests := []struct {
		name  string
		c     config
		token string
		wrong string
	}{
		{"neither", config{}, "", ""},
		{"text", config{AdminToken: token}, token, ""},
		{"file", config{AdminTokenFile: file(token + "\n")}, token, ""},
		{"both", config{AdminToken: token, AdminTokenFile: file(token)}, "", "BELFRY_ADMIN_TOKEN_FILE is set too"},
		{"short text", config{AdminToken: "short"}, "", "at least 32 characters"},
		{"short file", config{AdminTokenFile: file("short")}, "", "at least 32 characters"},
		{"empty file", config{AdminTokenFile: file("\n")}, "", "at least 32 characters"},
		{"no file", config{AdminTokenFile: file("") + "x"}, "", "read BELFRY_ADMIN_TOKEN_FILE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.c.adminToken()
			if got != tt.token || (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("adminToken = %q, %v; want %q, %q", got, err, tt.token, tt.wrong)
			}
		})
	}
}

// Of several inits at once one makes the file, and no one sees half of it.
func TestWriteNew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	var (
		all    sync.WaitGroup
		makers atomic.Int32
		texts  [20]string
	)
	for i := range texts {
		all.Go(func() {
			made, err := writeNew(file, strings.Repeat(fmt.Sprint(i%10), 10_000))
			if err != nil {
				t.Error(err)
			}
			if made {
				makers.Add(1)
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			texts[i] = string(raw)
		})
	}
	all.Wait()
	if makers.Load() != 1 {
		t.Errorf("%d made the file", makers.Load())
	}
	for _, text := range texts {
		if text != texts[0] || len(text) != 10_001 {
			t.Errorf("one saw %d bytes, another %d", len(texts[0]), len(text))
		}
	}
}
