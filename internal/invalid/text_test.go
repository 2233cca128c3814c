package invalid_test

import (
	"strings"
	"testing"

	"belfry/internal/invalid"
)

func TestText(t *testing.T) {
	t.Parallel()
	for quoted, want := range map[string]string{
		`""`: "", `"a"`: "a", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00e9\u00E9"`: "éé", `"\ud83d\ude00!"`: "😀!",
		`"\u0000"`: "\x00", `"\ud800"`: "\xed\xa0\x80", `"\uDFFFx"`: "\xed\xbf\xbfx", `"\ud800\ud83d\ude00"`: "\xed\xa0\x80😀",
		`"\ud83d\n"`: "\xed\xa0\xbd\n", "\"\xff\"": "\xff", `"\\ud800"`: `\ud800`,
	} {
		if got := invalid.Text(quoted); got != want {
			t.Errorf("%s: got %q, want %q", quoted, got, want)
		}
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "aé😀\ufffd": "", "\ud7ff\ue000": "", "a\x00": "nul must not contain the character U+0000", "\x00\xff": "nul must not contain the character U+0000",
		"\xff":          "format must be valid UTF-8",
		"\xed\x9f\xc0":  "format must be valid UTF-8",
		"\xed\xa0":      "format must be valid UTF-8",
		"\xed\xa0\x80":  "format must be valid Unicode: it contains half of a surrogate pair",
		"a\xed\xbf\xbf": "format must be valid Unicode: it contains half of a surrogate pair",
	} {
		code, message := invalid.CheckText(text)
		if got := strings.TrimSpace(code + " " + message); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		mended, altered := invalid.Mend(text)
		if code, _ := invalid.CheckText(mended); altered != (want != "") || code != "" || !altered && mended != text {
			t.Errorf("%q became %q, altered: %v", text, mended, altered)
		}
	}
}

func TestSuspect(t *testing.T) {
	t.Parallel()
	for json, want := range map[string]bool{
		``: false, `"a"`: false, `"\n\u00e9\u0041"`: false, `"\u0000"`: true, `"a\u00e9\u0000"`: true, `"\ud83d"`: true, `"\uD83D"`: true,
		"\xff": true, `"\u0001\u000"`: false, `"é"`: false, `\u`: false,
	} {
		if got := invalid.Suspect(json); got != want {
			t.Errorf("%q: %v", json, got)
		}
	}
}

// MendJSON and Mend say the same of a string, written and read.
func FuzzMend(f *testing.F) {
	for _, s := range []string{`"a\u0000\ud800\\"`, `"\ud83d\ude00\udead"`, "\"\xff\\n\xed\xa0\x80\"", `"\uD83D\u0000"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, quoted string) {
		if !strings.HasPrefix(quoted, `"`) || !strings.HasSuffix(quoted, `"`) || invalid.Check([]byte(`{"a":`+quoted+`}`)) != nil || strings.Count(quoted, `"`) != 2 {
			return
		}
		text := invalid.Text(quoted)
		want, altered := invalid.Mend(text)
		mended := string(invalid.MendJSON(nil, quoted))
		if got := invalid.Text(mended); got != want {
			t.Errorf("%q is written %q, which says %q and not %q", quoted, mended, got, want)
		}
		if code, _ := invalid.CheckText(text); (code != "") != altered || altered && !invalid.Suspect(quoted) {
			t.Errorf("%q: code %q, altered %v", quoted, code, altered)
		}
		if !altered && mended != quoted {
			t.Errorf("%q is sound, and became %q", quoted, mended)
		}
	})
}
