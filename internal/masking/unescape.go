package masking

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

const (
	escapes   = `\%&+` // what an escape begins with
	maxEscape = 10     // the longest an escape of one byte can be, "&#x00002f;"
)

var isEscape = [256]bool{'\\': true, '%': true, '&': true, '+': true}

// view is a text with its escapes undone that remembers where each byte was.
type view struct {
	text []byte
	at   []int32 // where each byte of text begins in the source; nil if in the same place
	open int     // where in text an escape begins that the end of the source cut off, len(text) if none does
	size int     // of the source
}

// start returns where in the source byte i of the view begins.
func (v view) start(i int) int {
	if v.at == nil {
		return i
	}
	return int(v.at[i])
}

// end returns where in the source byte i of the view ends. Bytes that one escape
// stands for share their place.
func (v view) end(i int) int {
	if v.at == nil {
		return i + 1
	}
	for j := i + 1; j < len(v.at); j++ {
		if v.at[j] != v.at[i] {
			return int(v.at[j])
		}
	}
	return v.size
}

// before returns how many bytes of the view begin before limit in the source.
func (v view) before(limit int) int {
	if v.at == nil {
		return limit
	}
	n, _ := slices.BinarySearch(v.at, int32(limit))
	return n
}

// look calls with for a text as it is and as its charset has it, and for both as
// they read with their escapes undone once and twice, and with those of
// quoted-printable undone (RFC 2045 section 6.7).
func look(text []byte, charset encoding.Encoding, with func(view)) {
	lookThrough(view{text: text, open: len(text), size: len(text)}, with)
	if charset != nil {
		lookThrough(decode(text, charset), with)
	}
}

// lookThrough calls with for a view and for what it reads as.
func lookThrough(v view, with func(view)) {
	with(v)
	if bytes.ContainsAny(v.text, escapes) {
		once := unescape(v.text).within(v)
		with(once)
		if bytes.ContainsAny(once.text, escapes) {
			with(unescape(once.text).within(once))
		}
	}
	if bytes.IndexByte(v.text, '=') >= 0 {
		with(unquotePrintable(v.text).within(v))
	}
}

// within returns a view of a view's text as one of its source.
func (v view) within(outer view) view {
	for i, at := range v.at {
		v.at[i] = int32(outer.start(int(at)))
	}
	v.size = outer.size
	return v
}

// unquotePrintable undoes =XX and joins lines that end in an equals sign.
func unquotePrintable(src []byte) view {
	v := view{text: make([]byte, 0, len(src)), at: make([]int32, 0, len(src)), size: len(src)}
	for i := 0; i < len(src); {
		b, n := src[i], 1
		if b == '=' {
			switch c, ok := hex(src[i:], 1, 3); {
			case ok:
				b, n = byte(c), 3
			case bytes.HasPrefix(src[i:], []byte("=\r\n")):
				i += 3
				continue
			case bytes.HasPrefix(src[i:], []byte("=\n")):
				i += 2
				continue
			}
		}
		v.text, v.at = append(v.text, b), append(v.at, int32(i))
		i += n
	}
	v.open = len(v.text)
	return v
}

// plain returns s with its escapes undone.
func plain(s string) string {
	b := []byte(s)
	if !bytes.ContainsAny(b, escapes) {
		return s
	}
	return string(unescape(b).text)
}

// unescape undoes the escapes of JSON, of C, of URLs and of HTML at once, one
// level deep. A plus sign becomes a space, as in a query, wherever it comes from.
func unescape(src []byte) view {
	v := view{text: make([]byte, 0, len(src)), at: make([]int32, 0, len(src)), open: -1, size: len(src)}
	for i := 0; i < len(src); {
		if !isEscape[src[i]] {
			v.text, v.at = append(v.text, src[i]), append(v.at, int32(i))
			i++
			continue
		}
		known := len(v.text)
		var n int
		v.text, n = appendPlain(v.text, src[i:])
		for j := known; j < len(v.text); j++ {
			if v.text[j] == '+' {
				v.text[j] = ' '
			}
			v.at = append(v.at, int32(i))
		}
		if v.open < 0 && n == 1 && isOpen(src[i:]) {
			v.open = known
		}
		i += n
	}
	if v.open < 0 {
		v.open = len(v.text)
	}
	return v
}

// appendPlain appends to dst what src begins with, and returns how many bytes of
// src that took: an escape, or one byte.
func appendPlain(dst, src []byte) ([]byte, int) {
	switch src[0] {
	case '\\':
		return appendBackslash(dst, src)
	case '%':
		if b, ok := hex(src, 1, 3); ok {
			return append(dst, byte(b)), 3
		}
		if r, ok := hex(src, 2, 6); ok && (src[1] == 'u' || src[1] == 'U') {
			return utf8.AppendRune(dst, r), 6
		}
	case '&':
		if r, n := numbered(src); n > 0 {
			return utf8.AppendRune(dst, r), n
		}
		if n := bytes.IndexByte(src[:min(len(src), maxEscape)], ';') + 1; n > 0 {
			entity := string(src[:n])
			if text := html.UnescapeString(entity); text != entity {
				return append(dst, text...), n
			}
		}
	}
	return append(dst, src[0]), 1
}

// numbered reads &#65; and &#x41; with or without the semicolon, as browsers do,
// and returns how many bytes that took, 0 if it is neither.
func numbered(src []byte) (rune, int) {
	i, base := 2, rune(10)
	if len(src) < 3 || src[1] != '#' {
		return 0, 0
	}
	if src[2] == 'x' || src[2] == 'X' {
		i, base = 3, 16
	}
	begin, r := i, rune(0)
	for ; i < len(src) && i < maxEscape-1; i++ {
		digit, err := strconv.ParseUint(string(src[i:i+1]), int(base), 8)
		if err != nil {
			break
		}
		r = r*base + rune(digit)
	}
	if i == begin || i == len(src) || r > unicode.MaxRune || r < 0 { // more digits may have been cut off
		return 0, 0
	}
	if src[i] == ';' {
		i++
	}
	return r, i
}

var backslashed = map[byte]byte{
	'"': '"', '\'': '\'', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func appendBackslash(dst, src []byte) ([]byte, int) {
	if len(src) < 2 {
		return append(dst, '\\'), 1
	}
	if b, ok := backslashed[src[1]]; ok {
		return append(dst, b), 2
	}
	if b, ok := hex(src, 2, 4); ok && src[1] == 'x' {
		return append(dst, byte(b)), 4
	}
	if len(src) >= 4 {
		if b, err := strconv.ParseUint(string(src[1:4]), 8, 8); err == nil {
			return append(dst, byte(b)), 4
		}
	}
	r, ok := hex(src, 2, 6)
	if src[1] != 'u' || !ok {
		return append(dst, '\\'), 1
	}
	if len(src) >= 12 && src[6] == '\\' && src[7] == 'u' {
		if low, ok := hex(src, 8, 12); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(dst, pair), 12
			}
		}
	}
	return utf8.AppendRune(dst, r), 6
}

// hex reads the hexadecimal digits src[from:to].
func hex(src []byte, from, to int) (rune, bool) {
	if len(src) < to {
		return 0, false
	}
	n, err := strconv.ParseUint(string(src[from:to]), 16, 32)
	return rune(n), err == nil
}

// isOpen reports whether src, all that is left of a text, is an escape that was
// cut off.
func isOpen(src []byte) bool {
	if len(src) > 11 || !bytes.ContainsAny(src[:1], `\%&`) {
		return false
	}
	for _, b := range src[1:] {
		if !('0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '#' || b == '\\') {
			return false
		}
	}
	return true
}
