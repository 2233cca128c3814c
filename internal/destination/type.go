package destination

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"belfry/internal/outbound"
)

// types are all types of destinations, by name. A type is one file and one line here.
var types = index(
	webhook,
)

// Type is one type of destination. It describes itself: from its fields come the
// API's description of it, the console's form, and the checks of what is entered.
type Type struct {
	Name        string // as it is stored and as the API has it
	DisplayName string
	Description string // what it is for
	Fields      []Field

	// New returns settings with no values but those that the type starts from. Their
	// JSON form, which is sealed and stored, has the names of Fields.
	New func() Settings
}

// Settings is one type of destination, configured.
type Settings interface {
	// Request returns what is sent of a message. It names every secret that it puts
	// in, so that none comes back in what is stored; those of its URL need no naming.
	// Whatever its body is, it is sent as application/json: see outbound.Request.
	Request(m Message) (outbound.Request, error)

	// Judge says what an answer means. It is asked only when there is one.
	Judge(r outbound.Result) Meaning
}

// Field is one field of a type's settings.
type Field struct {
	Name     string // in the settings; a dot stands for an object: auth.kind
	Label    string // its name for people
	Help     string // what to enter
	Kind     Kind
	Required bool
	// Secret values are never shown: of a URL scheme and host are, of headers the names.
	Secret bool
	// Target is a field that says where to send, as every URL does: stored secrets do
	// not go along when it changes.
	Target bool

	Section     string // the heading that a form shows it under
	Placeholder string
	Default     any       // what is used when nothing is given: a string, float64 or bool
	MaxLength   int       // in characters; 0 is the most that the kind takes
	Min, Max    float64   // of a number; both 0: any
	Whole       bool      // a number must be a whole one
	Options     []Option  // of a select
	OnlyIf      Condition // when it is asked for; empty: always
}

// Kind is what a field takes.
type Kind string

// The kinds.
const (
	KindText      Kind = "text"
	KindSecret    Kind = "secret"
	KindURL       Kind = "url"
	KindHeaders   Kind = "headers"
	KindSelect    Kind = "select"
	KindMultiline Kind = "multiline"
	KindPEM       Kind = "pem"
	KindNumber    Kind = "number"
	KindBoolean   Kind = "boolean"
)

// Option is a value that a select offers.
type Option struct{ Value, Label string }

// Condition names a select and the values of it with which another field is asked for.
type Condition struct {
	Field  string
	Values []string
}

// mostOf is how long what a kind takes can be at most.
var mostOf = map[Kind]int{
	KindText: 1000, KindSecret: 4096, KindURL: 2048, KindMultiline: 64 << 10, KindPEM: 64 << 10, KindHeaders: maxHeaderValue,
}

// Longest is how many characters the field takes at most; 0 for what has no length.
func (f Field) Longest() int {
	if f.MaxLength > 0 {
		return f.MaxLength
	}
	return mostOf[f.Kind]
}

// Most is how many entries the field takes at most; 0 for what is no list.
func (f Field) Most() int {
	if f.Kind == KindHeaders {
		return maxHeaders
	}
	return 0
}

func (f Field) isTarget() bool { return f.Target || f.Kind == KindURL }

func index(all ...Type) map[string]*Type {
	byName := make(map[string]*Type, len(all))
	for i := range all {
		byName[all[i].Name] = &all[i]
	}
	return byName
}

// Register adds a type from elsewhere, such as one that only tests have. It is for
// init functions: nothing may use this package yet.
func Register(t Type) { types[t.Name] = &t }

// Types returns every type, in the order of their names.
func Types() []*Type {
	var all []*Type
	for _, name := range typeNames() {
		all = append(all, types[name])
	}
	return all
}

// IsType reports whether there is a type of this name.
func IsType(name string) bool { return types[name] != nil }

func typeNames() []string {
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// OpenSettings decodes the stored settings of the named type.
func OpenSettings(typ string, stored []byte) (Settings, error) {
	t := types[typ]
	if t == nil {
		return nil, fmt.Errorf("%w: type %q is not known to this version", ErrMisconfigured, typ)
	}
	s := t.New()
	if err := json.Unmarshal(stored, s); err != nil || !t.complete(s) {
		return nil, fmt.Errorf("%w: they are not those of a %s", ErrMisconfigured, t.DisplayName)
	}
	return s, nil
}

// complete reports whether settings have all that their type requires.
func (t *Type) complete(s Settings) bool {
	v := t.valuesOf(s)
	return !slices.ContainsFunc(t.Fields, func(f Field) bool {
		return f.Required && v.applies(f) && v.isEmpty(f.Name)
	})
}

// nested splits the names of fields by their first part: "auth.kind" is "kind" in "auth".
func nested(names []string) (plain []string, objects map[string][]string) {
	objects = map[string][]string{}
	for _, name := range names {
		if object, member, ok := strings.Cut(name, "."); ok {
			objects[object] = append(objects[object], member)
		} else {
			plain = append(plain, name)
		}
	}
	return plain, objects
}
