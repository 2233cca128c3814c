package outbound

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"belfry/internal/masking"
)

// sentHeaders returns the headers of a request. A value that is a secret is masked
// whatever it is, and so is one that may hold a secret which is too short, or too common
// a word, to be found within it: that is masked as a whole.
func sentHeaders(m *masking.Masker, headers http.Header, secrets []string) []Header {
	list, unfound := make([]Header, 0, len(headers)), masking.Unfound(secrets)
	for name, values := range headers {
		for _, v := range values {
			if v != "" && (slices.Contains(secrets, v) || mayHold(name, v, unfound)) {
				v = masking.Stars
			}
			list = append(list, Header{name, m.Written(v)})
		}
	}
	return tidy(list)
}

// mayHold reports whether the value of a request's header may hold one of some secrets:
// it does as a word, or encoded in what is a credential. Headers of Belfry's own do not.
func mayHold(name, value string, secrets []string) bool {
	if len(secrets) == 0 || isOurs(name) {
		return false
	}
	return isCredential(name) || slices.ContainsFunc(secrets, func(s string) bool { return hasWord(value, s) })
}

// hasWord reports whether a word stands in a text by itself, and not only as a part of a
// longer one.
func hasWord(text, word string) bool {
	for from := 0; ; from++ {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		from += i
		end := from + len(word)
		if (from == 0 || !isAlphanumeric(text[from-1])) && (end == len(text) || !isAlphanumeric(text[end])) {
			return true
		}
	}
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= fold(c) && fold(c) <= 'z'
}

// isOurs reports whether a header of a request is one that no type of destination
// writes a secret into.
func isOurs(name string) bool {
	name = strings.ToLower(name)
	return name == "content-type" || name == "user-agent" || strings.HasPrefix(name, "webhook-") || strings.HasPrefix(name, "belfry-")
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

// isCredential reports whether a header holds a credential by its name. In an answer
// that is one of the receiver's own, which is nobody's business here.
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
