package api

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belfry/internal/access"
)

// lateClock is the time of day, some of it later than it is; or the time at which it
// stands still, and what has passed since.
type lateClock struct {
	by    atomic.Int64
	still time.Time
}

func (c *lateClock) now() time.Time {
	if c.still.IsZero() {
		return time.Now().Add(time.Duration(c.by.Load()))
	}
	return c.still.Add(time.Duration(c.by.Load()))
}

func (c *lateClock) pass(d time.Duration) { c.by.Add(int64(d)) }

func (c *lateClock) option(s *setup) { s.api.Now = c.now }

const sessionPath = "/api/v1/session"

// signIn opens a session and returns its cookie.
func (h *harness) signIn(t testing.TB, body object) *http.Cookie {
	t.Helper()
	a := h.post(t, sessionPath, js(body), anonymous)
	decode[Session](t, a, 200)
	return sessionOf(t, a)
}

func sessionOf(t testing.TB, a answer) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || strings.TrimPrefix(c.Name, "__Host-") != sessionCookie || len(a.header.Values("Set-Cookie")) != 1 {
		t.Fatalf("Set-Cookie %q: %v", a.header.Values("Set-Cookie"), err)
	}
	return c
}

func TestSignInWithCode(t *testing.T) {
	t.Parallel()
	var clock lateClock
	h := newAPI(t, idle, clock.option)
	code := h.code(t, time.Now().Add(15*time.Minute), access.Operate)
	c := h.signIn(t, object{"code": code})

	me := decode[Session](t, h.get(t, sessionPath, cookie(c)), 200)
	if me.Kind != SessionKindSession || me.Name != "person" || len(me.Scopes) != 1 || me.Scopes[0] != ScopeOperate || me.ExpiresAt == nil {
		t.Errorf("session %+v", me)
	}
	wantStatus(t, h.get(t, destinationsPath, cookie(c)), 200)
	wantProblem(t, h.get(t, "/api/v1/tokens", cookie(c)), 403, ProblemCodeForbidden)
	again := wantProblem(t, h.post(t, sessionPath, js(object{"code": code}), anonymous), 401, ProblemCodeUnauthenticated)
	if !strings.Contains(again.Detail, "code can be used once, and for 15 minutes") || SignInLinkFor != 15*time.Minute {
		t.Errorf("detail %q", again.Detail)
	}

	clock.pass(59 * time.Minute)
	wantStatus(t, h.get(t, sessionPath, cookie(c)), 200)
	clock.pass(time.Minute)
	wantProblem(t, h.get(t, sessionPath, cookie(c)), 401, ProblemCodeUnauthenticated)
}

func TestCodesExpire(t *testing.T) {
	t.Parallel()
	var clock lateClock
	h := newAPI(t, idle, clock.option)
	code := h.code(t, time.Now().Add(15*time.Minute), access.Admin)
	clock.pass(15 * time.Minute)
	wantProblem(t, h.post(t, sessionPath, js(object{"code": code}), anonymous), 401, ProblemCodeUnauthenticated)
	wantStatus(t, h.submit(t, url.Values{"code": {code}}), 401)
	if n := h.count(t, `SELECT count(*) FROM sessions`); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// However many try at once, a code opens one session.
func TestCodeOnce(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	code := js(object{"code": h.code(t, time.Now().Add(time.Minute), access.Admin)})
	var (
		wg   sync.WaitGroup
		open atomic.Int64
	)
	for range 8 {
		wg.Go(func() {
			if h.post(t, sessionPath, code, anonymous).status == 200 {
				open.Add(1)
			}
		})
	}
	wg.Wait()
	if open.Load() != 1 {
		t.Errorf("%d sessions, want 1", open.Load())
	}
}

func TestSessionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	k := decode[CreatedToken](t, h.post(t, "/api/v1/tokens", `{"name":"a","scopes":["ingest"]}`), 201)
	c := h.signIn(t, object{"token": k.Secret})
	wantStatus(t, h.get(t, sessionPath, cookie(c)), 200)
	wantProblem(t, h.get(t, destinationsPath, cookie(c)), 403, ProblemCodeForbidden)
	wantStatus(t, h.delete(t, "/api/v1/tokens/"+k.ID.String()), 200)
	wantProblem(t, h.get(t, sessionPath, cookie(c)), 401, ProblemCodeUnauthenticated)
	wantProblem(t, h.post(t, sessionPath, js(object{"token": k.Secret}), anonymous), 401, ProblemCodeUnauthenticated)
}

// Revoking a token ends its sessions twice over: their rows go, and no session of a
// revoked token is open, should one be left (a server of before revokes without more, or
// a sign-in is committed just after the revocation).
func TestSessionOfARevokedToken(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	const sessions = `SELECT count(*) FROM sessions WHERE api_token_id = $1`
	revoke := map[string]func(k CreatedToken){
		"by a call": func(k CreatedToken) {
			wantStatus(t, h.delete(t, tokenPath(k)), 200)
			if n := h.count(t, sessions, k.ID); n != 0 {
				t.Errorf("%d sessions are left of a token that was revoked", n)
			}
		},
		"in the table alone": func(k CreatedToken) {
			h.exec(t, `UPDATE api_tokens SET revoked_at = now() WHERE id = $1`, k.ID)
			if n := h.count(t, sessions, k.ID); n != 1 {
				t.Fatalf("%d sessions, want one that is left", n)
			}
		},
	}
	for name, revoke := range revoke {
		k := h.createToken(t, name)
		c := h.signIn(t, object{"token": k.Secret})
		session := h.own(t, c)
		revoke(k)
		wantProblem(t, h.get(t, sessionPath, cookie(c)), 401, ProblemCodeUnauthenticated)
		wantProblem(t, h.get(t, "/api/v1/events", cookie(c)), 401, ProblemCodeUnauthenticated)
		wantProblem(t, h.delete(t, sessionsPath+"/"+session.ID.String()), 404, ProblemCodeNotFound)
		for _, s := range h.sessions(t) {
			if s.ID == session.ID {
				t.Errorf("revoked %s: its session is listed as open", name)
			}
		}
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	token := h.token(t, access.Read)
	c, other := h.signIn(t, object{"token": token}), h.signIn(t, object{"token": token})
	a := h.delete(t, sessionPath, cookie(c))
	wantStatus(t, a, 204)
	if cleared := sessionOf(t, a); cleared.Value != "" || cleared.MaxAge >= 0 || cleared.Path != c.Path {
		t.Errorf("the cookie is not cleared: %v", cleared)
	}
	wantStatus(t, h.get(t, sessionPath, cookie(c)), 401)
	wantStatus(t, h.get(t, sessionPath, cookie(other)), 200)
	wantStatus(t, h.delete(t, sessionPath, as(token)), 204) // ends nothing
	wantStatus(t, h.get(t, sessionPath, as(token)), 200)
	wantStatus(t, h.get(t, sessionPath, cookie(other)), 200)
}

func TestWrongSignIns(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	token := h.token(t, access.Read)
	for body, fields := range map[string][]string{
		`{}`:                                 {"token"},
		`{"code":"","token":""}`:             {"token"},
		`{"code":"a","token":"b"}`:           {"token"},
		`{"code":1}`:                         {"code"},
		`{"token":"\u0000"}`:                 {"token"},
		`{"code":"\u0000"}`:                  {"code"},
		`{"token":["a"],"x":1}`:              {"token", "x"},
		`{"token":"` + token + `","user":1}`: {"user"},
	} {
		wantProblem(t, h.post(t, sessionPath, body, anonymous), 422, ProblemCodeInvalid, fields...)
	}
	for _, body := range []string{`{"code":"` + token + `"}`, `{"token":"x"}`} {
		wantProblem(t, h.post(t, sessionPath, body, anonymous), 401, ProblemCodeUnauthenticated)
	}
	wantProblem(t, h.post(t, sessionPath, js(object{"token": strings.Repeat("x", 5000)}), anonymous), 413, ProblemCodeTooLarge)
	wantProblem(t, h.post(t, sessionPath, "token=x", anonymous, with("Content-Type", "application/x-www-form-urlencoded")), 415, ProblemCodeUnsupportedMediaType)
}

// The cookie is out of reach of scripts and other sites, and of plain HTTP where
// there is HTTPS.
func TestCookie(t *testing.T) {
	t.Parallel()
	for public, secure := range map[string]bool{"http://belfry.test": false, "https://belfry.test": true} {
		h := newAPI(t, idle, func(s *setup) { s.api.PublicURL = public })
		for name, c := range map[string]*http.Cookie{
			"call": h.signIn(t, object{"token": h.admin}),
			"page": sessionOf(t, h.submit(t, url.Values{"token": {h.admin}})),
		} {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Path != "/" || c.MaxAge != 3600 || c.Domain != "" {
				t.Errorf("%s, %s: %v", public, name, c)
			}
			if len(c.Value) < 40 || h.count(t, `SELECT count(*) FROM sessions WHERE hash = $1`, access.Hash(c.Value)) != 1 {
				t.Errorf("%s, %s: the session is not stored by its hash", public, name)
			}
		}
	}
}

// submit sends the form of the sign-in page.
func (h *harness) submit(t testing.TB, form url.Values, changes ...change) answer {
	t.Helper()
	changes = append([]change{anonymous, with("Content-Type", "application/x-www-form-urlencoded")}, changes...)
	return h.post(t, "/sign-in", form.Encode(), changes...)
}

func TestSignInPage(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	code := h.code(t, time.Now().Add(time.Minute), access.Admin)
	for range 2 { // looking at the link uses nothing up
		a := h.get(t, "/sign-in?code="+code, anonymous)
		if wantStatus(t, a, 200); !strings.Contains(string(a.body), `name="code" value="`+code+`"`) {
			t.Errorf("the page has no code: %s", a.body)
		}
	}
	if a := h.get(t, "/sign-in", anonymous); !strings.Contains(string(a.body), `type="password"`) {
		t.Errorf("the page asks for no token: %s", a.body)
	}
	hostile := `"><script>alert(1)</script>`
	if a := h.get(t, "/sign-in?code="+url.QueryEscape(hostile), anonymous); strings.Contains(string(a.body), "<script") ||
		!strings.Contains(html.UnescapeString(string(a.body)), hostile) {
		t.Errorf("the code is not escaped: %s", a.body)
	}

	a := h.submit(t, url.Values{"code": {code}})
	if a.status != 303 || a.header.Get("Location") != "/" {
		t.Errorf("status %d to %q, want 303 to /", a.status, a.header.Get("Location"))
	}
	wantStatus(t, h.get(t, "/api/v1/tokens", cookie(sessionOf(t, a))), 200)
	for name, form := range map[string]url.Values{
		"used code": {"code": {code}}, "wrong token": {"token": {"x"}}, "nothing": {}, "NUL": {"token": {"\x00"}}, "not UTF-8": {"code": {"\xff"}},
	} {
		a := h.submit(t, form)
		if a.status != 401 || !strings.Contains(string(a.body), `role="alert"`) || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	wantProblem(t, h.submit(t, url.Values{"token": {strings.Repeat("x", 5000)}}), 413, ProblemCodeTooLarge)
}

// No other site can act for somebody who is signed in here, nor sign them in.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	c := cookie(h.signIn(t, object{"token": h.admin}))
	foreign := []change{
		with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Site", "same-site"),
		with("Origin", "https://evil.test"), with("Origin", "null"), with("Origin", "http://127.0.0.1:1"),
	}
	for _, from := range foreign {
		wantProblem(t, h.post(t, "/api/v1/tokens", `{"name":"a","scopes":["admin"]}`, c, from), 403, ProblemCodeForbidden)
		wantProblem(t, h.delete(t, sessionPath, c, from), 403, ProblemCodeForbidden)
		wantProblem(t, h.submit(t, url.Values{"token": {h.admin}}, from), 403, ProblemCodeForbidden)
		wantProblem(t, h.post(t, sessionPath, js(object{"token": h.admin}), anonymous, from), 403, ProblemCodeForbidden)
		wantStatus(t, h.get(t, sessionPath, c, from), 200)                                                                    // changes nothing
		wantStatus(t, h.post(t, "/api/v1/tokens", js(object{"name": h.newName("a"), "scopes": []string{"read"}}), from), 201) // a token is no browser's doing
	}
	for _, own := range []change{with("Sec-Fetch-Site", "same-origin"), with("Sec-Fetch-Site", "none"), with("Origin", h.url)} {
		wantStatus(t, h.post(t, "/api/v1/tokens", js(object{"name": h.newName("a"), "scopes": []string{"read"}}), c, own), 201)
	}
	if n := h.count(t, `SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

// Who cannot see the page finds all of it within its one landmark.
func TestSignInPageHasALandmark(t *testing.T) {
	t.Parallel()
	for name, page := range map[string][]byte{
		"token": signInPage("", "/", ""), "code": signInPage("x", "/alerts/a", ""), "wrong": signInPage("", "/", "The token is not valid."),
	} {
		_, body, _ := strings.Cut(string(page), "</style>")
		body = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(body), "</html>"))
		if !strings.HasPrefix(body, "<main>") || !strings.HasSuffix(body, "</main>") || strings.Count(body, "main>") != 2 {
			t.Errorf("%s: not all of it is in main:\n%s", name, body)
		}
	}
}
