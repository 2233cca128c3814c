// Package apidocs writes the page at /docs: an OpenAPI document to read, in HTML, that
// has no script and loads nothing.
package apidocs

import (
	"bytes"
	"cmp"
	_ "embed" // for the template
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed docs.html
var pageHTML string

// Page returns the page for an OpenAPI document in YAML. It needs of a
// Content-Security-Policy only "style-src 'unsafe-inline'". Making it takes a while,
// and a document has one page: keep it.
func Page(contract []byte) ([]byte, error) {
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true // the order of the document
	doc, err := loader.LoadFromData(contract)
	if err != nil {
		return nil, fmt.Errorf("load the contract: %w", err)
	}
	t, err := template.New("docs").Funcs(template.FuncMap{"text": textHTML}).Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parse docs.html: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(doc, contract)); err != nil {
		return nil, fmt.Errorf("render docs.html: %w", err)
	}
	return b.Bytes(), nil
}

// page is what docs.html shows.
type page struct {
	Title, Summary, Description string
	Sections                    []section
	Codes                       []explainedCode
	Types                       []namedType
}

// section is the operations of one tag.
type section struct {
	Name, Description string
	Operations        []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Scope                     string
	Description               string // without the sentence that names the scope
	Parameters                []field
	Body                      *body
	Answers                   []answer
}

type body struct {
	Required bool
	Content  *content
}

type answer struct {
	Status, Description string
	Headers             []field
	Content             *content // nil when there is none, or a Problem
	IsError             bool
}

type content struct {
	Media   string
	Type    label
	Fields  []field
	Example string
}

func newPage(doc *openapi3.T, contract []byte) page {
	m := newReader(doc, contract)
	d := page{Title: doc.Info.Title, Summary: doc.Info.Summary, Description: doc.Info.Description}
	for _, tag := range doc.Tags {
		s := section{Name: tag.Name, Description: tag.Description}
		for _, path := range inOrder(doc.Paths.Map(), func(p *openapi3.PathItem) *openapi3.Origin { return p.Origin }) {
			item := doc.Paths.Value(path)
			for _, method := range inOrder(item.Operations(), func(o *openapi3.Operation) *openapi3.Origin { return o.Origin }) {
				if op := item.GetOperation(method); op.Tags[0] == tag.Name {
					s.Operations = append(s.Operations, m.operation(method, path, item, op))
				}
			}
		}
		d.Sections = append(d.Sections, s)
	}
	d.Codes = explainedCodes(doc.Components.Schemas["ProblemCode"].Value)
	d.Types = m.linkedTypes()
	return d
}

// inOrder returns the keys of items in the order of the document.
func inOrder[T any](items map[string]T, origin func(T) *openapi3.Origin) []string {
	line := func(key string) int {
		if o := origin(items[key]); o != nil && o.Key != nil {
			return o.Key.Line
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(items), func(a, b string) int {
		return cmp.Or(cmp.Compare(line(a), line(b)), cmp.Compare(a, b))
	})
}

func (m *reader) operation(method, path string, item *openapi3.PathItem, op *openapi3.Operation) operation {
	scope, description, _ := strings.Cut(op.Description, "\n")
	o := operation{
		ID:          op.OperationID,
		Method:      method,
		Path:        path,
		Summary:     op.Summary,
		Scope:       strings.Trim(strings.TrimPrefix(scope, "Scope: "), ".`"),
		Description: description,
	}
	m.sent = true
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		f := m.field(p.Value.Name, p.Value.Schema)
		f.Description, f.In = p.Value.Description, p.Value.In
		o.Parameters = append(o.Parameters, f)
	}
	if op.RequestBody != nil {
		o.Body = &body{Required: op.RequestBody.Value.Required, Content: m.content(op.RequestBody.Value.Content)}
	}
	m.sent = false
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		o.Answers = append(o.Answers, m.answer(status, op.Responses.Value(status).Value))
	}
	return o
}

func (m *reader) answer(status string, r *openapi3.Response) answer {
	a := answer{Status: status, Description: *r.Description, IsError: r.Content["application/problem+json"] != nil}
	if status == "default" {
		a.Status = "others"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		h := m.field(name, r.Headers[name].Value.Schema)
		h.Description = r.Headers[name].Value.Description
		a.Headers = append(a.Headers, h)
	}
	if !a.IsError {
		a.Content = m.content(r.Content)
	}
	return a
}

// content describes a body. Ours have one media type each.
func (m *reader) content(c openapi3.Content) *content {
	for media, body := range c {
		return &content{
			Media:   media,
			Type:    m.label(body.Schema),
			Fields:  m.fields(body.Schema.Value, 0),
			Example: exampleJSON(body.Example, body.Schema.Value),
		}
	}
	return nil
}

type explainedCode struct{ Code, Status, Text string }

var codeLine = regexp.MustCompile("(?m)^- `([a-z_]+)` \\((\\d+)\\): (.*)$")

// explainedCodes reads the lines that explain the codes of a Problem. Each gets
// an anchor of its own, which Problem.type names.
func explainedCodes(s *openapi3.Schema) []explainedCode {
	var codes []explainedCode
	for _, m := range codeLine.FindAllStringSubmatch(s.Description, -1) {
		codes = append(codes, explainedCode{Code: m[1], Status: m[2], Text: strings.ToUpper(m[3][:1]) + m[3][1:]})
	}
	return codes
}
