package api

import (
	"compress/gzip"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// built is a console as Vite builds it, in small.
var built = fstest.MapFS{
	".gitkeep":               {},
	"index.html":             {Data: []byte(`<!doctype html><title>Belfry</title><script type="module" src="/assets/index-1a2b.js"></script>`)},
	"icon.svg":               {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
	"assets/index-1a2b.js":   {Data: []byte(strings.Repeat("console.log(1);\n", 500))},
	"assets/index-3c4d.css":  {Data: []byte("a{}")},
	"assets/font-5e6f.woff2": {Data: []byte("wOF2")},
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// serveConsole makes a request of a server with a console and nothing behind it.
func serveConsole(files fs.FS, method, path string, header map[string]string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	New(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler), Console: files}).ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestConsoleFiles(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct{ media, caching string }{
		"/":                       {"text/html; charset=utf-8", "no-cache"},
		"/icon.svg":               {"image/svg+xml", "no-cache"},
		"/assets/index-1a2b.js":   {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/index-3c4d.css":  {"text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/font-5e6f.woff2": {"font/woff2", "public, max-age=31536000, immutable"},
	} {
		r := serveConsole(built, http.MethodGet, path, nil)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != want.media || r.Header.Get("Cache-Control") != want.caching {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		policy := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "http") || strings.Contains(policy, "unsafe-eval") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Vary": "Accept-Encoding"} {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// Whoever has a file is told so, and is not sent it again.
func TestConsoleIsNotSentTwice(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/alerts/a", "/assets/index-1a2b.js"} {
		for _, coding := range []string{"", "gzip"} {
			header := map[string]string{"Accept": browser, "Accept-Encoding": coding}
			header["If-None-Match"] = serveConsole(built, http.MethodGet, path, header).Header.Get("ETag")
			if r := serveConsole(built, http.MethodGet, path, header); header["If-None-Match"] == "" || r.StatusCode != 304 || bodyOf(t, r) != "" {
				t.Errorf("%s in %q: %d with ETag %q", path, coding, r.StatusCode, header["If-None-Match"])
			}
		}
	}
}

func TestConsoleInGzip(t *testing.T) {
	t.Parallel()
	const path = "/assets/index-1a2b.js"
	plain := serveConsole(built, http.MethodGet, path, nil)
	want := bodyOf(t, plain)
	for accept, zipped := range map[string]bool{
		"gzip": true, "br, gzip, zstd": true, "GZIP;q=0.5": true, "*": true, "": false, "br": false, "gzip;q=0": false, "gzip; q=0.000": false, "identity": false,
	} {
		r := serveConsole(built, http.MethodGet, path, map[string]string{"Accept-Encoding": accept})
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("%q: gzip is %t", accept, got)
		}
		if zipped == (r.Header.Get("ETag") == plain.Header.Get("ETag")) {
			t.Errorf("%q: ETag %s, plain %s", accept, r.Header.Get("ETag"), plain.Header.Get("ETag"))
		}
		var content io.Reader = r.Body
		if zipped {
			var err error
			if content, err = gzip.NewReader(r.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(content); err != nil || string(got) != want {
			t.Errorf("%q: %v, %.50s", accept, err, got)
		}
	}
	if r := serveConsole(built, http.MethodGet, "/icon.svg", map[string]string{"Accept-Encoding": "gzip"}); r.Header.Get("Content-Encoding") != "" {
		t.Error("what gzip makes no smaller is packed")
	}
}

// A browser gets the console's page for every path that may be the console's,
// and nobody gets it for an answer of the API.
func TestConsolePaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/deliveries": 200, "/destinations/x/y?z=1": 200, "/alerts/a%2Fb": 200, "/alerts/a.js": 200, "/index.html": 200,
		"/api": 404, "/api/v1": 404, "/api/v2/alerts": 404, "/api/v1/alerts/a/b/c": 404,
		"/assets": 404, "/assets/": 404, "/assets/index-0000.js": 404, "/assets/../index.html": 404,
	} {
		r := serveConsole(built, http.MethodGet, path, map[string]string{"Accept": browser})
		if page := strings.Contains(bodyOf(t, r), "<script type="); r.StatusCode != want || page != (want == 200) {
			t.Errorf("browser at %s: %d, the page: %t", path, r.StatusCode, page)
		}
	}
	for _, accept := range []string{"", "*/*", "application/json"} {
		r := serveConsole(built, http.MethodGet, "/deliveries", map[string]string{"Accept": accept})
		if r.StatusCode != 404 || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("Accept %q: %d %v", accept, r.StatusCode, r.Header)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{"/deliveries", "/icon.svg"} {
			if r := serveConsole(built, method, path, map[string]string{"Accept": browser}); r.StatusCode != 404 {
				t.Errorf("%s %s: %d", method, path, r.StatusCode)
			}
		}
	}
	if r := serveConsole(built, http.MethodGet, "/.gitkeep", nil); r.StatusCode != 404 {
		t.Errorf("a file that is no part of the console: %d", r.StatusCode)
	}
}

// Without the console there is a page that says how to get it, and all else works.
func TestConsoleMissing(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fs.FS{"none": nil, "not built": fstest.MapFS{".gitkeep": {}}} {
		for _, path := range []string{"/", "/alerts/a", "/deliveries"} {
			r := serveConsole(files, http.MethodGet, path, map[string]string{"Accept": browser})
			if body := bodyOf(t, r); r.StatusCode != 200 || !strings.Contains(body, "make console") || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %d %v %s", name, path, r.StatusCode, r.Header, body)
			}
		}
		if r := serveConsole(files, http.MethodGet, "/docs", nil); r.StatusCode != 200 {
			t.Errorf("%s: /docs is %d", name, r.StatusCode)
		}
	}
}

// After signing in people are where they wanted to be, and never on another site.
func TestSignInLeadsBack(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for next, want := range map[string]string{
		"": "/", "/": "/", "/alerts?q=a+b&severity=HIGH": "/alerts?q=a+b&severity=HIGH", "/alerts/a%2Fb": "/alerts/a%2Fb",
		"https://evil.test/": "/", "//evil.test": "/", `/\evil.test`: "/", "/\t/evil.test": "/", "/\n/evil.test": "/", "javascript:alert(1)": "/", "alerts": "/",
	} {
		page := string(h.get(t, "/sign-in?next="+url.QueryEscape(next), anonymous).body)
		if shown := strings.Contains(page, `name="next"`); shown != (want != "/") {
			t.Errorf("%q: the page takes it along: %t", next, shown)
		}
		a := h.submit(t, url.Values{"token": {h.admin}, "next": {next}})
		if got := a.header.Get("Location"); a.status != 303 || got != want {
			t.Errorf("%q leads to %q (%d), want %q", next, got, a.status, want)
		}
	}
	if a := h.submit(t, url.Values{"token": {"x"}, "next": {"/settings"}}); !strings.Contains(string(a.body), `name="next" value="/settings"`) {
		t.Errorf("after a wrong token the way back is lost: %s", a.body)
	}
}
