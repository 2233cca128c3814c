package invalid

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Reader hands out the fields of one object of a request that configures or orders
// something, and collects all that is wrong with it. encoding/json alone would stop at
// the first mistake, and take null for absent.
type Reader struct {
	Body   Body
	Errors FieldErrors
}

// NewReader reads the body of a request. Its error is as that of [Read].
func NewReader(raw []byte, known ...string) (*Reader, error) {
	body, found, err := Read(raw, known...)
	return &Reader{Body: body, Errors: found}, err
}

// NewNestedReader reads an object within a body, and reports false for what is none.
func NewNestedReader(raw json.RawMessage, known ...string) (*Reader, bool) {
	body, found, ok := Nested(raw, known...)
	return &Reader{Body: body, Errors: found}, ok
}

// Wrong notes what is wrong with a field, unless something was already.
func (r *Reader) Wrong(field, code, message string) {
	r.Errors.Add(field, code, message)
}

// IsWrong reports whether something is wrong with a field.
func (r *Reader) IsWrong(field string) bool { return r.Errors.Has(field) }

// Has reports whether a field is given, if only as null.
func (r *Reader) Has(field string) bool { _, ok := r.Body[field]; return ok }

// IsNull reports whether a field is absent or null.
func (r *Reader) IsNull(field string) bool {
	v, ok := r.Body[field]
	return !ok || bytes.Equal(v, []byte("null"))
}

// Text returns a string field, "" when it is absent, null or not a string.
func (r *Reader) Text(field string) string {
	var s string
	if !r.IsNull(field) && json.Unmarshal(r.Body[field], &s) != nil {
		r.Wrong(field, CodeType, "must be a string")
	}
	return s
}

// Number returns a number field that must lie within bounds.
func (r *Reader) Number(field string, least, most float64) float64 {
	var n float64
	switch {
	case json.Unmarshal(r.Body[field], &n) != nil:
		r.Wrong(field, CodeType, "must be a number")
	case n < least || n > most:
		r.Wrong(field, CodeFormat, fmt.Sprintf("must be from %v to %v", least, most))
	}
	return n
}

// Whole is Number for what is counted.
func (r *Reader) Whole(field string, least, most int) int {
	n := r.Number(field, float64(least), float64(most))
	if !r.IsWrong(field) && n != math.Trunc(n) {
		r.Wrong(field, CodeType, "must be a whole number")
	}
	return int(n)
}

// Truth returns a field that must be true or false.
func (r *Reader) Truth(field string) bool {
	var b bool
	if json.Unmarshal(r.Body[field], &b) != nil {
		r.Wrong(field, CodeType, "must be true or false")
	}
	return b
}

// List returns an array of strings and whether the field was given at all; the
// array is nil when it was given as null.
func (r *Reader) List(field string) ([]string, bool) {
	if !r.Has(field) {
		return nil, false
	}
	if r.IsNull(field) {
		return nil, true
	}
	var items []*string
	if json.Unmarshal(r.Body[field], &items) != nil || slices.Contains(items, nil) {
		r.Wrong(field, CodeType, "must be an array of strings")
		return nil, false
	}
	list := make([]string, len(items))
	for i, s := range items {
		list[i] = *s
	}
	return list, true
}
