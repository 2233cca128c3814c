package apidocs

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// reader turns schemas of a document into rows of tables. A type that is used in several
// places has a table of its own, and the places link to it.
type reader struct {
	schemas openapi3.Schemas
	uses    map[string]int  // how often the document refers to a schema
	linked  map[string]bool // the types that need a table
	sent    bool            // whether this is about what is sent: each field is shown in place then
}

// namedType is a schema with a table of its own.
type namedType struct {
	Name, Description string
	Fields            []field
	Values            []string // of an enum
}

// field is one row: a field of a body, at its depth, or a parameter.
type field struct {
	Name        string
	Depth       int
	In          string // of a parameter: path, query or header
	Mark        string // "required" of what is sent, "optional" of what is answered
	Type        label
	Description string
	Limits      []string
	Values      []string // of an enum
	Examples    []string
}

// label is a type in words: Before, then Link to a named type, then After.
type label struct{ Before, Link, After string }

func newReader(doc *openapi3.T, contract []byte) *reader {
	m := &reader{schemas: doc.Components.Schemas, uses: map[string]int{}, linked: map[string]bool{}}
	for name := range doc.Components.Schemas {
		m.uses[name] = bytes.Count(contract, fmt.Appendf(nil, `"#/components/schemas/%s"`, name))
	}
	return m
}

// linkedTypes returns the tables of all types that something links to, and of
// those that they link to in turn.
func (m *reader) linkedTypes() []namedType {
	done := map[string]namedType{}
	for len(done) < len(m.linked) {
		for _, name := range slices.Collect(maps.Keys(m.linked)) {
			s := m.schemas[name].Value
			done[name] = namedType{Name: name, Description: s.Description, Fields: m.fields(s, 0), Values: valuesOf(s)}
		}
	}
	var all []namedType
	for _, name := range slices.Sorted(maps.Keys(done)) {
		all = append(all, done[name])
	}
	return all
}

// fields returns a row for each field of an object, or of the objects in an
// array, followed by those of the objects in it.
func (m *reader) fields(s *openapi3.Schema, depth int) []field {
	var rows []field
	for _, part := range s.AllOf {
		rows = append(rows, m.fields(part.Value, depth)...)
	}
	properties := inOrder(s.Properties, func(r *openapi3.SchemaRef) *openapi3.Origin { return r.Origin })
	for _, name := range properties {
		f := m.field(name, s.Properties[name])
		f.Depth = depth
		switch required := slices.Contains(s.Required, name); {
		case required && m.sent:
			f.Mark = "required"
		case !required && !m.sent:
			f.Mark = "optional"
		}
		rows = append(rows, f)
		if inner := inside(s.Properties[name]); f.Type.Link == "" && inner != nil {
			rows = append(rows, m.fields(inner.Value, depth+1)...)
		}
	}
	return rows
}

// inside returns the schema whose fields are those of r: its own, that of its
// items, or that which may be null.
func inside(r *openapi3.SchemaRef) *openapi3.SchemaRef {
	switch {
	case r.Value.Items != nil:
		return inside(r.Value.Items)
	case len(r.Value.OneOf) > 0:
		return inside(r.Value.OneOf[0])
	}
	return r
}

func (m *reader) field(name string, r *openapi3.SchemaRef) field {
	s := r.Value
	f := field{
		Name:        name,
		Type:        m.label(r),
		Description: s.Description,
		Values:      valuesOf(inside(r).Value),
	}
	if m.sent {
		f.Limits = limitsOf(s)
	}
	if named := m.schemas[nameOf(r)]; named != nil && len(f.Values) > 0 && named.Value.Description == s.Description {
		f.Description = "" // the type's own table says it
	}
	for _, e := range s.Examples {
		f.Examples = append(f.Examples, exampleJSON(e, s))
	}
	return f
}

func (m *reader) label(r *openapi3.SchemaRef) label {
	s := r.Value
	if name := nameOf(r); name != "" && m.hasTable(r) {
		m.linked[name] = true
		return label{Link: name}
	}
	switch {
	case len(s.OneOf) > 0:
		l := m.label(s.OneOf[0])
		l.After += " or null"
		return l
	case len(s.AllOf) > 0:
		return label{Before: "object"}
	case s.Items != nil:
		l := m.label(s.Items)
		l.Before = "array of " + l.Before
		if s.Type.Includes(openapi3.TypeNull) {
			l.After += " or null"
		}
		return l
	}
	l := label{Before: strings.Join(s.Type.Slice(), " or ")}
	if s.Format != "" && s.Format != "double" && s.Format != "int64" {
		l.Before = strings.Replace(l.Before, "string", "string ("+s.Format+")", 1)
	}
	return l
}

// hasTable tells whether a named schema is shown apart from where it is used.
func (m *reader) hasTable(r *openapi3.SchemaRef) bool {
	switch {
	case len(r.Value.Enum) > 0:
		return true
	case len(r.Value.Properties) == 0 && len(r.Value.AllOf) == 0:
		return false // a text with a rule of its own
	}
	return !m.sent && m.uses[nameOf(r)] > 1
}

func nameOf(r *openapi3.SchemaRef) string {
	return strings.TrimPrefix(r.Ref, "#/components/schemas/")
}

func valuesOf(s *openapi3.Schema) []string {
	var values []string
	for _, v := range s.Enum {
		values = append(values, fmt.Sprint(v))
	}
	return values
}

// limitsOf says the bounds of a schema in words.
func limitsOf(s *openapi3.Schema) []string {
	var limits []string
	say := func(format string, args ...any) { limits = append(limits, fmt.Sprintf(format, args...)) }
	switch {
	case s.MaxLength != nil && s.MinLength > 0:
		say("%d to %d characters", s.MinLength, *s.MaxLength)
	case s.MaxLength != nil:
		say("at most %d characters", *s.MaxLength)
	}
	switch {
	case s.MaxItems != nil && s.MinItems > 0:
		say("%d to %d entries", s.MinItems, *s.MaxItems)
	case s.MaxItems != nil:
		say("at most %d entries", *s.MaxItems)
	case s.MinItems > 0:
		say("at least %d", s.MinItems)
	}
	if s.Items != nil && s.Items.Value.MaxLength != nil {
		say("each at most %d characters", *s.Items.Value.MaxLength)
	}
	switch {
	case s.Min != nil && s.Max != nil:
		say("%v to %v", *s.Min, *s.Max)
	case s.Min != nil:
		say("at least %v", *s.Min)
	}
	if s.Default != nil {
		say("default %v", s.Default)
	}
	return limits
}
