package apidocs

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"belfry"
)

// ourPage is made once for all tests.
var ourPage = sync.OnceValues(func() ([]byte, error) { return Page(belfry.OpenAPI) })

func readDocs(t *testing.T) string {
	t.Helper()
	page, err := ourPage()
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func ourContract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(belfry.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocsShowEveryOperation(t *testing.T) {
	t.Parallel()
	page := readDocs(t)
	for path, item := range ourContract(t).Paths.Map() {
		for method, op := range item.Operations() {
			for _, want := range []string{
				`<h3 id="` + op.OperationID + `">` + op.Summary + `</h3>`,
				`<span class="method ` + method + `">` + method + `</span> <code>` + path + `</code>`,
			} {
				if !strings.Contains(page, want) {
					t.Errorf("%s %s: no %s", method, path, want)
				}
			}
		}
	}
}

func TestDocsLoadNothing(t *testing.T) {
	t.Parallel()
	loads := regexp.MustCompile(`(?i)<(script|link|img|iframe|object|embed|base)\b|\bsrc=|\bon[a-z]+=|@import|url\(`)
	if got := loads.FindString(readDocs(t)); got != "" {
		t.Errorf("the page has %q", got)
	}
}

func TestDocsLinksLead(t *testing.T) {
	t.Parallel()
	page := readDocs(t)
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\bid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %q occurs twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`\bhref="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if id, local := strings.CutPrefix(m[1], "#"); m[1] != "/openapi.yaml" && (!local || !ids[id]) {
			t.Errorf("link to %q leads nowhere", m[1])
		}
	}
	if !ids["error-delivery_open"] {
		t.Error("no anchor for an error code, which Problem.type names")
	}
}

func TestTextHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"One\ntwo.\n\nThree.":       "<p>One\ntwo.</p><p>Three.</p>",
		"A **b** and *c* `*d* <e>`": "<p>A <strong>b</strong> and <em>c</em> <code>*d* &lt;e&gt;</code></p>",
		"- `a`: b\n- c\n  d":        "<ul><li><code>a</code>: b</li><li>c\n  d</li></ul>",
		"1. a\n2. b":                "<ol><li>a</li><li>b</li></ol>",
		"```sh\ncurl <x>\n```":      "<pre><code>curl &lt;x&gt;\n</code></pre>",
		"<script>":                  "<p>&lt;script&gt;</p>",
		"":                          "",
	} {
		if got := string(textHTML(text)); got != want {
			t.Errorf("textHTML(%q)\n got %s\nwant %s", text, got, want)
		}
	}
}

// The page and Problem.type point at the line of each code.
func TestProblemCodesAreExplained(t *testing.T) {
	t.Parallel()
	schema := ourContract(t).Components.Schemas["ProblemCode"].Value
	var explained []string
	for _, e := range explainedCodes(schema) {
		explained = append(explained, e.Code)
	}
	var codes []string
	for _, v := range schema.Enum {
		codes = append(codes, v.(string))
	}
	slices.Sort(codes)
	slices.Sort(explained)
	if !slices.Equal(codes, explained) {
		t.Errorf("codes %v, explained %v", codes, explained)
	}
}
