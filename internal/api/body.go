package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"belfry/internal/invalid"
)

// readBody decodes one JSON object, field by field, into the targets. A field
// that is unknown or of another type is wrong. One that is absent or null leaves
// its target as it is. No body at all is an empty object.
func readBody(raw *json.RawMessage, targets map[string]any) (invalid.FieldErrors, error) {
	if raw == nil || len(*raw) == 0 {
		return nil, nil
	}
	body, wrong, err := invalid.Read(*raw, slices.Sorted(maps.Keys(targets))...)
	for name, value := range body {
		if target, known := targets[name]; known && json.Unmarshal(value, target) != nil {
			wrong.Add(name, invalid.CodeType, "must be "+kindOf(target))
		}
	}
	return wrong, err
}

// kindOf says in words what a target takes.
func kindOf(target any) string {
	switch target.(type) {
	case *bool:
		return "true or false"
	case *int, **int:
		return "a whole number"
	case **uuid.UUID:
		return "an id"
	case *[]uuid.UUID:
		return "an array of ids"
	case *[]string:
		return "an array of strings"
	default:
		return "a string"
	}
}

// splitList splits a filter that may be given several times, comma-separated, or
// both.
func splitList[T ~string](given []T) []string {
	var list []string
	for _, text := range given {
		for word := range strings.SplitSeq(string(text), ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, word)
			}
		}
	}
	return list
}

const defaultLimit = 50

// page reads limit and cursor, which checkQuery found to be right.
func page(operation string, limit *int, cursor *string) (n int, after string) {
	n = defaultLimit
	if limit != nil {
		n = *limit
	}
	after, _ = readCursor(operation, value(cursor))
	return n, after
}

// pageID is page for lists in the order of ids.
func pageID(operation string, limit *int, cursor *string) (int, uuid.UUID, error) {
	n, after := page(operation, limit, cursor)
	if after == "" {
		return n, uuid.Nil, nil
	}
	id, err := uuid.Parse(after)
	if err != nil {
		return n, id, invalid.FieldErrors{{Field: "cursor", Code: invalid.CodeFormat, Message: "is not a cursor of this list"}}
	}
	return n, id, nil
}

// readCursor returns the key that newCursor put into a cursor, if it did so for
// the same operation. No cursor at all has no key.
func readCursor(operation, cursor string) (after string, ok bool) {
	if cursor == "" {
		return "", true
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !utf8.Valid(raw) || bytes.ContainsRune(raw, 0) {
		return "", false
	}
	after, ok = strings.CutPrefix(string(raw), operation+":")
	return after, ok && after != ""
}

// newCursor names the operation too: the key of one list means nothing to
// another.
func newCursor(operation, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(operation + ":" + key))
}

// next cuts a list that was read one item too long, and returns the cursor of
// the page after it.
func next[T any](operation string, list []T, n int, key func(T) string) ([]T, *string) {
	if len(list) <= n {
		return list, nil
	}
	list = list[:n]
	cursor := newCursor(operation, key(list[n-1]))
	return list, &cursor
}

// orRest is the cursor of a list that ended before its page was full: rest is
// where to go on, if it ended because enough had been looked at.
func orRest(operation string, cursor *string, rest uuid.UUID) *string {
	if cursor == nil && rest != uuid.Nil {
		further := newCursor(operation, rest.String())
		return &further
	}
	return cursor
}

// orNil returns nil for the zero value, which is null in JSON.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func ptrTo[T any](v T) *T { return &v }

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
