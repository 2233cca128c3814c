package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// textHTML turns a description into HTML. It knows the little of CommonMark that
// openapi.yaml uses: paragraphs, lists, fenced code, `code`, **strong** and *emphasis*.
func textHTML(text string) template.HTML {
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		writeBlock(&b, block)
	}
	return template.HTML(b.String()) // what is not ours in it is escaped by inlineHTML
}

func writeBlock(b *strings.Builder, block string) {
	switch {
	case strings.HasPrefix(block, "```"):
		_, code, _ := strings.Cut(block, "\n")
		fmt.Fprintf(b, "<pre><code>%s</code></pre>", template.HTMLEscapeString(strings.TrimSuffix(code, "```")))
	case strings.HasPrefix(block, "- "):
		writeList(b, "ul", strings.Split(strings.TrimPrefix(block, "- "), "\n- "))
	case strings.HasPrefix(block, "1. "):
		writeList(b, "ol", nextNumber.Split(strings.TrimPrefix(block, "1. "), -1))
	case block != "":
		fmt.Fprintf(b, "<p>%s</p>", inlineHTML(block))
	}
}

func writeList(b *strings.Builder, tag string, items []string) {
	fmt.Fprintf(b, "<%s>", tag)
	for _, item := range items {
		fmt.Fprintf(b, "<li>%s</li>", inlineHTML(item))
	}
	fmt.Fprintf(b, "</%s>", tag)
}

var (
	nextNumber = regexp.MustCompile(`\n\d+\. `)
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	strong     = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	emphasis   = regexp.MustCompile(`\*([^*\s][^*]*)\*`)
)

func inlineHTML(text string) string {
	var b strings.Builder
	rest := template.HTMLEscapeString(text)
	for rest != "" {
		code := codeSpan.FindStringSubmatchIndex(rest)
		if code == nil {
			code = []int{len(rest), len(rest), len(rest), len(rest)}
		}
		plain := strong.ReplaceAllString(rest[:code[0]], "<strong>$1</strong>")
		b.WriteString(emphasis.ReplaceAllString(plain, "<em>$1</em>"))
		if code[0] < code[1] {
			b.WriteString("<code>" + rest[code[2]:code[3]] + "</code>")
		}
		rest = rest[code[1]:]
	}
	return b.String()
}

// exampleJSON writes an example with its fields in the order of the schema, or
// "" when there is none.
func exampleJSON(v any, s *openapi3.Schema) string {
	if v == nil {
		return ""
	}
	var b strings.Builder
	writeExample(&b, v, s, "\n")
	return b.String()
}

func writeExample(b *strings.Builder, v any, s *openapi3.Schema, indent string) {
	inner := indent + "  "
	switch v := v.(type) {
	case map[string]any:
		separator := "{"
		for _, name := range exampleOrder(v, s) {
			b.WriteString(separator + inner + scalarJSON(name) + ": ")
			writeExample(b, v[name], propertyOf(s, name), inner)
			separator = ","
		}
		b.WriteString(indent + "}")
	case []any:
		if !slices.ContainsFunc(v, isCollection) {
			b.WriteString(scalarsJSON(v))
			return
		}
		separator := "["
		for _, item := range v {
			b.WriteString(separator + inner)
			writeExample(b, item, itemsOf(s), inner)
			separator = ","
		}
		b.WriteString(indent + "]")
	default:
		b.WriteString(scalarJSON(v))
	}
}

func isCollection(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

func scalarsJSON(list []any) string {
	var texts []string
	for _, v := range list {
		texts = append(texts, scalarJSON(v))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func scalarJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v) // no scalar of a YAML document is beyond JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// exampleOrder returns the names in v, those of the schema first.
func exampleOrder(v map[string]any, s *openapi3.Schema) []string {
	var names []string
	for _, name := range propertyNames(s) {
		if _, ok := v[name]; ok {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func propertyNames(s *openapi3.Schema) []string {
	if s == nil {
		return nil
	}
	var names []string
	for _, part := range slices.Concat(s.AllOf, s.OneOf) {
		names = append(names, propertyNames(part.Value)...)
	}
	return append(names, inOrder(s.Properties, func(r *openapi3.SchemaRef) *openapi3.Origin { return r.Origin })...)
}

func propertyOf(s *openapi3.Schema, name string) *openapi3.Schema {
	if s == nil {
		return nil
	}
	if p := s.Properties[name]; p != nil {
		return p.Value
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf) {
		if p := propertyOf(part.Value, name); p != nil {
			return p
		}
	}
	return nil
}

func itemsOf(s *openapi3.Schema) *openapi3.Schema {
	if s == nil || s.Items == nil {
		return nil
	}
	return s.Items.Value
}
