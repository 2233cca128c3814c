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
)

// flaw is what is wrong with a value: a FieldError without the field.
type flaw struct {
	code, message string
}

var sound flaw

// fieldRule says what the text of a field, or of each entry of a list, must be.
type fieldRule struct {
	field     string
	required  bool // the field must be given
	filled    bool // a text must not be blank
	plain     bool // a text must not contain control characters
	maxLength int  // in characters; 0 for no limit of its own
	maxCount  int  // of entries, in a list
}

// read decodes value and returns its text, or the first thing wrong with it.
func (r fieldRule) read(value string) (string, flaw) {
	if value[0] != '"' {
		return "", flaw{CodeType, "must be a string"}
	}
	text, bad := unquote(value)
	switch {
	case bad != sound:
		return "", bad
	case r.filled && strings.TrimSpace(text) == "":
		return "", flaw{CodeRequired, "must not be empty"}
	case r.maxLength > 0 && len(text) > r.maxLength && utf8.RuneCountInString(text) > r.maxLength:
		return "", flaw{CodeTooLong, fmt.Sprintf("must be at most %d characters long", r.maxLength)}
	case r.plain && strings.IndexFunc(text, unicode.IsControl) >= 0:
		return "", flaw{CodeControlCharacter, "must not contain line breaks, tabs or other control characters"}
	}
	return text, sound
}

// fields hands out the fields of a body and collects what is wrong with them,
// in the order in which they are asked for.
type fields struct {
	members []member // sorted by name
	invalid Invalid
}

func (f *fields) refuse(field string, bad flaw) {
	f.invalid = append(f.invalid, FieldError{Field: field, Code: bad.code, Message: bad.message})
}

// value returns a field as the producer wrote it, or "" when there is nothing
// to look at: it is absent or null, or refused already.
func (f *fields) value(r fieldRule) string {
	i, found := slices.BinarySearchFunc(f.members, r.field, func(m member, name string) int {
		return strings.Compare(m.name, name)
	})
	switch {
	case found && f.repeated(i):
		f.refuse(r.field, flaw{CodeDuplicate, "is named more than once"})
		return ""
	case found && f.members[i].value != "null":
		return f.members[i].value
	case r.required:
		f.refuse(r.field, flaw{CodeRequired, "is required"})
	}
	return ""
}

// repeated tells whether the name of member i occurs again after it.
func (f *fields) repeated(i int) bool {
	return i+1 < len(f.members) && f.members[i].name == f.members[i+1].name
}

// text returns "" for a field that is absent or wrong.
func (f *fields) text(r fieldRule) string {
	value := f.value(r)
	if value == "" {
		return ""
	}
	text, bad := r.read(value)
	if bad != sound {
		f.refuse(r.field, bad)
	}
	return text
}

// list returns nil for a field that is absent or no list.
func (f *fields) list(r fieldRule) []string {
	value := f.value(r)
	if value == "" {
		return nil
	}
	if value[0] != '[' {
		f.refuse(r.field, flaw{CodeType, "must be an array of strings"})
		return nil
	}
	list := elementsOf(value)
	if len(list) > r.maxCount {
		f.refuse(r.field, flaw{CodeTooMany, fmt.Sprintf("must have at most %d entries", r.maxCount)})
		return nil
	}
	for i, element := range list {
		text, bad := r.read(element)
		if bad != sound {
			f.refuse(fmt.Sprintf("%s[%d]", r.field, i), bad)
		}
		list[i] = text
	}
	return list
}

// enum returns "" for a field that is absent or wrong.
func enum[T ~string](f *fields, r fieldRule, allowed []T) T {
	text := T(f.text(r))
	if text == "" || slices.Contains(allowed, text) {
		return text
	}
	names := make([]string, len(allowed))
	for i, name := range allowed {
		names[i] = string(name)
	}
	f.refuse(r.field, flaw{CodeEnum, "must be one of " + strings.Join(names, ", ") + ", in upper case"})
	return ""
}

// alertID refuses what would not survive as one segment of a path.
func (f *fields) alertID() string {
	r := fieldRule{field: "alertId", filled: true, plain: true, maxLength: 256}
	id := f.text(r)
	if strings.Contains(id, "/") || id == "." || id == ".." {
		f.refuse(r.field, flaw{CodeFormat, `must not contain "/" and must not be "." or ".."`})
	}
	return id
}

// link treats "" as absent: producers without a page of their own send that.
func (f *fields) link() string {
	r := fieldRule{field: "link", plain: true, maxLength: 2048}
	link := f.text(r)
	if link == "" {
		return ""
	}
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		f.refuse(r.field, flaw{CodeFormat, "must be an absolute URL that starts with http:// or https://"})
	}
	return link
}

const maxContextBytes = 200 << 10 // as in the seeds' product

func (f *fields) context() json.RawMessage {
	r := fieldRule{field: "alertContext"}
	value := f.value(r)
	if value == "" {
		return nil
	}
	if value[0] != '{' {
		f.refuse(r.field, flaw{CodeType, "must be an object"})
		return nil
	}
	if bad := flawIn(value); bad != sound {
		f.refuse(r.field, bad)
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(value)); err != nil {
		f.refuse(r.field, flaw{CodeMalformed, "must be valid JSON"}) // json.Valid has said it is
		return nil
	}
	if compact.Len() > maxContextBytes {
		f.refuse(r.field, flaw{CodeTooLong, fmt.Sprintf("must be at most %d bytes without white space", maxContextBytes)})
	}
	return compact.Bytes()
}

// maxUnknownErrors bounds an answer that could otherwise be many times as long
// as the body: no other list of errors grows with what is sent.
const maxUnknownErrors = 100

// unknown returns the names outside known, and refuses those that no later
// version could accept either.
func (f *fields) unknown(known []string) []string {
	var names []string
	errorsBefore := len(f.invalid)
	for i, m := range f.members {
		if slices.Contains(known, m.name) || f.repeated(i) {
			continue
		}
		names = append(names, m.name)
		if len(f.invalid)-errorsBefore == maxUnknownErrors {
			continue
		}
		switch bad := flawIn(m.value); {
		case m.flaw != sound:
			f.refuse(printable(m.name), flaw{m.flaw.code, "has a name that " + m.flaw.message})
		case i > 0 && m.name == f.members[i-1].name:
			f.refuse(printable(m.name), flaw{CodeDuplicate, "is named more than once"})
		case bad != sound:
			f.refuse(printable(m.name), bad)
		}
	}
	return names
}

// printable shortens a name that the producer made up to what fits an error.
func printable(name string) string {
	const most = 64
	runes := []rune(name[:min(len(name), utf8.UTFMax*most+utf8.UTFMax)])
	for i, r := range runes {
		if unicode.IsControl(r) {
			runes[i] = unicode.ReplacementChar
		}
	}
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
