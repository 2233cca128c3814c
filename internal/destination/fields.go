package destination

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"belfry/internal/invalid"
)

// fields hands out the fields of one JSON object of a request and collects all
// that is wrong with it. encoding/json alone would stop at the first mistake, and
// take null for absent.
type fields struct {
	raw   invalid.Body
	found invalid.Fields
}

// readBody reads the body of a request.
func readBody(raw []byte, known ...string) (*fields, error) {
	body, found, err := invalid.Read(raw, known...)
	return &fields{raw: body, found: found}, err
}

// readNested reads an object within a body, and reports false for what is none.
func readNested(raw json.RawMessage, known ...string) (*fields, bool) {
	body, found, ok := invalid.Nested(raw, known...)
	return &fields{raw: body, found: found}, ok
}

// wrong notes what is wrong with a field, unless something was already.
func (f *fields) wrong(field, code, message string) {
	if !f.isWrong(field) {
		f.found = append(f.found, invalid.Field{Field: field, Code: code, Message: message})
	}
}

func (f *fields) isWrong(field string) bool { return f.found.Has(field) }

func (f *fields) has(field string) bool { _, ok := f.raw[field]; return ok }

func (f *fields) isNull(field string) bool {
	v, ok := f.raw[field]
	return !ok || bytes.Equal(v, []byte("null"))
}

// text returns a string field, "" when it is absent, null or not a string.
func (f *fields) text(field string) string {
	var s string
	if !f.isNull(field) && json.Unmarshal(f.raw[field], &s) != nil {
		f.wrong(field, invalid.CodeType, "must be a string")
	}
	return s
}

// number returns a number field that must lie within bounds.
func (f *fields) number(field string, least, most float64) float64 {
	var n float64
	switch {
	case json.Unmarshal(f.raw[field], &n) != nil:
		f.wrong(field, invalid.CodeType, "must be a number")
	case n < least || n > most:
		f.wrong(field, invalid.CodeFormat, fmt.Sprintf("must be from %v to %v", least, most))
	}
	return n
}

// whole is number for what is counted.
func (f *fields) whole(field string, least, most int) int {
	n := f.number(field, float64(least), float64(most))
	if !f.isWrong(field) && n != math.Trunc(n) {
		f.wrong(field, invalid.CodeType, "must be a whole number")
	}
	return int(n)
}

func (f *fields) truth(field string) bool {
	var b bool
	if json.Unmarshal(f.raw[field], &b) != nil {
		f.wrong(field, invalid.CodeType, "must be true or false")
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
		f.wrong(field, invalid.CodeType, "must be an array of strings")
		return nil, false
	}
	list := make([]string, len(items))
	for i, s := range items {
		list[i] = *s
	}
	return list, true
}
