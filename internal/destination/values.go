package destination

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"belfry/internal/outbound"
)

// values are settings as a table: for each field that has one its value, as JSON.
type values map[string]json.RawMessage

// valuesOf returns the values of settings; none of nil.
func (t *Type) valuesOf(s Settings) values {
	v := values{}
	if s == nil {
		return v
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return v // cannot be: they came from JSON
	}
	for _, f := range t.Fields {
		if value := lookUp(raw, f.Name); value != nil {
			v[f.Name] = value
		}
	}
	return v
}

// lookUp returns what stands in an object under a name with dots, nil for nothing or null.
func lookUp(raw json.RawMessage, name string) json.RawMessage {
	for part := range strings.SplitSeq(name, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		raw = object[part]
	}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return raw
}

// tree writes values as the object that a type's settings are decoded from.
func (v values) tree() json.RawMessage {
	objects := map[string]values{}
	flat := map[string]json.RawMessage{}
	for name, value := range v {
		object, member, ok := strings.Cut(name, ".")
		if !ok {
			flat[name] = value
			continue
		}
		if objects[object] == nil {
			objects[object] = values{}
		}
		objects[object][member] = value
	}
	for name, inner := range objects {
		flat[name] = inner.tree()
	}
	raw, err := json.Marshal(flat)
	if err != nil {
		return json.RawMessage("{}") // cannot be: each value is JSON
	}
	return raw
}

func (v values) text(name string) string {
	var s string
	_ = json.Unmarshal(v[name], &s) //nolint:errcheck // "" for what is no text
	return s
}

func (v values) headers(name string) []outbound.Header {
	var list []outbound.Header
	_ = json.Unmarshal(v[name], &list) //nolint:errcheck // none in what is no list
	return list
}

func (v values) isEmpty(name string) bool {
	raw := v[name]
	return len(raw) == 0 || string(raw) == `""` || string(raw) == "[]"
}

func (v values) set(name string, value any) {
	raw, err := json.Marshal(value)
	if err != nil {
		return // cannot be: a text, a number, a truth or headers
	}
	v[name] = raw
}

// applies reports whether a field is asked for, with these values of the others.
func (v values) applies(f Field) bool {
	return f.OnlyIf.Field == "" || slices.Contains(f.OnlyIf.Values, v.text(f.OnlyIf.Field))
}

// Shown is what may be seen of settings, and which of their secrets are stored.
type Shown struct {
	Settings json.RawMessage // null when they could not be opened
	Secrets  []string        // names of fields
}

// Shown returns what may be shown and logged of the destination's settings: all as
// it was given, but for secrets.
func (d Destination) Shown() Shown {
	t := types[d.Type]
	if t == nil || d.Settings == nil {
		return Shown{Settings: json.RawMessage("null"), Secrets: []string{}}
	}
	return t.show(t.valuesOf(d.Settings))
}

func (t *Type) show(v values) Shown {
	shown, secrets := values{}, []string{}
	for _, f := range t.Fields {
		if f.Secret && !v.isEmpty(f.Name) {
			secrets = append(secrets, f.Name)
		}
		switch {
		case f.Kind == KindHeaders:
			names := []headerName{}
			for _, h := range v.headers(f.Name) {
				names = append(names, headerName{h.Name})
			}
			shown.set(f.Name, names)
		case v[f.Name] == nil:
		case !f.Secret:
			shown[f.Name] = v[f.Name]
		case f.Kind == KindURL:
			shown.set(f.Name, shownURL(v.text(f.Name)))
		}
	}
	return Shown{Settings: shown.tree(), Secrets: secrets}
}

type headerName struct {
	Name string `json:"name"`
}
