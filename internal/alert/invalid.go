package alert

import "strings"

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

// FieldError says what is wrong with one field. Message is written for the
// one who sent it and never repeats the value.
type FieldError struct {
	Field   string `json:"field"` // "title", "tags[3]"
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Invalid names every wrong field at once (422).
type Invalid []FieldError

func (e Invalid) Error() string {
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

// Malformed is the error for a body that is not one JSON object (400). Message
// says what is wrong and where, and never repeats the body.
type Malformed struct {
	Message string
}

func (e Malformed) Error() string {
	return e.Message
}
