package invalid

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Batch splits a body that is an object with one list, and returns the elements
// of the list as they are written, one beyond most at the most. It looks only at
// quotation marks, brackets and commas: an element that is no JSON, not UTF-8
// or nested too deep spoils no other, and whoever reads it finds out. What is
// wrong with the body beside its elements is answered as by Read.
func Batch(raw []byte, list string, most int) ([]json.RawMessage, FieldErrors, error) {
	c := cutter{raw: raw}
	var (
		items []json.RawMessage
		wrong FieldErrors
		given bool
	)
	c.must('{')
	for more := !c.take('}'); more && !c.broken; more = c.another('}') {
		name := c.name()
		c.must(':')
		switch again := given; {
		case name != list:
			c.checked(c.value())
			if name := Name(name); !wrong.Has(name) && len(wrong) < maxFound {
				wrong = append(wrong, FieldError{name, CodeUnknownField, "is not a field here; known is " + list})
			}
		default:
			given = true
			var ok bool
			if items, ok = c.list(most); !ok && !wrong.Has(list) {
				wrong = append(wrong, FieldError{list, CodeType, "must be an array"})
			}
			if again && !wrong.Has(list) {
				wrong = append(wrong, FieldError{list, CodeDuplicate, "is named more than once"})
			}
		}
	}
	if c.blank(); c.broken || c.pos < len(raw) {
		return nil, nil, whyBroken(raw)
	}
	return items, wrong, nil
}

// whyBroken says what is wrong with a body that could not be split.
func whyBroken(raw []byte) error {
	if err := Check(raw); err != nil {
		return err
	}
	if err := checkUTF8(raw); err != nil {
		return err
	}
	return Malformed{"the body is not valid JSON"}
}

// cutter cuts text that may not be JSON into values, by their marks alone. Once
// broken it stays so.
type cutter struct {
	raw    []byte
	pos    int
	broken bool
}

// next returns the first byte of the next token, 0 at the end.
func (c *cutter) next() byte {
	c.blank()
	if c.pos == len(c.raw) {
		return 0
	}
	return c.raw[c.pos]
}

func (c *cutter) blank() {
	for c.pos < len(c.raw) && strings.IndexByte(blank, c.raw[c.pos]) >= 0 {
		c.pos++
	}
}

func (c *cutter) take(mark byte) bool {
	if c.broken || c.next() != mark {
		return false
	}
	c.pos++
	return true
}

func (c *cutter) must(mark byte) {
	if !c.take(mark) {
		c.broken = true
	}
}

// another reports whether a comma follows, and not the closing bracket. One of
// the two must.
func (c *cutter) another(closing byte) bool {
	if c.take(',') {
		return true
	}
	c.must(closing)
	return false
}

// name reads the name of a member.
func (c *cutter) name() string {
	if c.next() != '"' {
		c.broken = true
		return ""
	}
	quoted := c.value()
	if c.checked(quoted); c.broken {
		return ""
	}
	return Text(string(quoted))
}

// checked breaks at a value that is not JSON in UTF-8.
func (c *cutter) checked(value []byte) {
	if !utf8.Valid(value) || !json.Valid(value) {
		c.broken = true
	}
}

// list reads the elements of an array, or null, and reports whether it was one
// of the two. It keeps one element beyond most at the most.
func (c *cutter) list(most int) (items []json.RawMessage, ok bool) {
	if !c.take('[') {
		value := c.value()
		c.checked(value)
		return nil, string(value) == "null"
	}
	for more := !c.take(']'); more && !c.broken; more = c.another(']') {
		if item := c.value(); len(items) <= most {
			items = append(items, item)
		}
	}
	return items, true
}

// value cuts one value off, up to the mark at which it must end.
func (c *cutter) value() []byte {
	c.blank()
	start, depth := c.pos, 0
	for c.pos < len(c.raw) && !c.broken {
		switch b := c.raw[c.pos]; {
		case b == '"':
			c.skipString()
		case b == '{' || b == '[':
			depth++
			c.pos++
		case depth > 0 && (b == '}' || b == ']'):
			depth--
			c.pos++
		case depth == 0 && strings.IndexByte(blank+",:]}", b) >= 0:
			c.broken = c.pos == start
			return c.raw[start:c.pos]
		default:
			c.pos++
			continue
		}
		if depth == 0 {
			return c.raw[start:c.pos]
		}
	}
	c.broken = true // the end came first
	return c.raw[start:c.pos]
}

func (c *cutter) skipString() {
	for c.pos++; c.pos < len(c.raw); c.pos++ {
		switch c.raw[c.pos] {
		case '\\':
			c.pos++
		case '"':
			c.pos++
			return
		}
	}
	c.pos, c.broken = len(c.raw), true
}
