package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// site is a server with one of everything, so that bad input gets as far as it
// can.
type site struct {
	*harness
	receiver *receiver
	ids      *strings.Replacer
}

func newSite(t *testing.T) site {
	t.Helper()
	h := newAPI(t, idle)
	s := site{harness: h, receiver: newReceiver(t, says(200, "ok"))}
	d := h.hook(t, s.receiver.URL)
	alertID, deliveryID := h.accept1(t)
	order := decode[BulkResend](t, h.post(t, bulkPath, js(object{"deliveryIds": []uuid.UUID{deliveryID}})), 202)
	s.ids = strings.NewReplacer("{alertId}", alertID, "{attemptId}", anyID, "/deliveries/{id}", "/deliveries/"+deliveryID.String(),
		"/bulk-resends/{id}", "/bulk-resends/"+order.ID.String(),
		"/destinations/{id}", "/destinations/"+d.ID.String(), "{id}", anyID)
	return s
}

// contractOperation is one of openapi.yaml.
type contractOperation struct {
	method, path string
	*openapi3.Operation
}

// contractOperations returns those that a condition holds for, in order.
func contractOperations(t *testing.T, holds func(contractOperation) bool) []contractOperation {
	t.Helper()
	var list []contractOperation
	for path, item := range loadContract(t).Paths.Map() {
		for method, op := range item.Operations() {
			if o := (contractOperation{method, path, op}); holds(o) {
				list = append(list, o)
			}
		}
	}
	slices.SortFunc(list, func(a, b contractOperation) int { return strings.Compare(a.OperationID, b.OperationID) })
	return list
}

func takesBody(o contractOperation) bool { return o.RequestBody != nil }

// wantRefusal wants an error that the caller can do something about.
func wantRefusal(t *testing.T, name string, a answer) {
	t.Helper()
	if a.status < 400 || a.status >= 500 {
		t.Errorf("%s: %d %.300s", name, a.status, a.body)
	}
}

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// Bodies that are no object of JSON are refused as such.
func TestBodiesThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, o := range contractOperations(t, takesBody) {
		path := s.ids.Replace(o.path)
		for _, body := range []string{
			"null", "[]", `"x"`, "5", "true", "{", "}", `{"a"}`, `{"a":}`, "{}{}", "{},", "\xff", "{\xff:1}", "\ufeff{}", "NaN", "\x00", "'{}'",
			deep(50), deep(20_000), strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), " ",
		} {
			want := 400
			if o.OperationID == "signIn" && len(body) > 4<<10 {
				want = 413
			}
			a := s.call(t, o.method, path, body)
			p := decode[Problem](t, a, a.status)
			if a.status != want || len(p.Errors) > 0 || p.Detail[:1] != strings.ToUpper(p.Detail[:1]) || !strings.HasSuffix(p.Detail, ".") {
				t.Errorf("%s %.20q: %d %.200s", o.OperationID, body, a.status, a.body)
			}
		}
		empty := s.call(t, o.method, path, "", with("Content-Type", "application/json"))
		if required := o.RequestBody.Value.Required; required != (empty.status == 400) || empty.status >= 500 {
			t.Errorf("%s, no body: %d", o.OperationID, empty.status)
		}
		wantProblem(t, s.call(t, o.method, path, "{}", with("Content-Type", "text/json")), 415, ProblemCodeUnsupportedMediaType)
		wantProblem(t, s.call(t, o.method, path, "{}", with("Content-Type", "")), 415, ProblemCodeUnsupportedMediaType)
		if o.OperationID != "postAlerts" { // which may be larger
			wantProblem(t, s.call(t, o.method, path, strings.Repeat(" ", 1<<20+1), chunked), 413, ProblemCodeTooLarge)
		}
	}
}

// badValues are put in the place of every value of a right body.
var badValues = []string{
	`null`, `true`, `1e400`, `123456789012345678901234567890`, `""`, `"a\u0000b"`, `"\ud800"`, `"\u202e\n'\";--"`,
	`[]`, `[null]`, `{"\u0000":"\u0000","":{}}`, deep(90),
}

// mutants returns bodies that are each wrong in one place.
func mutants(v any) []string {
	marks := 0
	var marked func(any, int) any
	marked = func(v any, at int) any {
		marks++
		if marks == at {
			return "@@@"
		}
		switch v := v.(type) {
		case map[string]any:
			next := map[string]any{}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				next[name] = marked(v[name], at)
			}
			return next
		case []any:
			next := []any{}
			for _, e := range v {
				next = append(next, marked(e, at))
			}
			return next
		}
		return v
	}
	marked(v, 0)
	var list []string
	for at := range marks {
		marks = 0
		template := js(marked(v, at+1))
		for _, bad := range badValues {
			list = append(list, strings.Replace(template, `"@@@"`, bad, 1))
		}
	}
	return list
}

// One wrong value anywhere in a right body is never our fault.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, o := range contractOperations(t, takesBody) {
		example := o.RequestBody.Value.Content["application/json"].Example
		if object, ok := example.(map[string]any); ok {
			example = maps.Clone(object)
			if settings, ok := object["settings"].(map[string]any); ok && settings["url"] != nil {
				settings["url"] = s.receiver.URL // nothing is sent elsewhere
			}
		} else {
			t.Errorf("%s has no example", o.OperationID)
		}
		path := s.ids.Replace(o.path)
		if a := s.call(t, o.method, path, js(example)); a.status >= 400 && a.status != 401 && a.status != 422 {
			t.Errorf("%s: its example is answered with %d %s", o.OperationID, a.status, a.body)
		}
		for _, body := range mutants(example) {
			a := s.call(t, o.method, path, body)
			if a.status >= 500 {
				t.Errorf("%s %s: %d", o.OperationID, body, a.status)
			}
			if a.status == 422 && len(decode[Problem](t, a, 422).Errors) == 0 {
				t.Errorf("%s %s: no field is named", o.OperationID, body)
			}
		}
	}
}

// A body with very many mistakes is answered with a bounded list of them.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf(`"%d\u0000":1`, i))
	}
	for _, o := range contractOperations(t, takesBody) {
		a := s.call(t, o.method, s.ids.Replace(o.path), `{"alerts":[{}],`+strings.Join(many, ",")+"}")
		if o.OperationID == "signIn" {
			wantProblem(t, a, 413, ProblemCodeTooLarge)
			continue
		}
		if p := decode[Problem](t, a, 422); len(p.Errors) == 0 || len(p.Errors) > maxFieldErrors || len(a.body) > 64<<10 {
			t.Errorf("%s: %d errors in %d bytes", o.OperationID, len(p.Errors), len(a.body))
		}
	}
}

func TestGarbageInQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, o := range contractOperations(t, func(o contractOperation) bool { return len(o.Parameters) > 0 && o.method == http.MethodGet }) {
		path := s.ids.Replace(o.path)
		for _, p := range o.Parameters {
			for _, value := range []string{
				"1&" + p.Value.Name + "=2", "", "-1", "99999999999999999999", "2147483648", "%00", "%FF", "%5C%27%22%25_",
				",,,", strings.Repeat("x", 10_000), uuid.Nil.String(), "0001-01-01T00:00:00Z", "MDE5MzUxMWU",
			} {
				name := p.Value.Name
				a := s.call(t, o.method, path+"?"+name+"="+value, "")
				if a.status >= 500 || a.status >= 400 && !slices.Equal(fieldsOf(decode[Problem](t, a, a.status)), []string{name}) {
					t.Errorf("%s?%s=%.60s: %d %.300s", o.OperationID, name, value, a.status, a.body)
				}
			}
		}
		for _, query := range []string{"%00=1", "%FF", "&&&", "=", ";", "a=1;b=2", "%", "limit=%zz", "limit[]=1", "limit.x=1", strings.Repeat("a=1&", 1000)} {
			if a := s.call(t, o.method, path+"?"+query, ""); a.status >= 500 {
				t.Errorf("%s?%.20s: %d", o.OperationID, query, a.status)
			}
		}
	}
}

func TestGarbageInPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, o := range contractOperations(t, func(o contractOperation) bool { return strings.Contains(o.path, "{") }) {
		for _, id := range []string{
			"x", "-1", "%00", "%FF", "%20", "..", "%2E%2E", "%25", "%2F", strings.Repeat("x", 5000), uuid.Nil.String(),
			strings.ReplaceAll(anyID, "-", ""), "%7B" + anyID + "%7D", "urn:uuid:" + anyID, anyID + "x", "a?b",
		} {
			path := strings.NewReplacer("{id}", id, "{attemptId}", id, "{alertId}", id).Replace(o.path)
			body := ""
			if takesBody(o) {
				body = js(o.RequestBody.Value.Content["application/json"].Example)
			}
			wantRefusal(t, fmt.Sprintf("%s %.50s", o.OperationID, path), s.call(t, o.method, path, body))
		}
	}
}

// What is no header of ours does no harm.
func TestGarbageInHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, c := range []change{
		with("Authorization", "Bearer \xff"), with("Authorization", strings.Repeat("x", 10_000)), with("Authorization", ","),
		with("Cookie", sessionCookie+"=\xff; x"), with("Cookie", strings.Repeat(sessionCookie+"=x; ", 100)),
	} {
		wantProblem(t, s.get(t, destinationsPath, func(r *http.Request) {
			if c(r); r.Header.Get("Cookie") != "" {
				anonymous(r)
			}
		}), 401, ProblemCodeUnauthenticated)
	}
	for _, c := range []change{
		with("X-Forwarded-For", "1.2.3.4"), with("X-HTTP-Method-Override", "DELETE"), with("Accept", "text/html"), with("Accept-Encoding", "x"),
		with("If-None-Match", "*"), with("Range", "bytes=0-1"), with("X-Request-Id", strings.Repeat("\xff", 100)),
	} {
		wantStatus(t, s.get(t, destinationsPath, c), 200)
	}
	wantProblem(t, s.post(t, alertsPath, "\x1f\x8b\x08", with("Content-Encoding", "gzip")), 415, ProblemCodeUnsupportedMediaType)
}
