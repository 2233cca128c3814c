package invalid

import (
	"encoding/json"
	"slices"
	"strings"
)

// Member is one name of an object, as Text returns it, and its value as it is
// written.
type Member struct {
	Name  string
	Value string
}

// Object is a JSON object, split into its members and not decoded. They are
// sorted by name: equal names are neighbours.
type Object []Member

// Split splits the text of an object that Check has accepted.
func Split(object string) Object {
	members := make(Object, 0, 16)
	s := Scanner{Text: object, Pos: strings.IndexByte(object, '{') + 1}
	for s.Next() {
		name := Text(s.Skip())
		s.Gap()
		members = append(members, Member{Name: name, Value: s.Skip()})
	}
	slices.SortStableFunc(members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return members
}

// Find returns the value of a name, or "" if the object does not have it, and
// whether the name is given more than once.
func (o Object) Find(name string) (value string, repeated bool) {
	i, found := slices.BinarySearchFunc(o, name, func(m Member, name string) int { return strings.Compare(m.Name, name) })
	if !found {
		return "", false
	}
	return o[i].Value, o.Repeated(i)
}

// Repeated reports whether the name of member i occurs again after it.
func (o Object) Repeated(i int) bool {
	return i+1 < len(o) && o[i].Name == o[i+1].Name
}

// Body is an object of a request in which nothing may be that is not known: one
// that configures or orders something. Its values are as they are written.
type Body map[string]json.RawMessage

// Read splits a body. It returns a Malformed when raw is not one JSON object in
// UTF-8. What is wrong with one are its unknown names and, at any depth, names
// that are given twice and text that cannot be stored.
func Read(raw []byte, known ...string) (Body, FieldErrors, error) {
	if err := Check(raw); err != nil {
		return nil, nil, err
	}
	if err := checkUTF8(raw); err != nil {
		return nil, nil, err
	}
	object := string(raw)
	body, wrong := split(object, inspect(object), known)
	return body, wrong, nil
}

// Nested splits an object within a body that Read has read. It reports false for
// what is no object.
func Nested(raw json.RawMessage, known ...string) (Body, FieldErrors, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, nil, false
	}
	body, wrong := split(string(raw), nil, known)
	return body, wrong, true
}

func split(object string, wrong FieldErrors, known []string) (Body, FieldErrors) {
	body := Body{}
	for _, m := range Split(object) {
		body[m.Name] = json.RawMessage(m.Value)
		if name := Name(m.Name); !slices.Contains(known, m.Name) && len(wrong) < maxFound && !wrong.Has(name) {
			wrong = append(wrong, FieldError{name, CodeUnknownField, "is not a field here; known are " + strings.Join(known, ", ")})
		}
	}
	return body, wrong
}

// maxFound bounds what is said of one body: it could be wrong in very many ways.
const maxFound = 100

// inspector finds what is wrong with JSON wherever it is, without knowing what
// it means.
type inspector struct {
	s     Scanner
	at    Place
	names []string // of the objects being read, the innermost last
	found FieldErrors
}

// inspect returns the fields of an object that are named twice, or hold text
// that cannot be stored.
func inspect(object string) FieldErrors {
	in := inspector{s: Scanner{Text: object}}
	in.s.Gap()
	in.value()
	return in.found
}

func (in *inspector) value() {
	switch in.s.Text[in.s.Pos] {
	case '{':
		in.object()
	case '[':
		in.s.Pos++
		for i := 0; in.s.Next(); i++ {
			in.at.EnterElement(i)
			in.value()
			in.at.Leave()
		}
	case '"':
		in.text(Text(in.s.Skip()))
	default:
		in.s.Skip()
	}
}

func (in *inspector) object() {
	outer := len(in.names)
	for in.s.Pos++; in.s.Next(); {
		name := Text(in.s.Skip())
		in.names = append(in.names, name)
		in.at.Enter(name)
		if code, message := CheckText(name); code != "" {
			in.refuse(code, "has a name that "+message)
		}
		in.s.Gap()
		in.value()
		in.at.Leave()
	}
	names := in.names[outer:]
	slices.Sort(names)
	for i, name := range names {
		if i+1 < len(names) && name == names[i+1] && (i == 0 || name != names[i-1]) {
			in.at.Enter(name)
			in.refuse(CodeDuplicate, "is named more than once")
			in.at.Leave()
		}
	}
	in.names = in.names[:outer]
}

func (in *inspector) text(text string) {
	if code, message := CheckText(text); code != "" {
		in.refuse(code, message)
	}
}

func (in *inspector) refuse(code, message string) {
	if at := in.at.String(); len(in.found) < maxFound && !in.found.Has(at) {
		in.found = append(in.found, FieldError{at, code, message})
	}
}
