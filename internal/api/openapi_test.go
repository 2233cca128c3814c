package api

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"belfry"
)

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(func(id string) error {
		if id == uuid.Nil.String() {
			return errors.New("is the nil id, which should be null")
		}
		return uuid.Validate(id)
	}))
	doc, err := openapi3.NewLoader().LoadFromData(belfry.OpenAPI)
	if err != nil {
		return nil, err
	}
	return doc, addTestChat(doc)
})

func loadContract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatalf("load openapi.yaml: %v", err)
	}
	return doc
}

func TestContractIsValid(t *testing.T) {
	t.Parallel()
	doc := loadContract(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("openapi.yaml: %v", err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi is %q, want 3.1.0", doc.OpenAPI)
	}
}

func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()
	doc := loadContract(t)
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	camelCase := regexp.MustCompile(`^[a-z][a-zA-Z]*$`)
	seen := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			if !camelCase.MatchString(op.OperationID) || seen[op.OperationID] {
				t.Errorf("%s: operationId %q is not in camelCase or not unique", name, op.OperationID)
			}
			seen[op.OperationID] = true
			if op.Summary == "" || strings.HasSuffix(op.Summary, ".") {
				t.Errorf("%s: summary %q is empty or ends with a full stop", name, op.Summary)
			}
			if len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s: tags %v are not one of those declared", name, op.Tags)
			}
			if op.Responses.Default() == nil {
				t.Errorf("%s: no default response", name)
			}
			if op.Security == nil {
				t.Fatalf("%s: no security", name)
			}
			checkAnswers(t, name, op)
			checkErrors(t, name, item, op)
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value.Description == "" {
					t.Errorf("%s: parameter %s has no description", name, p.Value.Name)
				}
			}
		}
	}
}

// checkAnswers wants every error to be a Problem, and every body to be one of
// the declared schemas.
func checkAnswers(t *testing.T, name string, op *openapi3.Operation) {
	t.Helper()
	for status, r := range op.Responses.Map() {
		if r.Value.Description == nil || *r.Value.Description == "" {
			t.Errorf("%s: %s has no description", name, status)
		}
		for mime, content := range r.Value.Content {
			isError := status == "default" || status[0] == '4' || mime == "application/problem+json"
			if isError && (mime != "application/problem+json" || content.Schema.Ref != "#/components/schemas/Problem") {
				t.Errorf("%s: %s answers %s, want a Problem", name, status, mime)
			}
			if strings.HasSuffix(mime, "json") && content.Schema.Ref == "" {
				t.Errorf("%s: %s has a schema without a name", name, status)
			}
		}
	}
}

// checkErrors wants each error that an operation can answer with to be declared.
func checkErrors(t *testing.T, name string, item *openapi3.PathItem, op *openapi3.Operation) {
	t.Helper()
	want := map[string]bool{}
	for _, requirement := range *op.Security {
		for _, scopes := range requirement {
			want["401"], want["403"] = true, len(scopes) > 0
		}
	}
	if op.RequestBody != nil {
		want["400"], want["413"], want["415"], want["422"] = true, true, true, true
	}
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		want["400"] = true
		switch p.Value.In {
		case "path":
			want["404"] = true
		case "query":
			want["422"] = true
		case "header":
			want["412"] = true
		}
	}
	for _, status := range []string{"400", "401", "403", "404", "412", "413", "415", "422"} {
		if got := op.Responses.Value(status) != nil; got != want[status] && op.OperationID != "signIn" {
			t.Errorf("%s: declares %s is %t, want %t", name, status, got, want[status])
		}
	}
}

// Scopes stand twice in the contract, for programs in security and for people
// in the description; both must agree.
func TestOperationsDeclareTheirScope(t *testing.T) {
	t.Parallel()
	doc := loadContract(t)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			want := "Scope: none.\n"
			for _, requirement := range *op.Security {
				for _, scopes := range requirement {
					if want = "Scope: any.\n"; len(scopes) > 0 {
						want = "Scope: `" + strings.Join(scopes, "`, `") + "`.\n"
					}
				}
			}
			if !strings.HasPrefix(op.Description, want) {
				t.Errorf("%s %s: the description does not begin with %q", method, path, want)
			}
		}
	}
}

func TestSchemasAreDescribed(t *testing.T) {
	t.Parallel()
	doc := loadContract(t)
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		checkSchema(t, name, doc.Components.Schemas[name])
	}
}

func checkSchema(t *testing.T, at string, ref *openapi3.SchemaRef) {
	t.Helper()
	if ref.Ref != "" {
		return
	}
	s := ref.Value
	if s.Description == "" && !strings.HasSuffix(at, "[]") && !strings.HasSuffix(at, ")") {
		t.Errorf("%s has no description", at)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		checkSchema(t, at+"."+name, s.Properties[name])
	}
	for _, name := range s.Required {
		if s.Properties[name] == nil {
			t.Errorf("%s requires %s, which it does not have", at, name)
		}
	}
	if s.Items != nil {
		checkSchema(t, at+"[]", s.Items)
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf) {
		checkSchema(t, at+"(part)", part)
	}
}
