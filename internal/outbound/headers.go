package outbound

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// sent returns the headers of a request. A value that is a secret is masked
// whatever it is.
func (m *masker) sent(headers http.Header, secrets []string) []Header {
	list := make([]Header, 0, len(headers))
	for name, values := range headers {
		for _, v := range values {
			if v != "" && slices.Contains(secrets, v) {
				v = stars
			}
			list = append(list, Header{name, m.written(v)})
		}
	}
	return tidy(list)
}

// maxHeaders is how many bytes of an answer's headers are kept, names and values.
const maxHeaders = 16 << 10

// received returns the headers of an answer, and whether there were more than are
// kept: the first that fit, by name.
func (m *masker) received(headers http.Header) (kept []Header, truncated bool) {
	list := make([]Header, 0, len(headers))
	for name, values := range headers {
		own := false
		if !isUsual[name] {
			own, name = isCredential(name), m.name(name)
		}
		for _, v := range values {
			switch {
			case own:
				v = stars
			case name == "Date" && len(v) == len(http.TimeFormat) && strings.HasSuffix(v, " GMT"):
				// What every answer has is spared the search.
			default:
				v = m.text(v)
			}
			list = append(list, Header{name, v})
		}
	}
	list, left := tidy(list), maxHeaders
	for i, h := range list {
		if left -= len(h.Name) + len(h.Value); left < 0 {
			return list[:i:i], true
		}
	}
	return list, false
}

// isUsual are names that nearly every answer has: they hold no secret.
var isUsual = map[string]bool{
	"Cache-Control": true, "Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Type": true, "Date": true,
	"Keep-Alive": true, "Server": true, "Strict-Transport-Security": true, "Vary": true, "X-Content-Type-Options": true,
}

// isCredential reports whether an answer's header holds a credential of the
// receiver's own, which is nobody's business here.
func isCredential(name string) bool {
	name = string(lower(name))
	switch name {
	case "set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization", "authentication-info":
		return true
	}
	return strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-secret")
}

// tidy makes list valid UTF-8 and sorts it.
func tidy(list []Header) []Header {
	for i, h := range list {
		list[i] = Header{strings.ToValidUTF8(h.Name, "\uFFFD"), strings.ToValidUTF8(h.Value, "\uFFFD")}
	}
	slices.SortStableFunc(list, func(a, b Header) int {
		return cmp.Or(compareFolded(a.Name, b.Name), strings.Compare(a.Name, b.Name))
	})
	return list
}

// compareFolded compares two names, ASCII letters of either case being one.
func compareFolded(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(fold(a[i]), fold(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// name returns the name of an answer's header with the secrets in it replaced,
// in whatever case: net/http does not keep the one that was sent.
func (m *masker) name(s string) string {
	spans := m.names.spans(nil, lower(s), len(s), false)
	return m.text(string(replace([]byte(s), spans, len(s))))
}

// inNames returns those of patterns that a header's name may hold, in lower case.
func inNames(patterns []string) []string {
	const delimiters = " \"(),/:;<=>?@[\\]{}" // RFC 9110 section 5.6.2
	var ps []string
	for _, p := range patterns {
		if !strings.ContainsAny(p, delimiters) {
			ps = append(ps, string(lower(p)))
		}
	}
	return ps
}

// lower returns s with its ASCII letters in lower case, byte for byte.
func lower(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		b[i] = fold(c)
	}
	return b
}
