package spelling

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each character of the table has the scripts of its line, and the table is in order:
// it is searched by halves.
func TestScriptsOfExtensions(t *testing.T) {
	t.Parallel()
	last := rune(-1)
	for _, e := range extensions {
		if e.from <= last || e.to < e.from {
			t.Errorf("%U to %U is out of order", e.from, e.to)
		}
		last = e.to
		for r := e.from; r <= e.to; r++ {
			if diff := cmp.Diff(strings.Fields(e.scripts), scriptsOf(r)); diff != "" {
				t.Errorf("%U (-want +got)\n%s", r, diff)
			}
		}
	}
	for r, want := range map[rune]string{'a': "Latin", 'я': "Cyrillic", '1': "", 0x02BB: "", 0x034F: "", 0x302E: "Hangul"} {
		if got := strings.Join(scriptsOf(r), " "); got != want {
			t.Errorf("%U is of %s, want %s", r, got, want)
		}
	}
}

func TestAnyOf(t *testing.T) {
	t.Parallel()
	for scripts, want := range map[string]string{
		"Latin": "Latin", "Old_Permic Tai_Le": "Old Permic or Tai Le", "Han Hiragana Katakana": "Han or Hiragana or Katakana",
		"Cherokee Coptic Cyrillic Greek": "Cherokee, Coptic, Cyrillic or another script", "Old_Permic A B C": "Old Permic, A, B or another script",
	} {
		if got := anyOf(strings.Fields(scripts)); got != want {
			t.Errorf("%s: got %s, want %s", scripts, got, want)
		}
	}
}
