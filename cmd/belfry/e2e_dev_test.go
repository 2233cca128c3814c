//go:build linux

package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// One command, on an empty directory, is all it takes; and what it made is there
// when it is started again.
func TestE2EDevKeepsItsData(t *testing.T) {
	heavy(t, 1)
	dir, h := openDir(t), newHook(t)
	first := developing(t, dir)
	base := first.address(t)
	if said := first.says(t, first.out, `Belfry is ready: (\S+)`)[1]; said != base {
		t.Errorf("it says that it is ready at %s, and serves at %s", said, base)
	}
	token := first.says(t, first.out, `Token\s+(\S+)`)[1]
	link := first.says(t, first.out, `Sign in\s+(\S+)`)[1]

	c := newClient(t, base, token)
	c.destination(t, "SOAR", h.url+"/hook")
	d := c.awaitStatus(t, c.alert(t, "a-1").Deliveries[0].ID, "delivered", 1)
	if d.LastAttempt.code() != http.StatusOK || d.LastAttempt.body() != "success" || d.Attempts != 1 {
		t.Errorf("delivery: %+v", d)
	}
	c.worksOnce(t, link)
	t.Logf("stopped in %v", first.stop(t, 30*time.Second))
	if who := working(dir); who != "" {
		t.Errorf("left behind: %s", who)
	}
	if pid, _ := filepath.Glob(filepath.Join(dir, "postgres", "pg*", "postmaster.pid")); len(pid) > 0 {
		t.Errorf("left behind: %v", pid)
	}

	second := developing(t, dir)
	c.moveTo(second.address(t))
	if again := c.delivery(t, d.ID); again.Status != "delivered" || len(again.AttemptHistory) != 1 {
		t.Errorf("after the restart: %+v", again)
	}
	newLink := second.says(t, second.out, `Sign in\s+(\S+)`)[1]
	c.worksOnce(t, newLink)
	second.says(t, second.out, `<your token>`) // the last line that could hold it
	if said := second.out.String() + second.log.String(); strings.Contains(said, token) || regexp.MustCompile(`belfry_\w{20}`).MatchString(said) {
		t.Errorf("a token is printed again:\n%s", said)
	}
	c.awaitStatus(t, c.alert(t, "a-2").Deliveries[0].ID, "delivered", 1)
	second.stop(t, 30*time.Second)
	for _, secret := range []string{token, codeOf(t, link), codeOf(t, newLink)} {
		if log := first.log.String() + second.log.String(); strings.Contains(log, secret) {
			t.Errorf("the log holds %s:\n%s", secret, log)
		}
	}
}

// codeOf returns what makes a sign-in link work.
func codeOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || len(u.Query().Get("code")) < 16 {
		t.Fatalf("%s is no sign-in link: %v", link, err)
	}
	return u.Query().Get("code")
}

// worksOnce checks a sign-in link.
func (c *client) worksOnce(t *testing.T, link string) {
	t.Helper()
	if !strings.HasPrefix(link, *c.base.Load()+"/sign-in?") {
		t.Errorf("link %s is not one to %s", link, *c.base.Load())
	}
	code := map[string]string{"code": codeOf(t, link)}
	anonymous := newClient(t, *c.base.Load(), "")
	anonymous.call(t, http.StatusOK, http.MethodPost, "/api/v1/session", code, nil)
	anonymous.call(t, http.StatusUnauthorized, http.MethodPost, "/api/v1/session", code, nil)
}
