package alert

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks JSON text that json.Valid has accepted. Knowing that, it never
// checks the grammar: commas and colons mean as little to it as white space.
//
// It exists because encoding/json folds the case of names, keeps the last of
// two equal ones, and turns an unpaired surrogate into U+FFFD, all silently.
type scanner struct {
	text string
	pos  int
}

// gap moves to the next token.
func (s *scanner) gap() {
	for strings.IndexByte(" \t\r\n,:", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// next moves to the next element of an array or the next name of an object.
// At the end it moves past the closing bracket and returns false.
func (s *scanner) next() bool {
	s.gap()
	if c := s.text[s.pos]; c == ']' || c == '}' {
		s.pos++
		return false
	}
	return true
}

// skip moves past the value or name at hand and returns its text.
func (s *scanner) skip() string {
	start := s.pos
	switch s.text[s.pos] {
	case '"':
		s.skipString()
	case '{', '[':
		s.skipNested()
	default:
		end := strings.IndexAny(s.text[s.pos:], " \t\r\n,]}")
		if end < 0 {
			end = len(s.text) - s.pos
		}
		s.pos += end
	}
	return s.text[start:s.pos]
}

func (s *scanner) skipString() {
	for s.pos++; s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
}

func (s *scanner) skipNested() {
	for depth := 0; ; {
		switch s.text[s.pos] {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// member is one name of an object and its value, as the producer wrote it.
type member struct {
	name  string
	flaw  flaw // of the name
	value string
}

// membersOf returns the members of an object, sorted by name: equal names are
// neighbours.
func membersOf(object string) []member {
	members := make([]member, 0, 16)
	s := scanner{text: object, pos: strings.IndexByte(object, '{') + 1}
	for s.next() {
		name, bad := unquote(s.skip())
		s.gap()
		members = append(members, member{name: name, flaw: bad, value: s.skip()})
	}
	slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return members
}

func elementsOf(array string) []string {
	elements := make([]string, 0, 4)
	s := scanner{text: array, pos: 1}
	for s.next() {
		elements = append(elements, s.skip())
	}
	return elements
}

// flawIn returns the flaw of the first string or name in value, at any depth,
// that has one.
func flawIn(value string) flaw {
	if !strings.Contains(value, `\u`) {
		return sound
	}
	for s := (scanner{text: value}); s.pos < len(value); {
		if value[s.pos] != '"' {
			s.pos++
			continue
		}
		start := s.pos
		s.skipString()
		if _, bad := unquote(value[start:s.pos]); bad != sound {
			return bad
		}
	}
	return sound
}

// unquote decodes a JSON string. Its flaw is what JSON allows and we do not:
// U+0000, which Postgres cannot store, and half a surrogate pair, which is no
// text at all.
func unquote(quoted string) (string, flaw) {
	body := quoted[1 : len(quoted)-1]
	if strings.IndexByte(body, '\\') < 0 {
		return body, sound
	}
	found := sound
	text := make([]byte, 0, len(body))
	for len(body) > 0 {
		switch {
		case body[0] != '\\':
			text = append(text, body[0])
			body = body[1:]
		case body[1] != 'u':
			text = append(text, unescape(body[1]))
			body = body[2:]
		default:
			r, size := unescapeRune(body)
			switch {
			case r == 0:
				found = flaw{CodeNUL, "must not contain the character U+0000"}
			case r == unpaired && found == sound:
				found = flaw{CodeFormat, "must be valid Unicode: it contains half of a surrogate pair"}
			}
			text = utf8.AppendRune(text, r) // U+FFFD for unpaired
			body = body[size:]
		}
	}
	return string(text), found
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // quote, backslash, slash
}

// unpaired stands for half a surrogate pair. U+FFFD would not do: a producer
// may write that one itself.
const unpaired rune = -1

// unescapeRune decodes the \uXXXX, or the two that make a surrogate pair, at
// the start of body. It returns how many bytes that takes.
func unescapeRune(body string) (rune, int) {
	r := hexRune(body[2:6])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if rest := body[6:]; strings.HasPrefix(rest, `\u`) {
		if pair := utf16.DecodeRune(r, hexRune(rest[2:6])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return unpaired, 6
}

func hexRune(digits string) rune {
	n, _ := strconv.ParseUint(digits, 16, 16) // json.Valid has seen four hex digits
	return rune(n)
}
