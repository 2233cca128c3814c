package access

import (
	"errors"
	"strings"
)

// What an admin token of the settings must have. Nothing else stands between a
// guess and everything, so it has to be long and random; 32 hexadecimal digits,
// the shortest that is allowed, hold 128 bits.
const (
	minAdminToken      = 32
	minAdminCharacters = 8 // different ones; 32 random hexadecimal digits have some 14
)

// CheckAdminToken says what is wrong with an admin token that an operator chose.
// The error never repeats the token.
func CheckAdminToken(token string) error {
	different := map[byte]bool{}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return errors.New("must be of printable ASCII characters without spaces, because it is sent in a header")
		}
		different[token[i]] = true
	}
	switch {
	case len(token) < minAdminToken:
		return errors.New("must be at least 32 characters, and random")
	case len(different) < minAdminCharacters, repeats(token):
		return errors.New("must be random: it repeats a few characters")
	}
	return nil
}

// repeats reports whether a text is a shorter one, twice or more.
func repeats(text string) bool {
	// A text that stands in its own double, elsewhere than at its ends, does.
	return strings.Contains((text + text)[1:2*len(text)-1], text)
}
