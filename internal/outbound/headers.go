package outbound

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"belfry/internal/masking"
)

// sentHeaders returns the headers of a request. A value that is a secret is masked
// whatever it is.
func sentHeaders(m *masking.Masker, headers http.Header, secrets []string) []Header {
	list := make([]Header, 0, len(headers))
	for name, values := range headers {
		for _, v := range values {
			if v != "" && slices.Contains(secrets, v) {
				v = masking.Stars
			}
			list = append(list, Header{name, m.Written(v)})
		}
	}
	return tidy(list)
}

// maxHeaders is how many bytes of an answer's headers are kept, names and values.
const maxHeaders = 16 << 10

// receivedHeaders returns the headers of an answer, and whether there were more than are
// kept: the first that fit, by name.
func receivedHeaders(m *masking.Masker, headers http.Header) (kept []Header, truncated bool) {
	list := make([]Header, 0, len(headers))
	for name, values := range headers {
		own := false
		if !isUsual[name] {
			own, name = isCredential(name), m.Name(name)
		}
		for _, v := range values {
			switch {
			case own:
				v = masking.Stars
			case name == "Date" && len(v) == len(http.TimeFormat) && strings.HasSuffix(v, " GMT"):
				// What every answer has is spared the search.
			default:
				v = m.Text(v)
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
	name = strings.ToLower(name)
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
