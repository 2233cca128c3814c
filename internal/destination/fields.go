package destination

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"belfry/internal/alert"
)

// fields reads one JSON object of a request and collects all that is wrong with
// it. encoding/json alone would fold the case of names, stop at the first
// mistake, and take null for absent.
type fields struct {
	raw   map[string]json.RawMessage
	found alert.Invalid
}

// readFields splits an object. A name that is not in known is refused, so that
// a misspelt setting is not silently ignored.
func readFields(raw []byte, known ...string) (*fields, error) {
	if !utf8.Valid(raw) {
		return nil, alert.Malformed{Message: "the body is not valid UTF-8"}
	}
	f := new(fields)
	if err := json.Unmarshal(raw, &f.raw); err != nil || f.raw == nil {
		return nil, alert.Malformed{Message: "the body must be one JSON object"}
	}
	f.refuseUnknown(known)
	return f, nil
}

func (f *fields) refuseUnknown(known []string) {
	var unknown []string
	for name := range f.raw {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		f.wrong(name, alert.CodeUnknownField, "is not a field here; known are "+strings.Join(known, ", "))
	}
}

func (f *fields) wrong(field, code, message string) {
	f.found = append(f.found, alert.FieldError{Field: field, Code: code, Message: message})
}

func (f *fields) isWrong(field string) bool {
	return slices.ContainsFunc(f.found, func(e alert.FieldError) bool { return e.Field == field })
}

func (f *fields) err() error {
	if len(f.found) == 0 {
		return nil
	}
	return f.found
}

func (f *fields) has(field string) bool { _, ok := f.raw[field]; return ok }

func (f *fields) isNull(field string) bool {
	v, ok := f.raw[field]
	return !ok || bytes.Equal(v, []byte("null"))
}

// text returns a string field, "" when it is absent, null or not a string.
func (f *fields) text(field string) string {
	var s string
	if !f.isNull(field) && json.Unmarshal(f.raw[field], &s) != nil {
		f.wrong(field, alert.CodeType, "must be a string")
	}
	return s
}

// number returns a number field that must lie within bounds.
func (f *fields) number(field string, least, most float64) float64 {
	var n float64
	switch {
	case json.Unmarshal(f.raw[field], &n) != nil:
		f.wrong(field, alert.CodeType, "must be a number")
	case n < least || n > most:
		f.wrong(field, alert.CodeFormat, fmt.Sprintf("must be from %v to %v", least, most))
	}
	return n
}

// whole is number for what is counted.
func (f *fields) whole(field string, least, most int) int {
	n := f.number(field, float64(least), float64(most))
	if !f.isWrong(field) && n != math.Trunc(n) {
		f.wrong(field, alert.CodeType, "must be a whole number")
	}
	return int(n)
}

func (f *fields) truth(field string) bool {
	var b bool
	if json.Unmarshal(f.raw[field], &b) != nil {
		f.wrong(field, alert.CodeType, "must be true or false")
	}
	return b
}

// list returns an array of strings and whether the field was given at all; the
// array is nil when it was given as null.
func (f *fields) list(field string) ([]string, bool) {
	if !f.has(field) {
		return nil, false
	}
	if f.isNull(field) {
		return nil, true
	}
	var items []*string
	if json.Unmarshal(f.raw[field], &items) != nil || slices.Contains(items, nil) {
		f.wrong(field, alert.CodeType, "must be an array of strings")
		return nil, false
	}
	list := make([]string, len(items))
	for i, s := range items {
		list[i] = *s
	}
	return list, true
}
