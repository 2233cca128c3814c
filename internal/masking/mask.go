// Package masking finds secrets in what a receiver answers and replaces them by
// stars, however the answer writes them: escaped, encoded, wrapped, in another case
// or another charset. It knows what secrets a request carries: its header values, its
// signing secrets, and what of its URL is nobody's business.
package masking

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
)

// Stars stand for what was masked.
const Stars = "****"

const (
	// headSize is how many bytes of a pattern find it, and how many at the end
	// of a text that was cut off are taken for the beginning of one.
	headSize = 4
)

// Masker replaces secrets by [Stars]. It knows each secret in the usual spellings,
// and by its letters and digits alone, and looks for them in the text as it is
// and in the text with its escapes undone. It passes over each of these once,
// however many secrets there are. It does not change and may be shared.
type Masker struct {
	patterns []string // longest first, none shorter than minSecret
	// heads and next chain the patterns, longest first, by a hash of their first
	// headSize bytes; 0 ends a chain, n stands for patterns[n-1].
	heads  [headSlots]int32
	next   []int32
	names  *Masker // of the names of an answer's headers, nil in itself
	folded *Masker // of letters and digits alone, without case; nil in itself
}

const (
	headBits  = 11
	headSlots = 1 << headBits
)

// New returns a masker of what a request carries. Making one takes about as long as
// sending a request: see [Cache].
func New(s Sent) *Masker { return newMasker(secretsOf(s)) }

func newMasker(secrets []string) *Masker {
	var ps []string
	for _, s := range slices.Compact(slices.Sorted(slices.Values(secrets))) {
		ps = append(ps, spellings(s)...)
	}
	ps = slices.DeleteFunc(ps, func(p string) bool { return len(p) < minSecret })
	m := index(ps)
	m.names = index(inNames(m.patterns))
	m.folded = index(foldedPatterns(secrets))
	return m
}

func index(ps []string) *Masker {
	slices.SortFunc(ps, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	ps = slices.Compact(ps)
	m := &Masker{patterns: ps, next: make([]int32, len(ps))}
	for i, p := range slices.Backward(ps) {
		h := head([]byte(p[:headSize]))
		m.next[i], m.heads[h] = m.heads[h], int32(i+1)
	}
	return m
}

func head(b []byte) uint32 { return binary.LittleEndian.Uint32(b) * 0x9E3779B1 >> (32 - headBits) }

// Reach returns how many bytes past the last one kept a secret that begins
// before it can end.
func (m *Masker) Reach() int {
	if len(m.patterns) == 0 {
		return 0
	}
	return len(m.patterns[0]) * maxEscape
}

// Part is the part of an answer's body that was read, and how much of it to return.
type Part struct {
	Text        []byte
	ContentType string // of the answer: it may name a charset
	Limit       int    // how many bytes are wanted
	Cut         bool   // Text ends where somebody stopped: its end may be the beginning of a secret
}

// Body returns the first bytes of a body with the secrets in it replaced, also one
// that begins within the limit and ends beyond.
func (m *Masker) Body(p Part) []byte {
	if len(p.Text) == 0 {
		return p.Text
	}
	limit, charset := min(p.Limit, len(p.Text)), charsetOf(p.ContentType)
	if len(p.Text) < minSecret && charset == nil && !p.Cut {
		return p.Text[:limit:limit] // most answers have no more to say than "ok"
	}
	return replace(p.Text, m.spans(charset, p.Text, limit, p.Cut), limit)
}

// replace returns the first limit bytes of text with stars for spans.
func replace(text []byte, spans []span, limit int) []byte {
	if len(spans) == 0 {
		return text[:limit:limit]
	}
	out, last := make([]byte, 0, limit), 0
	for _, s := range spans {
		if s.from >= last {
			out = append(append(out, text[last:s.from]...), Stars...)
		}
		last = max(last, s.to)
	}
	if last < limit {
		out = append(out, text[last:limit]...)
	}
	return out[:min(limit, len(out))]
}

// Text returns s with the secrets in it replaced.
func (m *Masker) Text(s string) string {
	if len(s) < minSecret {
		return s
	}
	b := []byte(s)
	spans := m.spans(nil, b, len(b), false)
	if len(spans) == 0 {
		return s
	}
	return string(replace(b, spans, len(b)))
}

// Name returns the name of an answer's header with the secrets in it replaced, in
// whatever case: net/http does not keep the one that was sent.
func (m *Masker) Name(s string) string {
	spans := m.names.spans(nil, lower(s), len(s), false)
	return m.Text(string(replace([]byte(s), spans, len(s))))
}

// inNames returns those of patterns that a header's name may hold, in lower case.
func inNames(patterns []string) []string {
	const delimiters = " \"(),/:;<=>?@[\\]{}" // RFC 9110 section 5.6.2
	var ps []string
	for _, p := range patterns {
		if !strings.ContainsAny(p, delimiters) {
			ps = append(ps, string(lower(p)))
		}
	}
	return ps
}

// lower returns s with its ASCII letters in lower case, byte for byte.
func lower(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// Written returns s with the secrets in it replaced that stand there in one of
// their spellings. It is for what we write ourselves: nobody wraps or folds that, nor
// escapes it twice.
func (m *Masker) Written(s string) string {
	if len(s) < minSecret {
		return s
	}
	b := []byte(s)
	v := view{text: b, open: len(b), size: len(b)}
	spans := m.scan(nil, v, len(b), false)
	if bytes.ContainsAny(b, escapes) {
		spans = m.scan(spans, unescape(b), len(b), false)
	}
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return string(replace(b, spans, len(b)))
}

// span is a part of a text that must not be stored.
type span struct{ from, to int }

// spans returns the parts of text that are secret and begin before limit,
// ordered by where they begin. They may overlap.
func (m *Masker) spans(charset encoding.Encoding, text []byte, limit int, cut bool) []span {
	if len(m.patterns) == 0 {
		return nil
	}
	var spans []span
	look(text, charset, func(v view) {
		spans = m.scanFolded(m.scan(spans, v, limit, cut), v, limit, cut)
	})
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return spans
}

func (m *Masker) scan(spans []span, v view, limit int, cut bool) []span {
	known := len(spans)
	end := v.before(limit)
	for i := 0; i < end && i+headSize <= len(v.text); i++ {
		n := m.match(v.text[i:])
		if n == 0 {
			continue
		}
		s := span{v.start(i), v.end(i + n - 1)}
		if last := len(spans) - 1; last >= known && s.from < spans[last].to {
			spans[last].to = max(spans[last].to, s.to)
		} else {
			spans = append(spans, s)
		}
	}
	if !cut {
		return spans
	}
	for _, text := range [][]byte{v.text, v.text[:v.open]} {
		if n := m.begun(text); n > 0 && v.start(len(text)-n) < limit {
			spans = append(spans, span{v.start(len(text) - n), v.size})
		}
	}
	return spans
}

// match returns the length of the longest pattern that text begins with. text
// has at least headSize bytes.
func (m *Masker) match(text []byte) int {
	for i := m.heads[head(text)]; i != 0; i = m.next[i-1] {
		if p := m.patterns[i-1]; len(p) <= len(text) && string(text[:len(p)]) == p {
			return len(p)
		}
	}
	return 0
}

// begun returns how many bytes at the end of text are the beginning of a
// pattern, 0 if too few to tell.
func (m *Masker) begun(text []byte) int {
	longest := 0
	for _, p := range m.patterns {
		for n := min(len(p)-1, len(text)); n >= headSize && n > longest; n-- {
			if string(text[len(text)-n:]) == p[:n] {
				longest = n
			}
		}
	}
	return longest
}
