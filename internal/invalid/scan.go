package invalid

import "strings"

// Scanner walks JSON text that [Check] has accepted. Knowing that, it never
// checks the grammar: commas and colons mean as little to it as white space.
//
// It exists because encoding/json folds the case of names, keeps the last of
// two equal ones, and turns what is no text into U+FFFD, all silently.
type Scanner struct {
	Text string
	Pos  int
}

// Gap moves to the next token.
func (s *Scanner) Gap() {
	for strings.IndexByte(" \t\r\n,:", s.Text[s.Pos]) >= 0 {
		s.Pos++
	}
}

// Next moves to the next element of an array or the next name of an object.
// At the end it moves past the closing bracket and returns false.
func (s *Scanner) Next() bool {
	s.Gap()
	if c := s.Text[s.Pos]; c == ']' || c == '}' {
		s.Pos++
		return false
	}
	return true
}

// Skip moves past the value or name at hand and returns its text.
func (s *Scanner) Skip() string {
	start := s.Pos
	switch s.Text[s.Pos] {
	case '"':
		s.skipString()
	case '{', '[':
		s.skipNested()
	default:
		end := strings.IndexAny(s.Text[s.Pos:], " \t\r\n,]}")
		if end < 0 {
			end = len(s.Text) - s.Pos
		}
		s.Pos += end
	}
	return s.Text[start:s.Pos]
}

func (s *Scanner) skipString() {
	for s.Pos++; s.Text[s.Pos] != '"'; s.Pos++ {
		if s.Text[s.Pos] == '\\' {
			s.Pos++
		}
	}
	s.Pos++
}

func (s *Scanner) skipNested() {
	for depth := 0; ; {
		switch s.Text[s.Pos] {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.Pos++
		if depth == 0 {
			return
		}
	}
}

// Elements returns the elements of an array as they are written.
func Elements(array string) []string {
	elements := make([]string, 0, 4)
	s := Scanner{Text: array, Pos: 1}
	for s.Next() {
		elements = append(elements, s.Skip())
	}
	return elements
}
