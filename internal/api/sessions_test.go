package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/access"
)

const sessionsPath = "/api/v1/sessions"

func (h *harness) sessions(t testing.TB, changes ...change) []OpenSession {
	t.Helper()
	return decode[SessionList](t, h.get(t, sessionsPath, changes...), 200).Items
}

// own returns the session that a cookie names.
func (h *harness) own(t testing.TB, c *http.Cookie) OpenSession {
	t.Helper()
	list := h.sessions(t, cookie(c))
	i := slices.IndexFunc(list, func(s OpenSession) bool { return s.Current })
	if i < 0 {
		t.Fatalf("no session is this one: %+v", list)
	}
	return list[i]
}

const (
	firstAdmin  = "first-admin-token-0123456789abcdef"
	secondAdmin = "second-admin-token-0123456789abcdef"
)

// Whoever replaces the settings' token ends what the former one opened.
func TestSessionEndsWithTheAdminToken(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle, func(s *setup) { s.api.AdminToken = firstAdmin })
	h.keep(firstAdmin, secondAdmin)
	c := h.signIn(t, object{"token": firstAdmin})
	linked := h.signIn(t, object{"code": h.code(t, time.Now().Add(time.Minute), access.Admin)})
	stored := h.signIn(t, object{"token": h.admin})
	if s := h.own(t, c); s.OpenedBy != SessionOpenerAdminToken || s.TokenID != nil || s.Name != access.AdminTokenName {
		t.Errorf("session %+v", s)
	}

	same := h.replica(t, func(*Config) {})
	wantStatus(t, same.get(t, sessionPath, cookie(c)), 200)
	for name, token := range map[string]string{"another": secondAdmin, "none": ""} {
		restarted := h.replica(t, func(c *Config) { c.AdminToken = token })
		wantProblem(t, restarted.get(t, sessionPath, cookie(c)), 401, ProblemCodeUnauthenticated)
		wantProblem(t, restarted.post(t, "/api/v1/tokens", js(object{"name": name, "scopes": []string{"admin"}}), cookie(c)), 401, ProblemCodeUnauthenticated)
		wantStatus(t, restarted.get(t, sessionPath, cookie(linked)), 200)
		wantStatus(t, restarted.get(t, sessionPath, cookie(stored)), 200)
		if n := len(restarted.sessions(t)); n != 2 {
			t.Errorf("%s: %d sessions are open, want 2", name, n)
		}
	}
	wantStatus(t, h.get(t, sessionPath, cookie(c)), 200) // there it is still the token
}

// Of a session that an older version opened without a token, nobody can tell what
// ends it.
func TestSessionOfUnknownOrigin(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	key, hash := access.NewSession()
	h.exec(t, `INSERT INTO sessions (id, hash, name, scopes, created_at, expires_at)
		VALUES (gen_random_uuid(), $1, 'BELFRY_ADMIN_TOKEN', '{admin}', now(), now() + interval '1 hour')`, hash)
	wantProblem(t, h.get(t, sessionPath, cookie(&http.Cookie{Name: sessionCookie, Value: key})), 401, ProblemCodeUnauthenticated)
	if list := h.sessions(t); len(list) != 0 {
		t.Errorf("open: %+v", list)
	}
}

// A session that nobody uses ends, and to use it keeps it open, until its time is
// over. That it is used is written once a minute.
func TestIdleSession(t *testing.T) {
	t.Parallel()
	clock := lateClock{still: time.Now()} // it comes to a second
	h := newAPI(t, idle, clock.option, func(s *setup) { s.api.SessionLength, s.api.SessionIdle = 24*time.Hour, 6*time.Hour })
	used, unused := h.signIn(t, object{"token": h.admin}), h.signIn(t, object{"token": h.admin})
	lastUsed := func() string {
		return h.texts(t, `SELECT coalesce(last_used_at::text, 'never') FROM sessions WHERE hash = $1`, access.Hash(used.Value))[0]
	}
	wantStatus(t, h.get(t, sessionPath, cookie(used)), 200)
	first := lastUsed()
	wantStatus(t, h.get(t, sessionPath, cookie(used)), 200)
	if first == "never" || lastUsed() != first {
		t.Errorf("last used %s and then %s, want it written once", first, lastUsed())
	}
	for range 4 { // 20 hours
		clock.pass(5 * time.Hour)
		wantStatus(t, h.get(t, sessionPath, cookie(used)), 200)
	}
	if lastUsed() == first {
		t.Error("the use of a session is not written")
	}
	if s := h.own(t, used); s.LastUsedAt == nil || clock.now().Sub(*s.LastUsedAt) > time.Minute {
		t.Errorf("session %+v", s)
	}
	wantProblem(t, h.get(t, sessionPath, cookie(unused)), 401, ProblemCodeUnauthenticated)
	clock.pass(4 * time.Hour)
	wantProblem(t, h.get(t, sessionPath, cookie(used)), 401, ProblemCodeUnauthenticated) // as long as sessions last

	other := h.signIn(t, object{"token": h.admin})
	wantStatus(t, h.get(t, sessionPath, cookie(other)), 200)
	clock.pass(6*time.Hour - time.Second)
	wantStatus(t, h.get(t, sessionPath, cookie(other)), 200)
	clock.pass(6*time.Hour + time.Minute)
	wantProblem(t, h.get(t, sessionPath, cookie(other)), 401, ProblemCodeUnauthenticated)
}

// That a stream of events goes on is no use of its session: else an open page
// would keep it for ever.
func TestStreamIsNoUse(t *testing.T) {
	t.Parallel()
	var clock lateClock
	h := newAPI(t, idle, clock.option, func(s *setup) { s.api.SessionLength, s.api.SessionIdle = 24*time.Hour, time.Hour })
	c := h.signIn(t, object{"token": h.admin})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	cookie(c)(r)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	clock.pass(30 * time.Minute)
	s := &Server{Config: h.config}
	if s.signedOut(r) {
		t.Error("the session has ended")
	}
	clock.pass(31 * time.Minute)
	if !s.signedOut(r) {
		t.Error("looking whether the session goes on keeps it open")
	}
}

// Whoever signs in again with the same browser leaves no session behind.
func TestSecondSignIn(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	other := h.signIn(t, object{"token": h.admin})
	for name, again := range map[string]func(former *http.Cookie) *http.Cookie{
		"call": func(former *http.Cookie) *http.Cookie {
			a := h.post(t, sessionPath, js(object{"token": h.admin}), cookie(former))
			wantStatus(t, a, 200)
			return sessionOf(t, a)
		},
		"page": func(former *http.Cookie) *http.Cookie {
			return sessionOf(t, h.submit(t, url.Values{"token": {h.admin}}, cookie(former)))
		},
	} {
		former := h.signIn(t, object{"token": h.admin})
		wantStatus(t, h.post(t, sessionPath, `{"token":"x"}`, cookie(former)), 401) // that was none
		wantStatus(t, h.get(t, sessionPath, cookie(former)), 200)
		latter := again(former)
		wantStatus(t, h.get(t, sessionPath, cookie(former)), 401)
		wantStatus(t, h.get(t, sessionPath, cookie(latter)), 200)
		wantStatus(t, h.get(t, sessionPath, cookie(other)), 200)
		if e := h.audit(t, "subjectType=session&limit=1")[0]; e.Action != "session.open" || e.Detail.(object)["replaces"] == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// An admin sees every session and may end it; others their own.
func TestSessions(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	reader, stranger := h.token(t, access.Read), h.token(t, access.Operate)
	agent := with("User-Agent", strings.Repeat("Browser/1 ", 50)+"é")
	mine := sessionOf(t, h.post(t, sessionPath, js(object{"token": reader}), anonymous, agent))
	mine2 := h.signIn(t, object{"token": reader})
	theirs := h.signIn(t, object{"token": stranger})
	first := h.signIn(t, object{"code": h.code(t, time.Now().Add(time.Minute), access.Operate)})
	second := h.signIn(t, object{"code": h.code(t, time.Now().Add(time.Minute), access.Operate)})

	all := h.sessions(t)
	if len(all) != 5 || all[4].Address != "127.0.0.1" || !strings.HasPrefix(all[4].UserAgent, "Browser/1 ") || len(all[4].UserAgent) != 256 || all[4].Current {
		t.Errorf("sessions %+v", all)
	}
	ids := func(changes ...change) (list []string) {
		for _, s := range h.sessions(t, changes...) {
			list = append(list, s.ID.String())
		}
		slices.Sort(list)
		return list
	}
	id := func(c *http.Cookie) string { return h.own(t, c).ID.String() }
	own := slices.Sorted(slices.Values([]string{id(mine), id(mine2)}))
	for name, got := range map[string][]string{"cookie": ids(cookie(mine)), "token": ids(as(reader))} {
		if diff := cmp.Diff(own, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]string{id(first)}, ids(cookie(first))); diff != "" {
		t.Errorf("one of a link sees others:\n%s", diff)
	}

	for _, c := range []change{cookie(mine), as(reader), cookie(first)} {
		wantProblem(t, h.delete(t, sessionsPath+"/"+id(theirs), c), 404, ProblemCodeNotFound)
	}
	wantProblem(t, h.delete(t, sessionsPath+"/"+id(second), cookie(first)), 404, ProblemCodeNotFound)
	wantStatus(t, h.delete(t, sessionsPath+"/"+id(mine2), cookie(mine)), 204)
	wantStatus(t, h.get(t, sessionPath, cookie(mine2)), 401)
	last := id(mine)
	wantStatus(t, h.delete(t, sessionsPath+"/"+last, cookie(mine)), 204) // its own end
	wantStatus(t, h.get(t, sessionPath, cookie(mine)), 401)
	for _, c := range []*http.Cookie{theirs, first, second} {
		wantStatus(t, h.get(t, sessionPath, cookie(c)), 200)
	}
	ended := id(theirs)
	wantStatus(t, h.delete(t, sessionsPath+"/"+ended), 204)
	wantStatus(t, h.get(t, sessionPath, cookie(theirs)), 401)
	wantProblem(t, h.delete(t, sessionsPath+"/"+ended), 404, ProblemCodeNotFound)
	wantProblem(t, h.delete(t, sessionsPath+"/x"), 400, ProblemCodeMalformed, "id")
	wantStatus(t, h.delete(t, sessionPath, cookie(first)), 204)

	entries := h.audit(t, "subjectType=session")
	if got, want := actions(entries), "session.close session.end session.end session.end"+strings.Repeat(" session.open", 5); got != want {
		t.Errorf("audit log %q, want %q", got, want)
	}
	if e := entries[1]; e.Actor != "[admin]" || e.SubjectID != ended || e.Detail.(object)["name"] != "[operate]" {
		t.Errorf("entry %+v", e)
	}
	if e := entries[8]; e.Actor != "[read]" || fmt.Sprint(e.Detail) != "map[address:127.0.0.1 name:[read] openedBy:token]" {
		t.Errorf("entry %+v", e)
	}
}
