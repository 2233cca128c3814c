package destination

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReadName(t *testing.T) {
	t.Parallel()
	const id = "01934f3c-9a10-7d3b-b7f2-0c6b1f2de002"
	tests := []struct {
		name, given, want string
		wrong             []string
	}{
		{"one character is enough", "a", "a", nil},
		{"blanks around are trimmed", " \t\n My SOAR \u00a0\r\n", "My SOAR", nil},
		{"blanks within stay", "a  b", "a  b", nil},
		{"any script", "アラート 🚨", "アラート 🚨", nil},
		{"SKIP in another word", "SKIPPER", "SKIPPER", nil},
		{"something like an id", id[:35], id[:35], nil},
		{"nothing", "", "", []string{"displayName: required"}},
		{"only blanks", " \t\u00a0\u2003", "", []string{"displayName: required"}},
		{"a line break", "a\nb", "", []string{"displayName: control_character"}},
		{"NUL", "a\x00b", "", []string{"displayName: nul"}},
		{"DEL", "a\x7fb", "", []string{"displayName: control_character"}},
		{"a C1 control", "a\u0085b", "", []string{"displayName: control_character"}},
		{"SKIP", "SKIP", "", []string{"displayName: format"}},
		{"SKIP in another case, with blanks", " sKip ", "", []string{"displayName: format"}},
		{"SKIP in full width, the same name to NameKey", "ＳＫＩＰ", "", []string{"displayName: format"}},
		{"SKIP with a long s and a Kelvin sign", "\u017f\u212aip", "", []string{"displayName: format"}},
		{"an id", id, "", []string{"displayName: format"}},
		{"an id in upper case, with blanks", " " + strings.ToUpper(id) + " ", "", []string{"displayName: format"}},
		{"an id without dashes", strings.ReplaceAll(id, "-", ""), "", []string{"displayName: format"}},
		{"an id in braces", "{" + id + "}", "", []string{"displayName: format"}},
		{"an id as URN", "urn:uuid:" + id, "", []string{"displayName: format"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name := `{"displayName":` + quoted(t, tt.given) + `}`
			d, err := Read(bodyWith(t, name))
			if diff := cmp.Diff(tt.wrong, wrong(t, err)); diff != "" {
				t.Errorf("Read (-want +got)\n%s", diff)
			}
			if err == nil && d.DisplayName != tt.want {
				t.Errorf("got %q, want %q", d.DisplayName, tt.want)
			}
			_, err = mustRead(t, bodyWith(t, `{}`)).Patch([]byte(name))
			if diff := cmp.Diff(tt.wrong, wrong(t, err)); diff != "" {
				t.Errorf("Patch (-want +got)\n%s", diff)
			}
		})
	}
}

func TestNameKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"the same", "SOAR", "SOAR", true},
		{"another case", "SOAR", "soar", true},
		{"another case beyond ASCII", "ÀÉÎ Σ", "àéî ς", true},
		{"sharp s", "Straße", "STRASSE", true},
		{"composed and decomposed", "Caf\u00e9", "Cafe\u0301", true},
		{"full width", "ＳＯＡＲ", "soar", true},
		{"a ligature", "ﬁle", "FILE", true},
		{"a no-break space", "a\u00a0b", "a b", true},
		{"folded to what composes again", "\u0390", "\u03aa\u0301", true},
		{"Cherokee", "\u13a0\u13a1", "\uab70\uab71", true},
		{"an accent matters", "Cafe", "Café", false},
		{"a blank matters", "ab", "a b", false},
		{"another word", "SOAR", "SOAR2", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if a, b := NameKey(tt.a), NameKey(tt.b); (a == b) != tt.same {
				t.Errorf("keys %q and %q: same %v, want %v", a, b, a == b, tt.same)
			}
		})
	}
}

// TestNameKeyIsItsOwnKey: lists are searched, and paged, by keys of keys.
func TestNameKeyIsItsOwnKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("aAΐΪϓἲᾳſKİıŉǰßẞﬁ\u0301\u0308\u0345\u00a8")), 1, 6, -1)).Draw(t, "name")
		key := NameKey(name)
		if again := NameKey(key); again != key {
			t.Fatalf("key %+q, its key %+q", key, again)
		}
		if (key == "") != (name == "") {
			t.Fatalf("the key of %+q is %+q", name, key)
		}
	})
}
