package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxIndented is how deep JSON may be nested to be indented. Deeper, the
// indentation would be many times as long as the text.
const maxIndented = 100

// text is everything about a request, as one block. Whatever the sender chose is
// written so that it can neither steer a terminal nor pass for a line of ours.
func (got *received) text(withHeaders bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "#%d %s %s %s", got.number, got.at.Format("2006-01-02T15:04:05.000Z07:00"), got.Method, word(got.RequestURI))
	if got.seen.times > 0 {
		fmt.Fprintf(&b, " | webhook-id %s | attempt %s | %s | %s | signature %s",
			word(got.Header.Get("webhook-id")), word(got.Header.Get("Belfry-Attempt")), got.kind(), got.repeat(), got.verdict)
	}
	fmt.Fprintf(&b, " | answering %d", got.answer.status)
	if got.answer.why != "" {
		fmt.Fprintf(&b, " (%s)", got.answer.why)
	}
	b.WriteByte('\n')
	if withHeaders {
		fmt.Fprintf(&b, "Host: %s\n", visible(got.Host))
		for _, name := range slices.Sorted(maps.Keys(got.Header)) {
			for _, value := range got.Header[name] {
				fmt.Fprintf(&b, "%s: %s\n", name, visible(value))
			}
		}
	}
	if got.seen.times > 0 {
		b.Write(pretty(got.body))
	}
	b.WriteString("\n")
	return b.Bytes()
}

func (got *received) kind() string {
	if got.Header.Get("Belfry-Test") != "" {
		return "test"
	}
	return "not a test"
}

func (got *received) repeat() string {
	switch {
	case got.Header.Get("webhook-id") == "":
		return "no webhook-id to tell a repeat by"
	case got.seen.times == 1:
		return "new"
	}
	return fmt.Sprintf("repeat of #%d", got.seen.first)
}

// pretty returns a body for reading: JSON indented, its fields in the order they
// came in and its numbers and links as they were written; anything else quoted.
func pretty(body []byte) []byte {
	if len(body) == 0 {
		return []byte("(no body)\n")
	}
	if !utf8.Valid(body) || !json.Valid(body) {
		return fmt.Appendf(nil, "(not JSON) %s\n", strconv.Quote(string(body)))
	}
	var b bytes.Buffer
	var err error
	if depth(body) > maxIndented {
		err = json.Compact(&b, body)
	} else {
		err = json.Indent(&b, bytes.TrimSpace(body), "", "  ")
	}
	if err != nil {
		return fmt.Appendf(nil, "(not JSON) %s\n", strconv.Quote(string(body))) // cannot be: it is valid
	}
	b.WriteByte('\n')
	return harmless(b.Bytes())
}

// harmless writes what a terminal would act on, and what turns the direction of
// writing, as JSON escapes. In JSON such characters stand in strings only, but
// for the line breaks, which are ours.
func harmless(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029') {
			out = fmt.Appendf(out, `\u%04x`, r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// depth returns how deep valid JSON is nested.
func depth(text []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// visible returns text as it is if every character of it can be seen, else
// quoted.
func visible(text string) string {
	quoted := strconv.Quote(text)
	if quoted[1:len(quoted)-1] == text {
		return text
	}
	return quoted
}

// word is visible for text that stands between others on a line.
func word(text string) string {
	if strings.ContainsAny(text, " |") {
		return strconv.Quote(text)
	}
	return cmp.Or(visible(text), "-")
}
