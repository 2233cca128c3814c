package invalid

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 64  // of a name that somebody made up, in characters
	maxPlace = 128 // of all of a place, in characters
)

// Place is where something is in a JSON object: the names and indexes that lead
// to it. It is written "settings.headers[2].name"; a name that is more than
// letters, digits, _ and - is written ["in quotation marks"].
type Place []step

// step leads to a member, or to an element where index is not negative.
type step struct {
	name  string
	index int
}

// Enter goes to a member of the object at p.
func (p *Place) Enter(name string) { *p = append(*p, step{name, -1}) }

// EnterElement goes to an element of the array at p.
func (p *Place) EnterElement(index int) { *p = append(*p, step{"", index}) }

// Leave goes back.
func (p *Place) Leave() { *p = (*p)[:len(*p)-1] }

// String returns the place, cut short where it is long.
func (p Place) String() string {
	var b strings.Builder
	for i, s := range p {
		name := Name(s.name)
		switch {
		case b.Len() > maxPlace*utf8.UTFMax: // the rest would be cut off
			return cut(b.String(), maxPlace)
		case s.index >= 0:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i == 0:
			b.WriteString(name)
		case name != "" && !strings.ContainsFunc(name, isOdd):
			b.WriteString("." + name)
		default:
			b.WriteString(`["` + nameEscape.Replace(name) + `"]`)
		}
	}
	return cut(b.String(), maxPlace)
}

var nameEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func isOdd(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '…'
}

// Name returns a name that somebody made up as it can be shown: cut short, and
// with U+FFFD for what has no place in a line of text.
func Name(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, cut(name, maxName))
}

// cut shortens text to at most so many characters and an ellipsis, and mends it.
func cut(text string, most int) string {
	end := 0
	for n := 0; n < most && end < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	short, _ := Mend(text[:end])
	if end < len(text) {
		short += "…"
	}
	return short
}
