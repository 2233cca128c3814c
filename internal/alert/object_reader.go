package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"belfry/internal/invalid"
)

// valueError is what is wrong with a value: an invalid.FieldError without the field.
type valueError struct {
	code, message string
}

var noError valueError

// fieldRule says what the text of a field, or of each entry of a list, must be.
type fieldRule struct {
	field     string
	required  bool // the field must be given
	exact     bool // a text that cannot be stored is refused, not altered
	filled    bool // a text must not be blank
	plain     bool // a text must not contain control characters
	maxLength int  // in characters; 0 for no limit of its own
	maxCount  int  // of entries, in a list
}

// objectReader hands out the fields of a body and collects what is wrong with them,
// and what had to be altered, in the order in which they are asked for.
type objectReader struct {
	object  invalid.Object
	suspect bool // something may have to be altered
	wrong   invalid.FieldErrors
	altered altered
}

func (f *objectReader) refuse(field string, bad valueError) {
	f.wrong = append(f.wrong, invalid.FieldError{Field: field, Code: bad.code, Message: bad.message})
}

// value returns a field as the producer wrote it, or "" when there is nothing
// to look at: it is absent or null, or refused already.
func (f *objectReader) value(r fieldRule) string {
	value, repeated := f.object.Find(r.field)
	switch {
	case repeated:
		f.refuse(r.field, valueError{invalid.CodeDuplicate, "is named more than once"})
		return ""
	case value != "" && value != "null":
		return value
	case r.required:
		f.refuse(r.field, valueError{invalid.CodeRequired, "is required"})
	}
	return ""
}

// noEntry stands for the field itself, where entries of a list have numbers.
const noEntry = -1

func (r fieldRule) place(entry int) string {
	if entry == noEntry {
		return r.field
	}
	return fmt.Sprintf("%s[%d]", r.field, entry)
}

// read decodes value and returns its text, or the first thing wrong with it.
func (f *objectReader) read(r fieldRule, entry int, value string) (string, valueError) {
	if value[0] != '"' {
		return "", valueError{invalid.CodeType, "must be a string"}
	}
	text := invalid.Text(value)
	if f.suspect {
		if code, message := invalid.CheckText(text); code != "" {
			if r.exact {
				return "", valueError{code, message}
			}
			text, _ = invalid.Mend(text)
			f.altered.add(r.place(entry))
		}
	}
	switch {
	case r.filled && strings.TrimSpace(text) == "":
		return "", valueError{invalid.CodeRequired, "must not be empty"}
	case r.maxLength > 0 && len(text) > r.maxLength && utf8.RuneCountInString(text) > r.maxLength:
		return "", valueError{invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters long", r.maxLength)}
	case r.plain && strings.IndexFunc(text, unicode.IsControl) >= 0:
		return "", valueError{invalid.CodeControlCharacter, "must not contain line breaks, tabs or other control characters"}
	}
	return text, noError
}

// text returns "" for a field that is absent or wrong.
func (f *objectReader) text(r fieldRule) string {
	value := f.value(r)
	if value == "" {
		return ""
	}
	text, bad := f.read(r, noEntry, value)
	if bad != noError {
		f.refuse(r.field, bad)
	}
	return text
}

// list returns nil for a field that is absent or no list.
func (f *objectReader) list(r fieldRule) []string {
	value := f.value(r)
	if value == "" {
		return nil
	}
	if value[0] != '[' {
		f.refuse(r.field, valueError{invalid.CodeType, "must be an array of strings"})
		return nil
	}
	list := invalid.Elements(value)
	if len(list) > r.maxCount {
		f.refuse(r.field, valueError{invalid.CodeTooMany, fmt.Sprintf("must have at most %d entries", r.maxCount)})
		return nil
	}
	for i, element := range list {
		text, bad := f.read(r, i, element)
		if bad != noError {
			f.refuse(r.place(i), bad)
		}
		list[i] = text
	}
	return list
}

// enum returns "" for a field that is absent or wrong.
func enum[T ~string](f *objectReader, r fieldRule, allowed []T) T {
	text := T(f.text(r))
	if text == "" || slices.Contains(allowed, text) {
		return text
	}
	names := make([]string, len(allowed))
	for i, name := range allowed {
		names[i] = string(name)
	}
	f.refuse(r.field, valueError{invalid.CodeEnum, "must be one of " + strings.Join(names, ", ") + ", in upper case"})
	return ""
}

// alertID refuses what would not survive as one segment of a path.
func (f *objectReader) alertID() string {
	r := fieldRule{field: "alertId", exact: true, filled: true, plain: true, maxLength: 256}
	id := f.text(r)
	if strings.Contains(id, "/") || id == "." || id == ".." {
		f.refuse(r.field, valueError{invalid.CodeFormat, `must not contain "/" and must not be "." or ".."`})
	}
	return id
}

// link treats "" as absent: producers without a page of their own send that.
func (f *objectReader) link() string {
	r := fieldRule{field: "link", plain: true, maxLength: 2048}
	link := f.text(r)
	if link == "" {
		return ""
	}
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		f.refuse(r.field, valueError{invalid.CodeFormat, "must be an absolute URL that starts with http:// or https://"})
	}
	return link
}

const maxContextBytes = 200 << 10 // as in the seeds' product

func (f *objectReader) context() json.RawMessage {
	r := fieldRule{field: "alertContext"}
	value := f.value(r)
	if value == "" {
		return nil
	}
	if value[0] != '{' {
		f.refuse(r.field, valueError{invalid.CodeType, "must be an object"})
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(value)); err != nil {
		f.refuse(r.field, valueError{invalid.CodeMalformed, "must be valid JSON"}) // json.Valid has said it is
		return nil
	}
	if compact.Len() > maxContextBytes {
		f.refuse(r.field, valueError{invalid.CodeTooLong, fmt.Sprintf("must be at most %d bytes without white space", maxContextBytes)})
	}
	if !f.suspect {
		return compact.Bytes()
	}
	// Measured before, so that no replacement makes it too long.
	return f.altered.context(compact.Bytes())
}

// maxUnknownErrors bounds an answer that could otherwise be many times as long
// as the body: no other list of errors grows with what is sent.
const maxUnknownErrors = 100

// unknown returns the names outside known, and refuses those that are given twice.
func (f *objectReader) unknown(known []string) []string {
	var names []string
	errorsBefore := len(f.wrong)
	for i, m := range f.object {
		if slices.Contains(known, m.Name) || f.object.Repeated(i) {
			continue
		}
		name, _ := invalid.Mend(m.Name)
		names = append(names, name)
		if i > 0 && m.Name == f.object[i-1].Name && len(f.wrong)-errorsBefore < maxUnknownErrors {
			f.refuse(invalid.Name(m.Name), valueError{invalid.CodeDuplicate, "is named more than once"})
		}
	}
	return names
}
