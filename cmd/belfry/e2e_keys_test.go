//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
	"belfry/internal/secret"
)

// keyFile makes a sealing key in a file of its own.
func keyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keyset.json")
	mustBelfry(t, nil, "keygen", "--out", file)
	return file
}

// withKeyFile has a server read its key from a file.
func withKeyFile(file string) []string {
	return []string{"BELFRY_KEYSET=", "BELFRY_KEYSET_FILE=" + file}
}

// sealsWith is the id of the newest key of a file.
func sealsWith(t *testing.T, file string) string {
	t.Helper()
	box, err := secret.NewBox(read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(box.Primary())
}

// wantsKey has a receiver refuse what comes without the credential.
func (h *hook) wantsKey() {
	h.says(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-Key") != "credential" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

// delivers posts an alert and waits until all of its deliveries have been made.
func (c *client) delivers(t *testing.T, alertID string, n int) {
	t.Helper()
	a := c.alert(t, alertID)
	if len(a.Deliveries) != n {
		t.Errorf("%s goes to %d destinations, want %d", alertID, len(a.Deliveries), n)
	}
	for _, d := range a.Deliveries {
		c.awaitStatus(t, d.ID, "delivered", 1)
	}
}

func TestE2EKeygen(t *testing.T) {
	t.Parallel()
	if printed := mustBelfry(t, nil, "keygen"); !strings.HasPrefix(printed, "{") {
		t.Errorf("keygen printed %s", printed)
	}
	key := keyFile(t)
	private := func() {
		t.Helper()
		if info, err := os.Stat(key); err != nil || info.Mode() != 0o600 {
			t.Errorf("the key's file: %v %v, want mode 0600", info, err)
		}
		if all, err := os.ReadDir(filepath.Dir(key)); err != nil || len(all) != 1 {
			t.Errorf("beside the key there are %v (%v)", all, err)
		}
	}
	private()
	old, first := read(t, key), sealsWith(t, key)
	for _, flag := range []string{"--out", "--import"} {
		if code, _, errs := belfry(t, nil, "keygen", flag, key); code == 0 || read(t, key) != old {
			t.Errorf("keygen %s onto a key: %d %s", flag, code, errs)
		}
	}
	if code, _, errs := belfry(t, nil, "keygen", "--retire", key); code == 0 || !strings.Contains(errs, "one key only") || read(t, key) != old {
		t.Errorf("the only key was taken out: %d %s", code, errs)
	}
	said := mustBelfry(t, nil, "keygen", "--rotate", key)
	private()
	if second := sealsWith(t, key); second == first || !strings.Contains(said, second) || !strings.Contains(said, "belfry reseal") {
		t.Errorf("%s seals after %s; rotating said %s", second, first, said)
	}
	if exported := mustBelfry(t, nil, "keygen", "--export", key); exported != strings.TrimSpace(read(t, key)) {
		t.Errorf("exported:\n%s", exported)
	}
	code, out, errs := belfry(t, nil, "keygen", "--retire", key)
	private()
	if code != 0 || !strings.Contains(out, "taken out: "+first) || !strings.Contains(errs, "DATABASE_URL is not set") {
		t.Errorf("retiring: %d %s%s", code, out, errs)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--rotate", "--retire", "--export"} {
		if code, out, errs := belfry(t, nil, "keygen", flag, key); code == 0 || out != "" || !strings.Contains(errs, "chmod 600 "+key) {
			t.Errorf("%s of a file that everybody can read: %d %s%s", flag, code, out, errs)
		}
	}
	refused(t, append(serveEnv("postgres://127.0.0.1:1/none"), withKeyFile(key)...), "BELFRY_KEYSET_FILE", "chmod 600 "+key)
}

// Two that rotate at once do so one after the other: no key gets lost.
func TestE2ERotateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	key := keyFile(t)
	var all []*child
	for range 4 {
		all = append(all, spawn(t, nil, "keygen", "--rotate", key))
	}
	box := func() *secret.Box {
		b, err := secret.NewBox(read(t, key))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range all {
		if code := c.wait(t, 60*time.Second); code != 0 {
			t.Errorf("ended with %d: %s", code, c.log)
		}
		made := regexp.MustCompile(`a new key, (\d+),`).FindStringSubmatch(c.out.String())
		if made == nil || !strings.Contains(fmt.Sprint(box().Keys()), made[1]) {
			t.Errorf("%v is not among %v", made, box().Keys())
		}
	}
	if n := len(box().Keys()); n != 5 {
		t.Errorf("%d keys, want 5", n)
	}
}

// The life of a key, while two servers run: rotate, seal anew, retire.
func TestE2ERotateResealRetire(t *testing.T) {
	heavy(t, 2)
	h, databaseURL, key := newHook(t), pgtest.NewURL(t), keyFile(t)
	h.wantsKey()
	copied := filepath.Join(t.TempDir(), "copy.json") // the other machine's
	if err := os.WriteFile(copied, []byte(read(t, key)), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(serveEnv(databaseURL), withKeyFile(key)...)
	a, ca := serving(t, databaseURL, withKeyFile(key)...)
	b, cb := serving(t, databaseURL, withKeyFile(copied)...)
	before := ca.destination(t, "before", h.url, header{"X-API-Key", "credential"})
	ca.delivers(t, "a-1", 1)
	first := sealsWith(t, key)
	mustBelfry(t, env, "keygen", "--rotate", key)
	second := sealsWith(t, key)

	// The old key is still needed, and by a server that does not have the new one.
	if code, _, errs := belfry(t, env, "keygen", "--retire", key); code == 0 || !strings.Contains(errs, "sealed with key "+first) || sealsWith(t, key) != second {
		t.Errorf("a key that is needed was taken out: %d %s", code, errs)
	}
	if code, out, errs := belfry(t, env, "reseal"); code == 0 || !strings.Contains(errs, "do not seal with key "+second) || !strings.Contains(errs, "key "+first) {
		t.Errorf("reseal while a server lacks the key: %d %s%s", code, out, errs)
	}
	// The server that reads the very file takes the key over by itself. What it then
	// seals the other one cannot open, says so, and leaves to it.
	awaitOneWith(t, databaseURL, second)
	after := ca.destination(t, "after", h.url, header{"X-API-Key", "credential"})
	cb.delivers(t, "b-1", 2)
	eventually(t, 20*time.Second, func() string {
		cb.alert(t, fmt.Sprint("b-", time.Now().UnixNano()))
		if strings.Contains(b.log.String(), "sealed with a key that this process does not have yet: restart it with the rotated keyset") {
			return ""
		}
		return "the server without the key says nothing"
	})
	for _, c := range []*child{a, b} {
		if strings.Contains(c.log.String(), "destination misconfigured") {
			t.Errorf("a key that comes later was taken for damage:\n%s", c.log)
		}
	}
	entered := map[string]any{"settings": map[string]any{"url": h.url, "headers": []header{{"X-API-Key", "credential"}}}}
	cb.call(t, http.StatusServiceUnavailable, http.MethodPatch, "/api/v1/destinations/"+after.ID, entered, nil)
	cb.call(t, http.StatusServiceUnavailable, http.MethodPost, "/api/v1/destinations/"+after.ID+"/signing-secret", nil, nil)

	// The file comes to the other machine as well.
	if err := replace(copied, read(t, key)); err != nil {
		t.Fatal(err)
	}
	var said string
	eventually(t, 20*time.Second, func() string {
		code, out, errs := belfry(t, env, "reseal")
		if said = out; code == 0 {
			return ""
		}
		return errs
	})
	for _, want := range []string{"destinations sealed anew with key " + second + ": 1", "key " + first + ": seals 0 rows", "keygen --retire"} {
		if !strings.Contains(said, want) {
			t.Errorf("reseal does not say %q:\n%s", want, said)
		}
	}
	ca.delivers(t, "a-2", 2)
	cb.delivers(t, "b-2", 2)
	old := filepath.Join(t.TempDir(), "old.json")
	if err := os.WriteFile(old, []byte(read(t, key)), 0o600); err != nil {
		t.Fatal(err)
	}
	mustBelfry(t, env, "keygen", "--retire", key)
	ca.call(t, http.StatusOK, http.MethodPatch, "/api/v1/destinations/"+before.ID, entered, nil)
	ca.delivers(t, "a-3", 2)
	a.stop(t, 20*time.Second)
	b.stop(t, 20*time.Second)
	_, ca = serving(t, databaseURL, withKeyFile(key)...)
	ca.delivers(t, "a-4", 2)
	if said := mustBelfry(t, env, "reseal"); !strings.Contains(said, "destinations sealed anew with key "+second+": 0") || !strings.Contains(said, "no old key") {
		t.Errorf("reseal again: %s", said)
	}
}

// awaitOneWith waits until one server seals with a key.
func awaitOneWith(t *testing.T, databaseURL, key string) {
	t.Helper()
	pool := pgtest.Open(t, databaseURL).Pool()
	const query = `
		SELECT count(*)
		FROM instances
		WHERE sealing_key = $1::text::bigint`
	eventually(t, 20*time.Second, func() string {
		var n int
		if err := pool.QueryRow(t.Context(), query, key).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return ""
		}
		return fmt.Sprintf("%d servers seal with key %s", n, key)
	})
}

// A keyset that lacks the key of a single row is refused, whatever the canary says.
func TestE2EKeyOfEveryRowIsAskedFor(t *testing.T) {
	heavy(t, 1)
	h, databaseURL, key := newHook(t), pgtest.NewURL(t), keyFile(t)
	p, c := serving(t, databaseURL, withKeyFile(key)...)
	d := c.destination(t, "SOAR", h.url)
	c.destination(t, "SIEM", h.url)
	p.stop(t, 20*time.Second)
	first := sealsWith(t, key)
	mustBelfry(t, nil, "keygen", "--rotate", key)
	p, _ = serving(t, databaseURL, withKeyFile(key)...) // which seals the canary with the new key
	p.stop(t, 20*time.Second)
	mustBelfry(t, nil, "keygen", "--retire", key) // too soon, and without asking the database
	before := fingerprint(t, databaseURL)
	refused(t, append(serveEnv(databaseURL), withKeyFile(key)...), "2 rows are sealed with key "+first, "not in the keyset", "nothing was changed")
	dir := filepath.Dir(key)
	code, _, errs := belfry(t, []string{"DATABASE_URL=" + databaseURL}, "init", "--dir", dir)
	if code == 0 || !strings.Contains(errs, key+" is not the key") || !strings.Contains(errs, "2 rows are sealed with key "+first) {
		t.Errorf("init: %d %s", code, errs)
	}
	if after := fingerprint(t, databaseURL); after != before {
		t.Errorf("the database was\n%sand is\n%s", before, after)
	}

	// If the key is lost for good, what it sealed can be given up, and entered again.
	env := append(serveEnv(databaseURL), withKeyFile(key)...)
	if code, _, errs := belfry(t, env, "reseal"); code == 0 || !strings.Contains(errs, "sealed with key "+first) {
		t.Errorf("reseal without the key: %d %s", code, errs)
	}
	if said := mustBelfry(t, env, "reseal", "--give-up-lost-keys"); !strings.Contains(said, "destinations sealed with lost keys, whose settings must be entered again: 2") {
		t.Errorf("given up: %s", said)
	}
	_, c = serving(t, databaseURL, withKeyFile(key)...)
	entered := map[string]any{"settings": map[string]any{"url": h.url}}
	c.call(t, http.StatusOK, http.MethodPatch, "/api/v1/destinations/"+d.ID, entered, nil)
	for _, got := range c.alert(t, "a-1").Deliveries {
		if got.Destination.ID == d.ID {
			c.awaitStatus(t, got.ID, "delivered", 1)
		}
	}
}

// After a rotation in place, the next init and the next start find everything.
func TestE2EInitAfterARotation(t *testing.T) {
	heavy(t, 1)
	h, databaseURL, dir := newHook(t), pgtest.NewEmptyURL(t), t.TempDir()
	env := []string{"DATABASE_URL=" + databaseURL}
	key := filepath.Join(dir, keysetFile)
	mustBelfry(t, env, "init", "--dir", dir)
	p, c := serving(t, databaseURL, withKeyFile(key)...)
	c.destination(t, "SOAR", h.url)
	p.stop(t, 20*time.Second)
	mustBelfry(t, env, "keygen", "--rotate", key)
	mustBelfry(t, env, "init", "--dir", dir)
	mustBelfry(t, append(env, withKeyFile(key)...), "reseal")
	mustBelfry(t, env, "keygen", "--retire", key)
	mustBelfry(t, env, "init", "--dir", dir)
	_, c = serving(t, databaseURL, withKeyFile(key)...)
	c.delivers(t, "a-1", 1)
}
