package masking

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
)

var base64s = []*base64.Encoding{
	base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
}

var urlAlphabet = strings.NewReplacer("+", "-", "/", "_") // RFC 4648 section 5

// minInside is how long a secret must be for its hexadecimal digits, and for
// base64 of a text that it is a part of, to say enough of it and nothing else.
const minInside = 8

// spellings returns what an answer may write for s: s itself, base64 and
// hexadecimal digits of it, s escaped as the common libraries escape it, and
// what becomes of each of these when a view undoes escapes that were none.
func spellings(s string) []string {
	all := append([]string{s}, escaped(s)...)
	for _, b := range base64s {
		all = append(all, b.EncodeToString([]byte(s)))
	}
	if len(s) >= minInside {
		all = append(append(all, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s)), inside(s)...)
	}
	for _, a := range all {
		if p := plain(a); p != a {
			all = append(all, p)
		}
	}
	return all
}

// inside returns the characters that stand for s, and for nothing else, in the
// base64 of a text around it. They depend on how many bytes come before: three
// bytes make four characters, and one at either end may be shared.
func inside(s string) []string {
	var all []string
	for before := range 3 {
		text := append(make([]byte, before), s...)
		chars := base64.RawStdEncoding.EncodeToString(text)[(before*8+5)/6 : len(text)*8/6]
		all = append(all, chars)
		if strings.ContainsAny(chars, "+/") {
			all = append(all, urlAlphabet.Replace(chars))
		}
	}
	return all
}

func escaped(s string) []string {
	if !strings.ContainsFunc(s, isSpecial) {
		return nil
	}
	all := []string{url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s)}
	for _, forHTML := range []bool{true, false} {
		text := jsonText(s, forHTML)
		all = append(all, text, strings.ReplaceAll(text, "/", `\/`))
	}
	return all
}

// isSpecial reports whether some format may need to escape r. RFC 3986 section
// 2.3 lists what no one does.
func isSpecial(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~", r)
}

func jsonText(s string, forHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	e.Encode(s) //nolint:errcheck // a string into memory
	return strings.TrimSuffix(b.String()[1:], "\"\n")
}
