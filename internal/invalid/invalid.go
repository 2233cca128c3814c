// Package invalid says what is wrong with a request: the codes, the errors that
// name fields, and one reader of JSON objects, which lets no name be given twice.
package invalid

import (
	"slices"
	"strings"
)

// The codes of a FieldError: a closed set, part of the API.
const (
	CodeRequired         = "required"          // absent, null, empty or blank where a value must be
	CodeType             = "type"              // another JSON type than the field's
	CodeEnum             = "enum"              // not one of the listed values
	CodeTooLong          = "too_long"          // text (or alertContext) beyond its limit
	CodeTooMany          = "too_many"          // a list beyond its limit
	CodeFormat           = "format"            // right type, wrong form
	CodeControlCharacter = "control_character" // a line break or other control character where none may be
	CodeNUL              = "nul"               // U+0000, which no text of ours may hold
	CodeDuplicate        = "duplicate"         // named or listed twice
	CodeUnknownField     = "unknown_field"     // a field we do not know, where that is refused
	CodeMalformed        = "malformed"         // not the JSON it should be
	CodeConflict         = "conflict"          // at odds with another field or with what is stored
	CodeReserved         = "reserved"          // a name that is ours
)

// FieldError says what is wrong with one field. Message is written for the one who
// sent it and never repeats the value.
type FieldError struct {
	Field   string `json:"field"` // "title", "tags[3]"
	Code    string `json:"code"`
	Message string `json:"message"`
}

// FieldErrors names every wrong field at once (422).
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	var b strings.Builder
	for i, field := range e {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(field.Field)
		b.WriteByte(' ')
		b.WriteString(field.Message)
	}
	return b.String()
}

// Add notes what is wrong with a field, unless something was already.
func (e *FieldErrors) Add(field, code, message string) {
	if !e.Has(field) {
		*e = append(*e, FieldError{Field: field, Code: code, Message: message})
	}
}

// Has reports whether something is wrong with a field.
func (e FieldErrors) Has(field string) bool {
	return slices.ContainsFunc(e, func(f FieldError) bool { return f.Field == field })
}

// Err returns the fields as an error, nil if there are none.
func (e FieldErrors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Sorted is Err with the fields in order of their names.
func (e FieldErrors) Sorted() error {
	slices.SortStableFunc(e, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return e.Err()
}

// Malformed is the error for a body that is not one JSON object (400). Message
// says what is wrong and where, and never repeats the body.
type Malformed struct {
	Message string
}

func (e Malformed) Error() string {
	return e.Message
}
