package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// operationOf finds the operation of a call: of those whose path fits, the one
// with the fewest parameters.
func operationOf(doc *openapi3.T, method, escapedPath string) *openapi3.Operation {
	var found *openapi3.Operation
	fewest := 0
	parts := strings.Split(escapedPath, "/")
	for path, item := range doc.Paths.Map() {
		op := item.GetOperation(method)
		template := strings.Split(path, "/")
		fits := func(part string) bool { return part != "" }
		parameters := strings.Count(path, "{")
		if op == nil || len(template) != len(parts) || found != nil && parameters >= fewest {
			continue
		}
		same := true
		for i, part := range template {
			same = same && (part == parts[i] || strings.HasPrefix(part, "{") && fits(parts[i]))
		}
		if same {
			found, fewest = op, parameters
		}
	}
	return found
}

// breaches holds an answer against openapi.yaml: a status that it declares, its
// schema and nothing beside it, and for every error a Problem.
func breaches(doc *openapi3.T, r *http.Request, a answer) []string {
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	op := operationOf(doc, r.Method, r.URL.EscapedPath())
	ours := op != nil || media != "text/html" // the pages are not in the contract
	switch {
	case a.status >= 400 && ours && media != "application/problem+json" && r.URL.Path != "/readyz":
		return []string{fmt.Sprintf("%d is answered as %q", a.status, media)}
	case op == nil && (!ours || a.status < 400):
		return nil
	case op == nil:
		op = &openapi3.Operation{Responses: openapi3.NewResponses(openapi3.WithName("default", doc.Components.Responses["Error"].Value))}
	case op.Responses.Status(a.status) == nil && a.status < 400:
		return []string{fmt.Sprintf("%d is not declared", a.status)}
	}
	response := op.Responses.Status(a.status)
	if response == nil {
		response = op.Responses.Default()
	}
	content := response.Value.Content[media]
	if content == nil && (len(a.body) > 0 || len(response.Value.Content) > 0) {
		return []string{fmt.Sprintf("%d is answered as %q, which is not declared", a.status, media)}
	}
	var found []string
	if content == nil || strings.HasSuffix(media, "json") {
		err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: &routers.Route{Spec: doc, Method: r.Method, Operation: op}},
			Status:                 a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		})
		if err != nil {
			found = append(found, err.Error())
		}
	}
	if content != nil && strings.HasSuffix(media, "json") {
		var v any
		decoder := json.NewDecoder(bytes.NewReader(a.body))
		decoder.UseNumber() // an alert's context may hold any
		if err := decoder.Decode(&v); err != nil {
			return append(found, err.Error())
		}
		for _, at := range undeclared("", content.Schema.Value, v) {
			found = append(found, "the field "+at+" is not declared")
		}
	}
	return found
}

// undeclared returns the paths of fields in v that the schema does not have.
func undeclared(at string, s *openapi3.Schema, v any) []string {
	var found []string
	switch v := v.(type) {
	case []any:
		if items := s.Items; items != nil {
			for _, e := range v {
				found = append(found, undeclared(at+"[]", items.Value, e)...)
			}
		}
	case map[string]any:
		properties, open := propertiesOf(s)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			switch p := properties[name]; {
			case p != nil:
				found = append(found, undeclared(at+"."+name, p.Value, v[name])...)
			case !open:
				found = append(found, at+"."+name)
			}
		}
	}
	return found
}

// propertiesOf returns the properties of a schema and its parts, and whether it
// takes any others.
func propertiesOf(s *openapi3.Schema) (openapi3.Schemas, bool) {
	all := maps.Clone(s.Properties)
	if all == nil {
		all = openapi3.Schemas{}
	}
	more := s.AdditionalProperties
	open := more.Schema != nil || more.Has != nil && *more.Has
	for _, part := range slices.Concat(s.AllOf, s.OneOf) {
		more, alsoOpen := propertiesOf(part.Value)
		maps.Copy(all, more)
		open = open || alsoOpen
	}
	return all, open
}

// What the check of every answer would find.
func TestBreaches(t *testing.T) {
	t.Parallel()
	const (
		session = `{"name":"x","kind":"token","scopes":["read"],"expiresAt":null}`
		problem = `{"type":"/docs#error-internal","title":"x","status":500,"code":"internal","detail":"x","requestId":"x"}`
		plain   = "application/json"
		wrong   = "application/problem+json"
	)
	for name, c := range map[string]struct {
		path        string
		status      int
		media, body string
		want        int
	}{
		"right":                       {"/api/v1/session", 200, plain, session, 0},
		"a field is missing":          {"/api/v1/session", 200, plain, `{"name":"x","kind":"token","scopes":[]}`, 1},
		"a field too many":            {"/api/v1/session", 200, plain, session[:len(session)-1] + `,"secret":1}`, 1},
		"another value":               {"/api/v1/session", 200, plain, strings.Replace(session, "read", "write", 1), 1},
		"null":                        {"/api/v1/session", 200, plain, strings.Replace(session, `"x"`, "null", 1), 1},
		"no time":                     {"/api/v1/session", 200, plain, strings.Replace(session, `null`, `"soon"`, 1), 1},
		"no id":                       {"/api/v1/tokens", 200, plain, `{"nextCursor":null,"items":[{"id":"1","name":"x","scopes":[],"createdAt":"2020-10-13T03:35:24Z","createdBy":"","createdByTokenId":null,"lastUsedAt":null,"revokedAt":null}]}`, 1},
		"a field too many in a list":  {"/api/v1/tokens", 200, plain, `{"nextCursor":null,"items":[{"id":"0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11","name":"x","scopes":[],"createdAt":"2020-10-13T03:35:24Z","createdBy":"","createdByTokenId":null,"lastUsedAt":null,"revokedAt":null,"hash":""}]}`, 1},
		"no such status":              {"/api/v1/session", 202, plain, session, 1},
		"an error":                    {"/api/v1/session", 500, wrong, problem, 0},
		"an error that is none":       {"/api/v1/session", 500, plain, problem, 1},
		"an error at no path of ours": {"/no-such-path", 404, wrong, problem, 0},
		"an error without a code":     {"/no-such-path", 404, wrong, strings.Replace(problem, `"code"`, `"kode"`, 1), 2},
		"a header is missing":         {"/api/v1/destinations/0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11", 200, plain, `{}`, 1},
		"text":                        {"/openapi.yaml", 200, "application/yaml", "x", 0},
		"text of another type":        {"/openapi.yaml", 200, "text/plain", "x", 1},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		a := answer{c.status, http.Header{"Content-Type": {c.media}}, []byte(c.body)}
		if got := breaches(loadContract(t), r, a); len(got) != c.want {
			t.Errorf("%s: %d breaches, want %d: %q", name, len(got), c.want, got)
		}
	}
}
