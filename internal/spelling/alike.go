package spelling

import (
	"strings"

	"go.mau.fi/util/confusable"
	"golang.org/x/text/unicode/norm"
)

// Alike reports whether two names, which may be of one script each, look the same:
// whether they have the same skeleton (UTS 39, section 4), as they are or in lower
// case. Names that differ only in ASCII do not count as alike: everybody knows that
// "Site 1" is not "Site l".
func Alike(a, b string) bool {
	a, b = shownOf(a), shownOf(b)
	if beyondASCII(a) == beyondASCII(b) {
		return strings.EqualFold(a, b)
	}
	return confusable.Confusable(a, b) || confusable.Confusable(strings.ToLower(a), strings.ToLower(b))
}

// shownOf takes out of a name what is not shown, and makes one of characters that
// differ in their form only.
func shownOf(name string) string {
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		if unseen(r) != "" {
			return -1
		}
		return r
	}, name))
}

func beyondASCII(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 {
			return -1
		}
		return r
	}, norm.NFC.String(name))
}
