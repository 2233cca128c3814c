package outbound

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func maskText(s string, secrets ...string) string {
	return newMasker(secretsOf(Request{Secrets: secrets}, nil)).text(s)
}

func TestWhatIsMasked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want, secret string }{
		"nothing":                  {"hello", "hello", ""},
		"no match":                 {"hello", "hello", "secret"},
		"too short to be a secret": {"abc abc", "abc abc", "abc"},
		"twice":                    {"secretsecret", "********", "secret"},
		"overlapping itself":       {"ababababa", "****", "ababa"},
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
		"space around":             {"got secret", "got ****", " secret "},
		"half a code point":        {"\xffsecret\xff", "\xff****\xff", "secret"},
	} {
		if got := maskText(test.text, test.secret); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := maskText("abcdef", "abcd", "cdef"); got != stars {
		t.Errorf("overlapping secrets: got %q, want %q", got, stars)
	}
	if got := maskText("abcdefgh", "abcd", "abcdefgh"); got != stars {
		t.Errorf("the longest wins: got %q, want %q", got, stars)
	}
}

func TestEchoIsMasked(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Location", "http://"+r.Host+r.URL.String())
		json.NewEncoder(w).Encode(map[string]any{"headers": r.Header, "url": "http://" + r.Host + r.URL.String(), "uri": r.RequestURI})
	})
	secrets := []string{"Bearer s3cr3t/t0ken+<&>", "key-0123456789", "abc"}
	res := newClient(t, 0).Post(t.Context(), Request{
		URL:     srv.URL + "/hooks/0123456789abcdef?token=qu%65rysecret",
		Header:  []Header{{"Authorization", secrets[0]}, {"X-Api-Key", secrets[1]}, {"X-Short", secrets[2]}, {"X-Plain", "xabcx"}},
		Secrets: secrets,
	})
	wantClass(t, res, Acked, 200)
	all := fmt.Sprintf("%s %s %s %s", res.Body, res.ResponseHeaders, res.RequestHeaders, res.Error)
	for _, part := range []string{"s3cr3t", "t0ken", "key-0", "012345", "querysecret", "qu%65rysecret", "/hooks/"} {
		if strings.Contains(all, part) {
			t.Errorf("%q is left in %s", part, all)
		}
	}
	want := []Header{
		{"Authorization", stars},
		{"Content-Type", "application/json"},
		{"User-Agent", "Belfry/test"},
		{"X-Api-Key", stars},
		{"X-Plain", "xabcx"},
		{"X-Short", stars},
	}
	if diff := cmp.Diff(want, res.RequestHeaders); diff != "" {
		t.Errorf("RequestHeaders (-want +got)\n%s", diff)
	}
}

func TestPartOfASecretAtACutEnd(t *testing.T) {
	t.Parallel()
	const secret = `0123456789/abcdef"x`
	echo := jsonText(secret, false)
	for n := range len(echo) {
		url := serveTCP(t, answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ngot: "+echo[:n]))
		res := newClient(t, 5*time.Second).Post(t.Context(), Request{URL: url, Secrets: []string{secret}})
		want := "got: " + stars
		if n < minSecret {
			want = "got: " + echo[:n]
		}
		if string(res.Body) != want {
			t.Errorf("%d bytes of the secret came: kept %q, want %q", n, res.Body, want)
		}
	}
	// An escape that was cut in two belongs to the secret before it.
	m := newMasker([]string{`abcd<efgh`})
	for _, text := range []string{`abcd\u003cef`, `abcd\u003`, `abcd\u`, `abcd\`, `abcd%3`, `abcd%`, `abcd&l`, `abcd&`, `abcd&#x3`, `abcd%3Ce`} {
		if got := string(m.mask([]byte("x "+text), 100, true)); got != "x "+stars {
			t.Errorf("%q at a cut end: got %q", text, got)
		}
	}
	if got := string(m.mask([]byte("x abcd"), 100, false)); got != "x abcd" {
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
	text := bytes.Repeat([]byte("a"), maxBody)
	began := time.Now()
	newMasker(secrets).mask(text, maxBody, true)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("Bearer abcdefgh", "secret", []byte("x Bearer abcdefgh secret x"), uint16(10), true)
	f.Add(`a"b/c\d`, "%41%42", []byte(`{"a":"a\"b\/c\\d"}`), uint16(100), false)
	f.Add("aaaa", "aaab", []byte("aaaaaaaaaaaaaaaab"), uint16(7), true)
	f.Add("&lt;<>+", `\u00e9é`, []byte(`&lt;&lt;\u00e9`), uint16(20), true)
	f.Fuzz(func(t *testing.T, a, b string, text []byte, limit uint16, cut bool) {
		secrets := []string{a, b}
		m := newMasker(secretsOf(Request{Secrets: secrets}, nil))
		original := bytes.Clone(text)
		got := m.mask(text, int(limit), cut)
		if !bytes.Equal(text, original) {
			t.Error("mask changed its input")
		}
		if len(got) > min(int(limit), len(text)) {
			t.Errorf("mask returned %d bytes of %d, limit %d", len(got), len(text), limit)
		}
		for _, s := range secrets {
			if len(s) < minSecret || strings.Contains(s, "*") || s != strings.TrimSpace(s) {
				continue
			}
			if bytes.Contains(got, []byte(s)) {
				t.Errorf("%q is left in %q", s, got)
			}
			for _, spelling := range append(escaped(s), base64.StdEncoding.EncodeToString([]byte(s))) {
				// Whatever stands around it, and however it reads.
				if echo := m.text(a + spelling + b); strings.Contains(echo, spelling) && !strings.Contains(spelling, "*") {
					t.Errorf("%q is left in %q", spelling, echo)
				}
			}
		}
	})
}

func BenchmarkMask(b *testing.B) {
	secrets := secretsOf(Request{
		URL:     "https://hooks.example.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX?token=0123456789abcdef",
		Secrets: []string{"Bearer 0123456789abcdef0123456789abcdef", "whsec_0123456789abcdef0123456789abcdef", "key-a", "key-b"},
	}, nil)
	long := []byte(strings.Repeat(`{"status":"ok","text":"The quick brown fox","at":"2026-11-21T12:00:00Z"},`, maxBody/70))[:maxBody]
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
				m.mask(text, maxBody, false)
			}
		})
	}
}
