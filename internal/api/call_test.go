package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answer is what came back of a call.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// change is what a call differs in from one that an admin makes with a token.
type change func(*http.Request)

func as(token string) change { return with("Authorization", "Bearer "+token) }

func anonymous(r *http.Request) { r.Header.Del("Authorization") }

func with(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }

// chunked sends the body without saying how long it is.
func chunked(r *http.Request) { r.ContentLength = -1 }

// cookie makes the call as a browser that is signed in.
func cookie(c *http.Cookie) change {
	return func(r *http.Request) {
		anonymous(r)
		r.AddCookie(c)
	}
}

// client follows no redirects and keeps no cookies.
var client = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// call makes a call as an admin, unless changed, and checks what any answer must
// be: as openapi.yaml says, without secrets, and no fault of ours.
func (h *harness) call(t testing.TB, method, path, body string, changes ...change) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.admin)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range changes {
		c(r)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	name := method + " " + path
	if a.status == http.StatusInternalServerError {
		t.Errorf("%s: %s", name, a.body)
	}
	if found := h.leaked(fmt.Sprint(a.header) + string(a.body)); len(found) > 0 {
		t.Errorf("%s: the answer holds the secrets %q: %s", name, found, a.body)
	}
	checkHeaders(t, name, a)
	for _, breach := range breaches(loadContract(t), r, a) {
		t.Errorf("%s breaks the contract: %s\n%.2000s", name, breach, a.body)
	}
	return a
}

// checkHeaders wants what every answer of ours has.
func checkHeaders(t testing.TB, name string, a answer) {
	t.Helper()
	for header, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", name, header, got, want)
		}
	}
	if !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") || a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no content security policy or no request id: %v", name, a.header)
	}
	if got, want := a.header.Get("Retry-After") != "", a.status == 429 || a.status == 503 && !strings.HasPrefix(name, "GET /readyz"); got != want {
		t.Errorf("%s: %d has Retry-After: %t", name, a.status, got)
	}
	if got, want := a.header.Get("WWW-Authenticate") != "", a.status == 401 && !strings.HasSuffix(name, "/sign-in"); got != want {
		t.Errorf("%s: %d has WWW-Authenticate: %t", name, a.status, got)
	}
}

func (h *harness) get(t testing.TB, path string, changes ...change) answer {
	t.Helper()
	return h.call(t, http.MethodGet, path, "", changes...)
}

func (h *harness) post(t testing.TB, path, body string, changes ...change) answer {
	t.Helper()
	return h.call(t, http.MethodPost, path, body, changes...)
}

func (h *harness) patch(t testing.TB, path, body string, changes ...change) answer {
	t.Helper()
	return h.call(t, http.MethodPatch, path, body, changes...)
}

func (h *harness) delete(t testing.TB, path string, changes ...change) answer {
	t.Helper()
	return h.call(t, http.MethodDelete, path, "", changes...)
}

// decode reads an answer that must have the status.
func decode[T any](t testing.TB, a answer, status int) (v T) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %.500s", a.status, status, a.body)
	}
	if err := json.NewDecoder(bytes.NewReader(a.body)).Decode(&v); err != nil {
		t.Fatalf("decode %s: %v", a.body, err)
	}
	return v
}

func wantStatus(t testing.TB, a answer, status int) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %.500s", a.status, status, a.body)
	}
}

// wantProblem wants an error that names exactly these fields, in any order.
func wantProblem(t testing.TB, a answer, status int, code ProblemCode, fields ...string) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.status != status || p.Code != code {
		t.Errorf("status %d, want %d %s: %.500s", a.status, status, code, a.body)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(fields)), slices.Sorted(slices.Values(fieldsOf(p)))); diff != "" {
		t.Errorf("fields (-want +got):\n%s%.500s", diff, a.body)
	}
	return p
}

func fieldsOf(p Problem) []string {
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, e.Field)
	}
	return fields
}

// js writes a body.
func js(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type object = map[string]any
