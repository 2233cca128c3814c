package outbound

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
)

var base64s = []*base64.Encoding{
	base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
}

// spellings returns what an answer may write for s: s itself, base64 of it, s
// escaped as the common libraries escape it, and what becomes of each of these
// when a view undoes escapes that were none.
func spellings(s string) []string {
	all := append([]string{s}, escaped(s)...)
	for _, b := range base64s {
		all = append(all, b.EncodeToString([]byte(s)))
	}
	for _, a := range all {
		all = append(all, plain(a))
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
