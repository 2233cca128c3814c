package masking

import (
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

// echoes are the ways in which an answer may write a secret.
func echoes(s string) map[string]string {
	upper := strings.NewReplacer("/", `\u002F`, "+", `\u002B`, "<", `\u003C`, "&", `\u0026`, `"`, `\u0022`, "\\", `\\`)
	return map[string]string{
		"as it is":        s,
		"Go JSON":         jsonText(s, true),
		"plain JSON":      jsonText(s, false),
		"PHP JSON":        strings.ReplaceAll(jsonText(s, false), "/", `\/`),
		"PHP JSON hex":    strings.ReplaceAll(jsonText(s, true), "/", `\/`),
		".NET JSON":       upper.Replace(s),
		"query":           url.QueryEscape(s),
		"query, lower":    lowerEscapes(url.QueryEscape(s)),
		"component":       strings.ReplaceAll(url.QueryEscape(s), "+", "%20"),
		"path":            url.PathEscape(s),
		"HTML":            html.EscapeString(s),
		"HTML, slashes":   strings.ReplaceAll(html.EscapeString(s), "/", "&#x2F;"),
		"HTML, named":     strings.ReplaceAll(html.EscapeString(s), "&#34;", "&quot;"),
		"base64":          base64.StdEncoding.EncodeToString([]byte(s)),
		"base64 unpadded": base64.RawStdEncoding.EncodeToString([]byte(s)),
		"base64 URL":      base64.URLEncoding.EncodeToString([]byte(s)),
		"base64 in JSON":  strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "/", `\/`),
		"base64 in query": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))),
	}
}

func lowerEscapes(s string) string {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' {
			s = s[:i] + strings.ToLower(s[i:i+3]) + s[i+3:]
		}
	}
	return s
}

func TestEverySpellingIsMasked(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"abcdef", "0123456789abcdef", `a"b\c/d<e>f&g'h`, "p+a/s=s w%o?r#d~", "пароль-日本", "emoji😀end", "a\tb\nc\x01d",
		"%41%42%43%44%45%46", `\u0041\u0042\u0043\u0044\u0045\u0046`, "&amp;&lt;abcd", "https://hooks.example.com/services/T0/B0/XyZ?token=a%2Fb+c&x=1",
	} {
		for name, spelling := range echoes(secret) {
			for _, frame := range []string{`%s`, `{"echo":"%s","n":1}`, `<p>%s</p>`, "a %s b %[1]s"} {
				text := fmt.Sprintf(frame, spelling)
				want := fmt.Sprintf(frame, Stars)
				if got := maskText(text, secret); got != want {
					t.Errorf("%s: masked %q in %q: got %q, want %q", name, secret, text, got, want)
				}
			}
		}
	}
}

// A receiver may put the whole request, or a part of it, into base64.
func TestSecretInsideBase64IsMasked(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"topsecretvalue-0123456789", "8 bytes!", "ends\xff\xfe\xfb\xff", ">>>???>>>???~~~"} {
		request := "POST / HTTP/1.1\r\nHost: a.example\r\nX-Key: " + secret + "\r\nAccept: */*\r\n\r\n{}"
		at := strings.Index(request, secret)
		for from := range at + 1 {
			for _, b := range base64s {
				echo := b.EncodeToString([]byte(request[from:]))
				first, last := ((at-from)*8+5)/6, (at-from+len(secret))*8/6
				// The character after it may go too, if nothing but the secret is in it.
				want := echo[:first] + Stars + echo[last:]
				if got := maskText(echo, secret); got != want && got != echo[:first]+Stars+echo[last+1:] {
					t.Errorf("%q from byte %d: got %q, want %q", secret, from, got, want)
				}
				if got := maskText(url.QueryEscape(echo), secret); !strings.Contains(got, Stars) {
					t.Errorf("%q from byte %d, in a query: got %q", secret, from, got)
				}
			}
		}
	}
}
