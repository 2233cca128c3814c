package destination

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"belfry/internal/invalid"
)

// reader reads settings from a request by their type's description. What the
// request leaves out is taken from before, which is empty for a new destination.
type reader struct {
	*Type
	fields *invalid.Reader // of the request, each by its whole name
	before values
	after  values
	kept   []Field // secrets that keep their stored value
}

// read builds settings from a request.
func (t *Type) read(raw json.RawMessage, old Settings) (Settings, invalid.FieldErrors) {
	r := reader{Type: t, fields: &invalid.Reader{Body: invalid.Body{}}, before: t.valuesOf(old), after: values{}}
	if !r.flatten(raw, "") {
		return nil, invalid.FieldErrors{{Code: invalid.CodeType, Message: "must be an object"}}
	}
	for _, f := range t.Fields {
		r.readField(f)
	}
	for _, f := range t.Fields {
		r.checkPlace(f)
	}
	r.refuseMoved()
	if len(r.fields.Errors) > 0 {
		return nil, r.fields.Errors
	}
	s := t.New()
	if err := json.Unmarshal(r.after.tree(), s); err != nil {
		return nil, invalid.FieldErrors{{Code: invalid.CodeFormat, Message: "cannot be used"}} // cannot be: its description says otherwise
	}
	return s, nil
}

// flatten takes the members of an object apart, and reports false for what is none.
// at is the object's own name with a dot, "" for the settings themselves.
func (r *reader) flatten(raw json.RawMessage, at string) bool {
	var names []string
	for _, f := range r.Fields {
		if rest, ok := strings.CutPrefix(f.Name, at); ok {
			names = append(names, rest)
		}
	}
	plain, objects := nested(names)
	known := plain
	for object := range objects {
		known = append(known, object)
	}
	slices.Sort(known[len(plain):])
	f, ok := invalid.NewNestedReader(raw, known...)
	if !ok {
		return false
	}
	for _, e := range f.Errors {
		field := e.Field
		if at != "" {
			field = strings.TrimSuffix(at, ".") + prefixed(e.Field)
		}
		r.fields.Wrong(field, e.Code, e.Message)
	}
	for _, name := range plain {
		if f.Has(name) {
			r.fields.Body[at+name] = f.Body[name]
		}
	}
	for object, members := range objects {
		switch {
		case !f.Has(object):
		case f.IsNull(object):
			for _, member := range members {
				r.fields.Body[at+object+"."+member] = json.RawMessage("null")
			}
		case !r.flatten(f.Body[object], at+object+"."):
			r.fields.Wrong(at+object, invalid.CodeType, "must be an object")
		}
	}
	return true
}

// readField takes a field from the request, from what is stored or from its default.
func (r *reader) readField(f Field) {
	if r.fields.Has(f.Name) && !r.fields.IsNull(f.Name) {
		r.readGiven(f)
		return
	}
	if stored := r.before[f.Name]; stored != nil && !r.fields.Has(f.Name) {
		r.after[f.Name] = stored
		if f.Secret && f.Kind != KindURL && !r.before.isEmpty(f.Name) {
			r.kept = append(r.kept, f)
		}
		return
	}
	if f.Default != nil {
		r.after.set(f.Name, f.Default)
	}
}

func (r *reader) readGiven(f Field) {
	switch f.Kind {
	case KindHeaders:
		headers, kept := readHeaders(r.fields, f.Name, r.before.headers(f.Name))
		r.after.set(f.Name, headers)
		if kept {
			r.kept = append(r.kept, f)
		}
	case KindNumber:
		n := r.fields.Number(f.Name, f.least(), f.greatest())
		if f.Whole && !r.fields.IsWrong(f.Name) && n != math.Trunc(n) {
			r.fields.Wrong(f.Name, invalid.CodeType, "must be a whole number")
		}
		r.after.set(f.Name, n)
	case KindBoolean:
		r.after.set(f.Name, r.fields.Truth(f.Name))
	default:
		text := r.fields.Text(f.Name)
		if code, message := f.check(text); code != "" {
			r.fields.Wrong(f.Name, code, message)
		}
		r.after.set(f.Name, text)
	}
}

func (f Field) least() float64 {
	if f.Min == 0 && f.Max == 0 {
		return -math.MaxFloat64
	}
	return f.Min
}

func (f Field) greatest() float64 {
	if f.Min == 0 && f.Max == 0 {
		return math.MaxFloat64
	}
	return f.Max
}

// check says what is wrong with a text by its kind. That it is empty is looked at elsewhere.
func (f Field) check(text string) (code, message string) {
	switch {
	case text == "":
	case utf8.RuneCountInString(text) > f.Longest() && f.Longest() > 0:
		return invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters", f.Longest())
	case f.Kind == KindURL:
		if message := checkURL(text); message != "" {
			return invalid.CodeFormat, message
		}
	case f.Kind == KindSelect && !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == text }):
		return invalid.CodeEnum, "must be one of " + f.offers()
	case f.Kind == KindPEM && !isPEM(text):
		return invalid.CodeFormat, "must be PEM: from -----BEGIN to the last -----END, and nothing else"
	case (f.Kind == KindText || f.Kind == KindSecret) && strings.ContainsFunc(text, unicode.IsControl):
		return invalid.CodeControlCharacter, "must be one line without control characters"
	}
	return "", ""
}

func (f Field) offers() string {
	var list []string
	for _, o := range f.Options {
		list = append(list, o.Value)
	}
	return strings.Join(list, ", ")
}

// isPEM reports whether a text is blocks of PEM, at least one.
func isPEM(text string) bool {
	rest, blocks := []byte(text), 0
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			return blocks > 0 && strings.TrimSpace(string(rest)) == ""
		}
		rest, blocks = after, blocks+1
	}
}

// checkPlace looks at whether a field has what it must have, and at what there is no place for.
func (r *reader) checkPlace(f Field) {
	given := r.fields.Has(f.Name) && !r.fields.IsNull(f.Name)
	switch {
	case !r.after.applies(f):
		if given {
			r.fields.Wrong(f.Name, invalid.CodeConflict, fmt.Sprintf("has a meaning only when %s is %s", f.OnlyIf.Field, strings.Join(f.OnlyIf.Values, " or ")))
		}
		delete(r.after, f.Name)
		r.kept = slices.DeleteFunc(r.kept, func(k Field) bool { return k.Name == f.Name })
	case f.Required && r.after.isEmpty(f.Name) && !r.fields.IsWrong(f.Name):
		r.fields.Wrong(f.Name, invalid.CodeRequired, "is required")
	case f.Kind == KindURL && f.Secret && r.isCutOff(f.Name):
		r.fields.Wrong(f.Name, invalid.CodeConflict,
			"is only what is shown of the stored URL: leave it out to keep that, or add a / to send to the host's root")
	}
}

// isCutOff reports whether a URL is the shown part of the stored one, which has more
// to it. Whoever reads settings, changes one thing and sends all of them back must not
// cut that off.
func (r *reader) isCutOff(name string) bool {
	stored, now := r.before.text(name), r.after.text(name)
	return stored != "" && now == shownURL(stored) && strings.TrimSuffix(stored, "/") != now
}

// moves reports whether a field sends to another place than before. One that has no
// place any more does: what was sent to it now goes wherever the type sends without it.
func (r *reader) moves(f Field) bool {
	return f.isTarget() && !r.fields.IsWrong(f.Name) && place(f, r.after) != place(f, r.before)
}

// place is where a field says to send to, written one way.
func place(f Field, v values) string {
	switch {
	case v.isEmpty(f.Name):
		return ""
	case f.Kind == KindURL:
		return origin(v.text(f.Name))
	}
	return string(v[f.Name])
}

// refuseMoved refuses to take stored secrets to a new place: whoever may point a
// destination elsewhere must not thereby learn the credentials that were entered for
// the old one.
func (r *reader) refuseMoved() {
	if !slices.ContainsFunc(r.Fields, r.moves) {
		return
	}
	for _, f := range r.kept {
		message := "give it again: a stored secret is not sent to a new scheme, host or port"
		if f.Kind == KindHeaders {
			message = "give every header value again (or remove the header): stored values are not sent to a new scheme, host or port"
		}
		r.fields.Wrong(f.Name, invalid.CodeRequired, message)
	}
}
