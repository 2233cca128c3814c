package alert

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"belfry/internal/invalid"
)

// hashPrefix is part of what is hashed. A change to the canonical form needs a
// new one, or stored hashes would call an honest repeat a conflict.
const hashPrefix = "belfry-alert-v1\n"

// inputHash returns the SHA-256 of hashPrefix and the canonical form of a body
// that is given: the form is the same for what a producer would call the same
// input, and comes before any default.
//
// The canonical form is the JSON of every top-level field, unknown ones too,
// but for those that are null; names sorted at every depth; strings escaped in
// one way; no white space; elements of arrays in their order. Numbers stay as
// they are written: 1, 1.0 and 1e0 are three inputs. What cannot be stored is
// hashed as it came, not as what replaces it: U+0000 and U+FFFD are two inputs.
func inputHash(object invalid.Object) []byte {
	size := len(hashPrefix) + len("{}")
	for _, m := range object {
		size += len(m.Name) + len(m.Value) + len(`"":,`)
	}
	c := canonical{out: make([]byte, 0, size)}
	c.out = append(c.out, hashPrefix...)
	separator := byte('{')
	for _, m := range object {
		if m.Value == "null" {
			continue
		}
		c.out = append(c.out, separator)
		separator = ','
		c.quote(m.Name)
		c.out = append(c.out, ':')
		c.value(&invalid.Scanner{Text: m.Value})
	}
	c.out = append(c.out, '}')
	sum := sha256.Sum256(c.out)
	return sum[:]
}

// canonical writes the canonical form of JSON values to out.
type canonical struct {
	out     []byte
	members []span // of the objects being written, the innermost last
	sorted  []byte // room for sortMembers to work in
}

// span is where a member of an object lies in out.
type span struct {
	start, nameEnd, end int
}

func (c *canonical) value(s *invalid.Scanner) {
	switch s.Text[s.Pos] {
	case '{':
		c.object(s)
	case '[':
		c.array(s)
	case '"':
		c.string(s.Skip())
	default:
		c.out = append(c.out, s.Skip()...)
	}
}

func (c *canonical) array(s *invalid.Scanner) {
	c.out = append(c.out, '[')
	first := true
	for s.Pos++; s.Next(); first = false {
		if !first {
			c.out = append(c.out, ',')
		}
		c.value(s)
	}
	c.out = append(c.out, ']')
}

func (c *canonical) object(s *invalid.Scanner) {
	outer := len(c.members)
	c.out = append(c.out, '{')
	for s.Pos++; s.Next(); {
		if len(c.members) > outer {
			c.out = append(c.out, ',')
		}
		start := len(c.out)
		c.string(s.Skip())
		nameEnd := len(c.out)
		c.out = append(c.out, ':')
		s.Gap()
		c.value(s)
		c.members = append(c.members, span{start, nameEnd, len(c.out)})
	}
	c.sortMembers(c.members[outer:])
	c.members = c.members[:outer]
	c.out = append(c.out, '}')
}

// sortMembers puts the members of one object, which lie side by side in out,
// in the order of their names. The sort is stable: the same name twice is
// legal below the top level, and which of the two comes last has a meaning.
func (c *canonical) sortMembers(members []span) {
	byName := func(a, b span) int {
		return bytes.Compare(c.out[a.start:a.nameEnd], c.out[b.start:b.nameEnd])
	}
	if slices.IsSortedFunc(members, byName) {
		return
	}
	place := c.out[members[0].start:members[len(members)-1].end]
	slices.SortStableFunc(members, byName)
	c.sorted = c.sorted[:0]
	for i, m := range members {
		if i > 0 {
			c.sorted = append(c.sorted, ',')
		}
		c.sorted = append(c.sorted, c.out[m.start:m.end]...)
	}
	copy(place, c.sorted)
}

func (c *canonical) string(quoted string) {
	c.quote(invalid.Text(quoted))
}

// quote escapes what JSON must have escaped, and that always in the same way.
func (c *canonical) quote(text string) {
	const hexDigits = "0123456789abcdef"
	c.out = append(c.out, '"')
	for i := range len(text) {
		switch b := text[i]; {
		case b == '"' || b == '\\':
			c.out = append(c.out, '\\', b)
		case b < ' ':
			c.out = append(c.out, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
		default:
			c.out = append(c.out, b)
		}
	}
	c.out = append(c.out, '"')
}
