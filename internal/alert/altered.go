package alert

import (
	"encoding/json"

	"belfry/internal/invalid"
)

// The list of altered places is for people to read: it ends where nobody would
// read on.
const (
	maxAltered      = 100
	maxAlteredBytes = 4 << 10 // of all places together
)

// altered is where an alert had to be altered.
type altered struct {
	places []string
	bytes  int
	full   bool
}

// add notes a place once: places come in order.
func (l *altered) add(place string) {
	n := len(l.places)
	if l.full || n > 0 && l.places[n-1] == place {
		return
	}
	if n == maxAltered || l.bytes+len(place) > maxAlteredBytes {
		l.full = true
		return
	}
	l.places = append(l.places, place)
	l.bytes += len(place)
}

// context returns alertContext, which is given without white space, with what
// cannot be stored replaced. Nothing else changes.
func (l *altered) context(compact json.RawMessage) json.RawMessage {
	m := mender{s: invalid.Scanner{Text: string(compact)}, altered: l, out: make([]byte, 0, len(compact)+64)}
	m.at.Enter("alertContext")
	m.value()
	return m.out
}

// mender copies JSON that has no white space, and replaces what cannot be stored.
type mender struct {
	s       invalid.Scanner
	out     []byte
	at      invalid.Place
	altered *altered
}

func (m *mender) value() {
	switch m.s.Text[m.s.Pos] {
	case '{':
		m.object()
	case '[':
		m.array()
	case '"':
		m.string()
	default:
		m.out = append(m.out, m.s.Skip()...)
	}
}

func (m *mender) object() {
	m.out = append(m.out, '{')
	m.s.Pos++
	for first := true; m.s.Next(); first = false {
		if !first {
			m.out = append(m.out, ',')
		}
		name := m.s
		m.at.Enter(invalid.Text(name.Skip()))
		m.string()
		m.out = append(m.out, ':')
		m.s.Gap()
		m.value()
		m.at.Leave()
	}
	m.out = append(m.out, '}')
}

func (m *mender) array() {
	m.out = append(m.out, '[')
	m.s.Pos++
	for i := 0; m.s.Next(); i++ {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		m.at.EnterElement(i)
		m.value()
		m.at.Leave()
	}
	m.out = append(m.out, ']')
}

// string copies the string or name at hand. What it says may only look as if it
// had to be altered: then it stays as it is written.
func (m *mender) string() {
	quoted := m.s.Skip()
	if code, _ := invalid.CheckText(invalid.Text(quoted)); code == "" {
		m.out = append(m.out, quoted...)
		return
	}
	m.out = invalid.MendJSON(m.out, quoted)
	if !m.altered.full {
		m.altered.add(m.at.String())
	}
}
