package masking

import "strings"

// An answer may wrap a secret over lines, write it in another case, group its
// characters by dashes, or cut it short. So a secret is also looked for by its
// ASCII letters and digits alone, without case. What stands between them does not
// matter, the zero bytes of UTF-16 and UTF-32 included.
const (
	// minSpread is how many letters and digits a secret must have to be found
	// with other characters between them: fewer are found only side by side, or
	// each time of day would be the secret "123456".
	minSpread = 8
	// minPart is how much of a secret is found by itself, anywhere in it; of its
	// beginning minSpread is enough. Only a part with a letter and a digit counts:
	// a word of a secret is a word of answers too.
	minPart = 12
	// minBegun is how much of a secret at the end of a text that was cut off is
	// taken for its beginning.
	minBegun = 6
)

// foldByte returns a letter in lower case or a digit, and 0 for all else.
func foldByte(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return 0
}

// folded returns the letters and digits of s, without case.
func folded(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := foldByte(s[i]); c != 0 {
			b = append(b, c)
		}
	}
	return string(b)
}

// foldedView is the letters and digits of a view.
type foldedView struct {
	of   view
	text []byte
	at   []int32 // where each byte of text is in the view
}

// smallText is how many bytes a text may have to be folded on the stack: most
// header values and many bodies are no longer.
const smallText = 256

// foldInto appends the letters and digits of v to text, and where each is to at.
func foldInto(v view, text []byte, at []int32) foldedView {
	for i, b := range v.text {
		if c := foldTable[b]; c != 0 {
			text, at = append(text, c), append(at, int32(i))
		}
	}
	return foldedView{of: v, text: text, at: at}
}

var foldTable = func() (t [256]byte) {
	for c := range t {
		t[c] = foldByte(byte(c))
	}
	return t
}()

// spreads reports whether the n letters and digits from i on have something
// between them.
func (f foldedView) spreads(i, n int) bool { return f.at[i+n-1]-f.at[i] != int32(n-1) }

// scanFolded adds the parts of a view that are secret by their letters and digits
// and begin before limit in the source.
func (m *Masker) scanFolded(spans []span, v view, limit int, cut bool) []span {
	if m.folded == nil || len(m.folded.patterns) == 0 {
		return spans
	}
	var (
		smallBytes [smallText]byte
		smallAt    [smallText]int32
	)
	text, at := smallBytes[:0], smallAt[:0]
	if len(v.text) > smallText {
		text, at = make([]byte, 0, len(v.text)), make([]int32, 0, len(v.text))
	}
	f := foldInto(v, text, at)
	end := v.before(limit)
	for i := 0; i+headSize <= len(f.text) && int(f.at[i]) < end; i++ {
		n := m.folded.match(f.text[i:])
		if n == 0 || n < minSpread && f.spreads(i, n) {
			continue
		}
		spans = append(spans, span{v.start(int(f.at[i])), v.end(int(f.at[i+n-1]))})
	}
	if !cut {
		return spans
	}
	if n := m.folded.begun(f.text); n >= minBegun {
		if from := v.start(int(f.at[len(f.text)-n])); from < limit {
			spans = append(spans, span{from, v.size})
		}
	}
	return spans
}

// foldedPatterns returns what is looked for of secrets by letters and digits: the
// secrets, what is left of them when escapes are undone, each in the bases, and
// parts of those that look like keys.
func foldedPatterns(secrets []string) []string {
	var all []string
	add := func(p string, atLeast int) {
		if p = folded(p); len(p) >= atLeast {
			all = append(all, p)
		}
	}
	for _, s := range secrets {
		add(s, minSecret)
		if p := plain(s); p != s {
			add(p, minSecret)
		}
		if len(s) >= minInside {
			for _, p := range inBases(s) {
				add(p, minPart)
			}
		}
		all = append(all, parts(s)...)
	}
	return all
}

// parts returns what of a secret is found by itself. An address has none: it
// holds the names of hosts and the words of paths.
func parts(s string) []string {
	if strings.Contains(s, "://") || strings.HasPrefix(s, "/") {
		return nil
	}
	var all []string
	for run := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == '/' || r == ',' || r == ';' || r == '=' }) {
		p := folded(run)
		if len(p) < minPart {
			continue
		}
		for n := minSpread; n < len(p); n++ {
			if isMixed(p[:n]) {
				all = append(all, p[:n])
				break
			}
		}
		for i := 0; i+minPart <= len(p); i++ {
			if isMixed(p[i : i+minPart]) {
				all = append(all, p[i:i+minPart])
			}
		}
	}
	return all
}

// isMixed reports whether s has a letter and a digit.
func isMixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' })
}
