package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pages are served and not in the contract: they are the console's.
var pages = []string{"GET /", "GET /alerts/*", "GET /sign-in", "POST /sign-in"}

func TestRoutesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	var declared, served []string
	for path, item := range loadContract(t).Paths.Map() {
		for method := range item.Operations() {
			declared = append(declared, method+" "+path)
		}
	}
	parameter := regexp.MustCompile(`:(\w+)`)
	for _, r := range newServer(Config{Now: time.Now}).routes().Routes() {
		if name := r.Method + " " + parameter.ReplaceAllString(r.Path, "{$1}"); !slices.Contains(pages, name) {
			served = append(served, name)
		}
	}
	slices.Sort(declared)
	slices.Sort(served)
	if diff := cmp.Diff(declared, served); diff != "" {
		t.Errorf("declared, served (-want +got):\n%s", diff)
	}
}

// The table of operations lists all of the contract, and asks of a caller what the
// contract says.
func TestScopesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	const public, signedIn = "nothing", "a session or a token"
	want, got := map[string]string{}, map[string]string{}
	for _, item := range loadContract(t).Paths.Map() {
		for _, op := range item.Operations() {
			want[op.OperationID] = public
			for _, requirement := range *op.Security {
				for _, list := range requirement {
					if want[op.OperationID] = signedIn; len(list) > 0 {
						want[op.OperationID] = list[0]
					}
				}
			}
		}
	}
	for name, o := range operations {
		switch {
		case o.public:
			got[name] = public
		case o.scope == anyScope:
			got[name] = signedIn
		default:
			got[name] = string(o.scope)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what operations ask for (-contract +served):\n%s", diff)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for _, c := range []struct {
		method, path string
		status       int
		code         ProblemCode
	}{
		{http.MethodGet, "/no-such-path", 404, ProblemCodeNotFound},
		{http.MethodGet, "/api/v1", 404, ProblemCodeNotFound},
		{http.MethodGet, "/api/v2/alerts", 404, ProblemCodeNotFound},
		{http.MethodGet, "/api/v1/alerts/", 404, ProblemCodeNotFound},
		{http.MethodGet, "/api/v1/alerts/a/b/c", 404, ProblemCodeNotFound},
		{http.MethodGet, "/../etc/passwd", 404, ProblemCodeNotFound},
		{http.MethodPut, "/api/v1/alerts", 405, ProblemCodeMethodNotAllowed},
		{http.MethodDelete, "/api/v1/alerts/a", 405, ProblemCodeMethodNotAllowed},
		{http.MethodPost, "/healthz", 405, ProblemCodeMethodNotAllowed},
		{http.MethodGet, "/api/v1/destinations/test", 400, ProblemCodeMalformed}, // an id that is none
	} {
		a := h.call(t, c.method, c.path, "")
		var fields []string
		if c.status == 400 {
			fields = []string{"id"}
		}
		wantProblem(t, a, c.status, c.code, fields...)
		if c.status == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s %s: 405 without Allow", c.method, c.path)
		}
	}
}

// A request keeps the id that its caller gave it, if that cannot harm a log.
func TestRequestID(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for given, kept := range map[string]bool{
		"a-1_b:2.c": true, "": false, "a b": false, `"`: false, "é": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
	} {
		a := h.get(t, "/api/v1/alerts/none", with("X-Request-Id", given))
		p := wantProblem(t, a, 404, ProblemCodeNotFound)
		if got := a.header.Get("X-Request-Id"); (got == given) != kept || got == "" || got != p.RequestID {
			t.Errorf("given %q: header %q, problem %q", given, got, p.RequestID)
		}
	}
}
