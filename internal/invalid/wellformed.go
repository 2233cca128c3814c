package invalid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth bounds the nesting of objects and arrays, the body itself included,
// so that whatever reads it later can recurse without fear.
const maxDepth = 100

// Check returns a Malformed unless raw is one JSON object, nested at most
// maxDepth deep. Its strings may hold bytes that are not UTF-8.
func Check(raw []byte) error {
	switch {
	case nestedTooDeep(raw):
		return Malformed{fmt.Sprintf("the body is nested more than %d levels deep", maxDepth)}
	case !json.Valid(raw):
		return Malformed{"the body " + describeSyntaxError(raw)}
	case bytes.TrimLeft(raw, blank)[0] != '{':
		return Malformed{"the body must be a JSON object"}
	}
	return nil
}

// blank is the white space of JSON.
const blank = " \t\r\n"

// checkUTF8 returns a Malformed unless raw is UTF-8.
func checkUTF8(raw []byte) error {
	if utf8.Valid(raw) {
		return nil
	}
	return Malformed{"the body is not valid UTF-8 at " + position(raw, firstInvalid(raw))}
}

func firstInvalid(raw []byte) int {
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(raw)
}

// nestedTooDeep looks at text that may not be JSON at all, for which any
// answer is right.
func nestedTooDeep(raw []byte) bool {
	if bytes.Count(raw, []byte("{"))+bytes.Count(raw, []byte("[")) <= maxDepth {
		return false // nearly every alert, and much faster than the loop
	}
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			if depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// describeSyntaxError says where raw stops being JSON. It uses none of the
// words of encoding/json, which quote what they stumbled over.
func describeSyntaxError(raw []byte) string {
	if bytes.HasPrefix(raw, []byte("\ufeff")) {
		return "starts with a byte order mark, which JSON does not allow"
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	err := decoder.Decode(&json.RawMessage{})
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		rest := bytes.TrimLeft(raw[decoder.InputOffset():], blank)
		return "holds more than one JSON value: the second starts at " + position(raw, len(raw)-len(rest))
	case errors.Is(err, io.EOF):
		return "is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "ends in the middle of its JSON, at " + position(raw, len(raw))
	case errors.As(err, &syntax):
		return "is not valid JSON at " + position(raw, int(syntax.Offset)-1)
	}
	return "is not valid JSON"
}

// position counts lines and columns from 1, columns in characters.
func position(raw []byte, offset int) string {
	before := raw[:min(max(offset, 0), len(raw))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", 1+bytes.Count(before, []byte("\n")), 1+utf8.RuneCount(line))
}
