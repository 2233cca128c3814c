// Package spelling finds what makes a name look like another one, or like nothing
// at all: invisible characters, characters that turn the direction of text, letters
// of scripts that look alike. It follows UTS 39 (Unicode Security Mechanisms).
package spelling

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/runenames"
)

// CharacterError is the first character of a name that a name must not have, and why.
type CharacterError struct {
	Rune    rune
	Place   int  // counted in characters, from 1
	Control bool // a control character in the sense of Unicode (Cc)
	why     string
}

// Error says it to a person, as what is to be said of a field.
func (e *CharacterError) Error() string {
	return fmt.Sprintf("must not have %s (%s character): %s", named(e.Rune), ordinal(e.Place), e.why)
}

// named says which character it is: U+202E RIGHT-TO-LEFT OVERRIDE. The character
// itself is shown only where it is a letter.
func named(r rune) string {
	point := fmt.Sprintf("U+%04X", r)
	if unicode.IsLetter(r) && unseen(r) == "" {
		point = fmt.Sprintf("%q %s", string(r), point)
	}
	return strings.TrimSpace(point + " " + runenames.Name(r))
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprint(n, suffix)
}

// Check returns the first character that a name must not have, or nil.
func Check(name string) *CharacterError {
	rs := []rune(name)
	for i, r := range rs {
		if why := unseen(r); why != "" && !inEmoji(rs, i) {
			return &CharacterError{r, i + 1, unicode.IsControl(r), why}
		}
	}
	return mixed(rs)
}

// unseen says why a character must not be in a name; "" if it may.
func unseen(r rune) string {
	switch {
	case unicode.IsControl(r):
		return "control characters are not shown"
	case unicode.Is(unicode.Bidi_Control, r):
		return "it turns the direction in which text is shown"
	case invisible(r):
		return "it is not shown, so that two names would look the same"
	case unicode.In(r, unicode.Zl, unicode.Zp):
		return "it breaks the line"
	case unicode.Is(unicode.Co, r):
		return "it is for private use: everywhere it looks different"
	case r == unicode.ReplacementChar:
		return "it stands for what could not be read"
	case unicode.Is(unicode.Cn, r):
		return "Unicode " + unicode.Version + " has no such character"
	}
	return ""
}

// blank are characters that are shown as nothing and yet are none of those that
// Unicode says so of: an empty Braille cell, an empty note, what stood for an object.
const blank = "\u2800\U0001D159\uFFFC"

// invisible reports whether a character is not shown by itself: the property
// Default_Ignorable_Code_Point (UAX 44), and others that format text.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		strings.ContainsRune(blank, r)
}

const (
	zwj    = '\u200D' // joins two emoji to one
	asIcon = '\uFE0F' // shows a symbol as emoji
	keycap = '\u20E3'
)

// flags are the three emoji that are spelt in tags: England, Scotland, Wales.
var flags = []string{
	"\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F",
	"\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F",
	"\U0001F3F4\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F",
}

// inEmoji reports whether an unseen character is part of an emoji, as UTS 51 has
// them.
func inEmoji(rs []rune, i int) bool {
	switch {
	case i == 0:
		return false
	case rs[i] == asIcon:
		key := i+1 < len(rs) && rs[i+1] == keycap && strings.ContainsRune("0123456789#*", rs[i-1])
		return key || icon(rs[i-1]) || strings.ContainsRune("‼⁉ℹ〰〽", rs[i-1])
	case rs[i] == zwj:
		before := i - 1
		for before > 0 && (rs[before] == asIcon || unicode.Is(unicode.Sk, rs[before])) {
			before--
		}
		return icon(rs[before]) && i+1 < len(rs) && icon(rs[i+1])
	case rs[i] >= '\U000E0020' && rs[i] <= '\U000E007F':
		return inFlag(rs, i)
	}
	return false
}

func inFlag(rs []rune, i int) bool {
	for _, flag := range flags {
		n := len([]rune(flag))
		for start := max(0, i-n+1); start < i; start++ {
			if start+n <= len(rs) && string(rs[start:start+n]) == flag {
				return true
			}
		}
	}
	return false
}

// icon reports whether a character may be an emoji.
func icon(r rune) bool {
	return unicode.In(r, unicode.So, unicode.Sm) && !strings.ContainsRune(blank, r)
}
