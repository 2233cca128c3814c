package masking

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// size is how much of an answer the tests keep.
const size = 64 << 10

func maskText(s string, secrets ...string) string {
	return New(Sent{Secrets: secrets}).Text(s)
}

func TestWhatIsMasked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want, secret string }{
		"nothing":                  {"hello", "hello", ""},
		"no match":                 {"hello", "hello", "secret"},
		"too short to be a secret": {"abcde abcde", "abcde abcde", "abcde"},
		"just long enough":         {"abcdef abcde", "**** abcde", "abcdef"},
		"a common word":            {`{"type":"application/json"}`, `{"type":"application/json"}`, "Application/JSON"},
		"a common parameter":       {"charset=utf-8", "charset=utf-8", "text/xml; charset=utf-8"},
		"twice":                    {"secretsecret", "********", "secret"},
		"overlapping itself":       {"abababababa", "****", "abababa"},
		"at both ends":             {"secret-secret", "****-****", "secret"},
		"only a part":              {"secre", "secre", "secret"},
		"token of a scheme":        {"got 0123456789", "got ****", "Bearer 0123456789"},
		"token of an own scheme":   {"got 0123456789", "got ****", "GenieKey   0123456789"},
		"short token of a scheme":  {"got 0123456", "got 0123456", "Bearer 0123456"},
		"signing key":              {"got 0123456789abcdef", "got ****", "whsec_0123456789abcdef"},
		"Basic, decoded":           {"user alice:hunter22", "user ****", "Basic YWxpY2U6aHVudGVyMjI="},
		"Basic, password":          {"wrong: hunter22", "wrong: ****", "Basic YWxpY2U6aHVudGVyMjI="},
		"Basic, unpadded":          {"wrong: hunter22", "wrong: ****", "basic YWxpY2U6aHVudGVyMjI"},
		"Basic, user stays":        {"user alice", "user alice", "Basic YWxpY2U6aHVudGVyMjI="},
		"Basic, short password":    {"it was hunte", "it was hunte", "Basic YWxpY2U6aHVudGU="},
		"cookie":                   {"session 0a1b2c", "session ****", "sid=0a1b2c; theme=dark"},
		"last cookie":              {"session 0a1b2c", "session ****", `theme=dark;sid="0a1b2c"`},
		"only cookie":              {"session 0a1b2c", "session ****", "sid=0a1b2c"},
		"cookie with an escape":    {"session s:0a1b+2c", "session ****", "sid=s%3A0a1b%2B2c; theme=dark"},
		"short cookie":             {"it is darks", "it is darks", "sid=0a1b2c; theme=darks"},
		"lower hex":                {"got 3031323334353637 3", "got **** 3", "01234567"},
		"upper hex":                {"got 6A6B6C6D6E6F7071", "got ****", "jklmnopq"},
		"hex of a short secret":    {"got 30313233343536", "got 30313233343536", "0123456"},
		"inside Basic":             {"Basic dXNlcjp0b3BzZWNyZXR2YWx1ZS0wMTIzNDU2Nzg5", "Basic dXNlcjp****", "topsecretvalue-0123456789"},
		"space around":             {"got secret", "got ****", " secret "},
		"half a code point":        {"\xffsecret\xff", "\xff****\xff", "secret"},
	} {
		if got := maskText(test.text, test.secret); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := maskText("abcdefghi", "abcdef", "defghi"); got != Stars {
		t.Errorf("overlapping secrets: got %q, want %q", got, Stars)
	}
	if got := maskText("abcdefgh", "abcdef", "abcdefgh"); got != Stars {
		t.Errorf("the longest wins: got %q, want %q", got, Stars)
	}
}

func TestPartOfASecretAtACutEnd(t *testing.T) {
	t.Parallel()
	// An escape that was cut in two belongs to the secret before it.
	m := newMasker([]string{`abcd<efgh`})
	for _, text := range []string{`abcd\u003cef`, `abcd\u003`, `abcd\u`, `abcd\`, `abcd%3`, `abcd%`, `abcd&l`, `abcd&`, `abcd&#x3`, `abcd%3Ce`} {
		if got := string(m.Body(Part{Text: []byte("x " + text), Limit: 100, Cut: true})); got != "x "+Stars {
			t.Errorf("%q at a cut end: got %q", text, got)
		}
	}
	if got := string(m.Body(Part{Text: []byte("x abcd"), Limit: 100})); got != "x abcd" {
		t.Errorf("at a real end: got %q", got)
	}
}

func TestManySecretsInALongText(t *testing.T) {
	t.Parallel()
	// Quadratic work would take minutes: a periodic text, and secrets that are
	// all found to differ only at their ends.
	var secrets []string
	for i := range 100 {
		secrets = append(secrets, strings.Repeat("a", 200)+fmt.Sprint(i))
	}
	text := bytes.Repeat([]byte("a"), size)
	began := time.Now()
	newMasker(secrets).Body(Part{Text: text, Limit: size, Cut: true})
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("Bearer abcdefgh", "secret", []byte("x Bearer abcdefgh secret x"), uint16(10), true)
	f.Add(`a"b/c\d`, "%41%42", []byte(`{"a":"a\"b\/c\\d"}`), uint16(100), false)
	f.Add("aaaa", "aaab", []byte("aaaaaaaaaaaaaaaab"), uint16(7), true)
	f.Add("&lt;<>+", `\u00e9é`, []byte(`&lt;&lt;\u00e9`), uint16(20), true)
	f.Add("topsecretvalue", "\xfb\xff\xfe>>>???", []byte("Authorization: Basic x\r\n"), uint16(9), false)
	f.Fuzz(func(t *testing.T, a, b string, text []byte, limit uint16, cut bool) {
		secrets := []string{a, b}
		m := New(Sent{Secrets: secrets})
		original := bytes.Clone(text)
		got := m.Body(Part{Text: text, Limit: int(limit), Cut: cut})
		if !bytes.Equal(text, original) {
			t.Error("Body changed its input")
		}
		if len(got) > min(int(limit), len(text)) {
			t.Errorf("Body returned %d bytes of %d, limit %d", len(got), len(text), limit)
		}
		for _, s := range secrets {
			if len(s) < minSecret || common[strings.ToLower(s)] || strings.Contains(s, "*") || s != strings.TrimSpace(s) {
				continue
			}
			if bytes.Contains(got, []byte(s)) {
				t.Errorf("%q is left in %q", s, got)
			}
			for _, spelling := range append(escaped(s), base64.StdEncoding.EncodeToString([]byte(s))) {
				// Whatever stands around it, and however it reads.
				if echo := m.Text(a + spelling + b); strings.Contains(echo, spelling) && !strings.Contains(spelling, "*") {
					t.Errorf("%q is left in %q", spelling, echo)
				}
			}
			if len(s) < minInside {
				continue
			}
			for _, b := range base64s {
				before := int(limit) % (len(text) + 1)
				around := slices.Concat(text[:before], []byte(s), text[before:])
				echo := b.EncodeToString(around)
				own := echo[(before*8+5)/6 : (before+len(s))*8/6]
				if got := m.Text(echo); strings.Contains(got, own) {
					t.Errorf("%q of %q is left in %q", own, s, got)
				}
			}
			if echo := m.Text(fmt.Sprintf("%x%X", text, s)); strings.Contains(echo, fmt.Sprintf("%X", s)) {
				t.Errorf("hexadecimal %q is left in %q", s, echo)
			}
		}
	})
}

func BenchmarkMask(b *testing.B) {
	secrets := secretsOf(Sent{
		URL:     "https://hooks.example.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX?token=0123456789abcdef",
		Secrets: []string{"Bearer 0123456789abcdef0123456789abcdef", "whsec_0123456789abcdef0123456789abcdef", "key-a", "key-b"},
	})
	long := []byte(strings.Repeat(`{"status":"ok","text":"The quick brown fox","at":"2026-11-21T12:00:00Z"},`, size/70))[:size]
	escaped := bytes.ReplaceAll(long, []byte("ok"), []byte(`\/`))
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newMasker(secrets)
		}
	})
	m := newMasker(secrets)
	for name, text := range map[string][]byte{"short": []byte(`{"ok":true}`), "64 KiB": long, "64 KiB escaped": escaped} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m.Body(Part{Text: text, Limit: size})
			}
		})
	}
}
