package masking

import "testing"

func TestPlain(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                   "",
		"plain":              "plain",
		`\"\\\/\b\n\'`:       "\"\\/\b\n'",
		`\u0041\u00e9\u20AC`: "Aé€",
		`\ud83d\ude00`:       "😀",
		`\ud83dx`:            "\uFFFDx",
		`\x41\`:              `A\`,
		`\101\1011\400\9`:    `AA1\400\9`,
		`%u0041%u00e9%uzz41`: "Aé%uzz41",
		"&#65x&#x41&#65":     "AxA&#65",
		`\u12`:               `\u12`,
		"%41%c3%A9%zz%4":     "Aé%zz%4",
		"a+b%2Bc":            "a b c",
		"&lt;&amp;&#65;&#x41;&quot;&nbsp;&unknown;&;": "<&AA\"\u00a0&unknown;&;",
		"%255c":         "%5c",
		`\u0025` + "41": "%41",
	} {
		if got := plain(s); got != want {
			t.Errorf("plain(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestViewRemembersPlaces(t *testing.T) {
	t.Parallel()
	src := []byte(`a\u00e9%41&lt;b`)
	v := unescape(src)
	for i, want := range []string{"a", `\u00e9`, `\u00e9`, "%41", "&lt;", "b"} {
		if got := string(src[v.start(i):v.end(i)]); got != want {
			t.Errorf("byte %d of %q comes from %q, want %q", i, v.text, got, want)
		}
	}
	for limit, want := range map[int]int{0: 0, 1: 1, 2: 3, 7: 3, 8: 4, len(src): 6} {
		if got := v.before(limit); got != want {
			t.Errorf("before(%d) = %d, want %d", limit, got, want)
		}
	}
}
