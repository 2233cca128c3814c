package outbound

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
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

// plain returns s with its escapes undone.
func plain(s string) string {
	b := []byte(s)
	if !bytes.ContainsAny(b, escapes) {
		return s
	}
	return string(unescape(b).text)
}

// unescape undoes the escapes of JSON, of URLs and of HTML at once, one level
// deep. A plus sign becomes a space, as in a query, wherever it comes from.
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
	case '&':
		if n := bytes.IndexByte(src[:min(len(src), maxEscape)], ';') + 1; n > 0 {
			entity := string(src[:n])
			if text := html.UnescapeString(entity); text != entity {
				return append(dst, text...), n
			}
		}
	}
	return append(dst, src[0]), 1
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
