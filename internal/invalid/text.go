package invalid

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns exactly what a JSON string says. U+0000 stays, bytes that are not
// UTF-8 stay, and an escaped half of a surrogate pair becomes the three bytes
// that UTF-8 would have for it, and forbids: Mend finds them all.
func Text(quoted string) string {
	body := quoted[1 : len(quoted)-1]
	if strings.IndexByte(body, '\\') < 0 {
		return body
	}
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
			if utf16.IsSurrogate(r) {
				text = append(text, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
			} else {
				text = utf8.AppendRune(text, r)
			}
			body = body[size:]
		}
	}
	return string(text)
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

// unescapeRune decodes the \uXXXX, or the two that make a surrogate pair, at
// the start of body. It returns how many bytes that takes.
func unescapeRune(body string) (rune, int) {
	r := hexRune(body[2:6])
	if rest := body[6:]; utf16.IsSurrogate(r) && strings.HasPrefix(rest, `\u`) {
		if pair := utf16.DecodeRune(r, hexRune(rest[2:6])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6
}

func hexRune(digits string) rune {
	n, _ := strconv.ParseUint(digits, 16, 16) // Check has seen four hex digits
	return rune(n)
}

// Suspect reports whether text of JSON may hold what cannot be stored. It is
// quick, and false for nearly all that is sent.
func Suspect(json string) bool {
	if !utf8.ValidString(json) {
		return true
	}
	for {
		i := strings.Index(json, `\u`)
		if i < 0 {
			return false
		}
		if json = json[i+2:]; strings.HasPrefix(json, "0000") || strings.HasPrefix(json, "d") || strings.HasPrefix(json, "D") {
			return true
		}
	}
}

// CheckText says why text cannot be stored: it holds U+0000, which Postgres refuses,
// or half of a surrogate pair or other bytes that are not UTF-8, which are no
// text at all. code is "" if there is nothing wrong with it.
func CheckText(text string) (code, message string) {
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return CodeNUL, "must not contain the character U+0000"
	case utf8.ValidString(text):
		return "", ""
	}
	for i := range len(text) {
		if isHalf(text[i:]) {
			return CodeFormat, "must be valid Unicode: it contains half of a surrogate pair"
		}
	}
	return CodeFormat, "must be valid UTF-8"
}

// Mend returns text with U+FFFD in the place of each character that cannot be
// stored, and whether there was one. A byte that is not UTF-8 counts as one.
func Mend(text string) (mended string, altered bool) {
	if code, _ := CheckText(text); code == "" {
		return text, false
	}
	return string(AppendMended(make([]byte, 0, len(text)+2*utf8.UTFMax), text)), true
}

// AppendMended appends what Mend makes of text.
func AppendMended(to []byte, text string) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case isHalf(text):
			r, size = utf8.RuneError, 3
		case r == 0:
			r = utf8.RuneError
		}
		to = utf8.AppendRune(to, r)
		text = text[size:]
	}
	return to
}

// isHalf reports whether text begins with half of a surrogate pair.
func isHalf(text string) bool {
	return len(text) >= 3 && text[0] == 0xed && text[1] >= 0xa0 && text[1] <= 0xbf && text[2] >= 0x80 && text[2] <= 0xbf
}

// MendJSON is Mend for a JSON string as it is written: escapes that say what
// cannot be stored become \ufffd, and all others stay as they are.
func MendJSON(to []byte, quoted string) []byte {
	for len(quoted) > 0 {
		i := strings.IndexByte(quoted, '\\')
		if i < 0 {
			return AppendMended(to, quoted)
		}
		to = AppendMended(to, quoted[:i])
		quoted = quoted[i:]
		size := 2
		if quoted[1] == 'u' {
			var r rune
			if r, size = unescapeRune(quoted); r == 0 || utf16.IsSurrogate(r) {
				to = append(to, `\ufffd`...)
				quoted = quoted[size:]
				continue
			}
		}
		to = append(to, quoted[:size]...)
		quoted = quoted[size:]
	}
	return to
}
