package api

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"belfry/internal/access"
)

// Under https browsers are told to come by nothing else, and the session's cookie can be
// set by this host alone.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	for url, c := range map[string]struct{ cookie, hsts string }{
		"http://belfry.test":  {"belfry_session", ""},
		"https://belfry.test": {"__Host-belfry_session", "max-age=31536000"},
	} {
		h := newAPI(t, idle, func(s *setup) { s.api.PublicURL = url })
		for _, path := range []string{"/healthz", "/api/v1/alerts", "/", "/sign-in", "/no-such-path"} {
			if got := h.get(t, path).header.Get("Strict-Transport-Security"); got != c.hsts {
				t.Errorf("%s%s: Strict-Transport-Security is %q, want %q", url, path, got, c.hsts)
			}
		}
		a := h.post(t, sessionPath, js(object{"token": h.token(t, access.Read)}), anonymous)
		set, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		// What the prefix asks for: Secure, the path /, no domain.
		if set.Name != c.cookie || set.Secure != (c.hsts != "") || set.Path != "/" || set.Domain != "" || !set.HttpOnly {
			t.Errorf("%s: the cookie is %v", url, set)
		}
		wantStatus(t, h.get(t, sessionPath, cookie(&http.Cookie{Name: set.Name, Value: set.Value})), 200)
		if other := "belfry_session"; set.Name != other {
			wantStatus(t, h.get(t, sessionPath, cookie(&http.Cookie{Name: other, Value: set.Value})), 401)
		}
		a = h.call(t, http.MethodDelete, sessionPath, "", cookie(&http.Cookie{Name: set.Name, Value: set.Value}))
		if gone, err := http.ParseSetCookie(a.header.Get("Set-Cookie")); err != nil || gone.Name != c.cookie || gone.MaxAge >= 0 || gone.Secure != set.Secure {
			t.Errorf("%s: signing out sets %v, %v", url, gone, err)
		}
	}
}

// HEAD is answered wherever GET is, as GET is, without a body.
func TestHeadWhereverGet(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	paths := []string{"/", "/alerts/x", "/sign-in", "/sign-in?code=x", "/nope", "/assets/none.js"}
	for path, item := range loadContract(t).Paths.Map() {
		if item.Get != nil {
			path = strings.NewReplacer("{destinationId}", d.ID.String(), "{id}", anyID, "{alertId}", "none", "{number}", "1").Replace(path)
			paths = append(paths, path)
		}
	}
	if len(paths) < 25 {
		t.Fatalf("only %v", paths)
	}
	for _, path := range paths {
		for _, who := range []change{as(h.admin), anonymous} {
			if path == "/api/v1/events" {
				continue // TestTooManyStreams: GET does not end
			}
			get := h.get(t, path, who, with("Accept", "text/html"))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, h.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			as(h.admin)(r)
			who(r)
			r.Header.Set("Accept", "text/html")
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || len(body) > 0 || resp.StatusCode != get.status || resp.Header.Get("Content-Type") != get.header.Get("Content-Type") {
				t.Errorf("HEAD %s: %d %v %q %v; GET: %d %v", path, resp.StatusCode, resp.Header, body, err, get.status, get.header)
			}
		}
	}
	if a := h.post(t, "/healthz", ""); a.status != 405 || !strings.Contains(a.header.Get("Allow"), "GET, HEAD") {
		t.Errorf("%d, Allow %q", a.status, a.header.Get("Allow"))
	}
}
