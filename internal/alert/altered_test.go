package alert_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/alert"
)

// unstorable are ways to write characters that cannot be stored, and what becomes
// of each as text.
var unstorable = map[string]string{
	`\u0000`:              "\ufffd",
	`a\u0000\u0000b`:      "a\ufffd\ufffdb",
	`\ud800`:              "\ufffd",
	`\udc00\ud800`:        "\ufffd\ufffd",
	`\ud800\ud83d\ude00`:  "\ufffd😀",
	`\uD83D\n`:            "\ufffd\n",
	`\ud800 \udc00`:       "\ufffd \ufffd",
	`\ud800\u0000é`:       "\ufffd\ufffdé",
	`\\u0000\u0000`:       `\u0000` + "\ufffd",
	"\xff\xfe":            "\ufffd\ufffd",
	"caf\xe9":             "caf\ufffd",
	"\xe2\x82":            "\ufffd\ufffd",
	"\xed\xa0\x80":        "\ufffd", // half a surrogate pair in three bytes
	"\\ud83d\xed\xb8\x80": "\ufffd\ufffd",
}

func TestParseAltersWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	fields := map[string]func(alert.Alert) string{
		"title":          func(a alert.Alert) string { return a.Title },
		"name":           func(a alert.Alert) string { return a.Name },
		"description":    func(a alert.Alert) string { return a.Description },
		"runbook":        func(a alert.Alert) string { return a.Runbook },
		"destinations[]": func(a alert.Alert) string { return (*a.Override)[1] },
	}
	plain := map[string]func(alert.Alert) string{ // no line breaks
		"link":       func(a alert.Alert) string { return strings.TrimPrefix(a.Link, "http://a/") },
		"version":    func(a alert.Alert) string { return a.Version },
		"tags[]":     func(a alert.Alert) string { return a.Tags[1] },
		"logTypes[]": func(a alert.Alert) string { return a.LogTypes[1] },
	}
	check := func(field, written, want string, get func(alert.Alert) string) {
		value := `"` + written + `"`
		if field == "link" {
			value = `"http://a/` + written + `"`
		}
		name, isList := strings.CutSuffix(field, "[]")
		place := name
		if isList {
			value, place = `["x",`+value+`]`, name+"[1]"
		}
		p := mustParse(t, smallest(`"`+name+`":`+value))
		if got := get(p.Alert); got != want {
			t.Errorf("%s %q: got %q, want %q", field, written, got, want)
		}
		if diff := cmp.Diff([]string{place}, p.Alert.Altered); diff != "" {
			t.Errorf("%s %q: altered (-want +got)\n%s", field, written, diff)
		}
	}
	for written, want := range unstorable {
		for field, get := range fields {
			check(field, written, want, get)
		}
		for field, get := range plain {
			if !strings.Contains(want, "\n") {
				check(field, written, want, get)
			}
		}
	}
}

func TestParseAltersContext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, context, want string
		altered             []string
	}{
		{"a value", `{"cmdline":"/bin/sh\u0000-c"}`, `{"cmdline":"/bin/sh\ufffd-c"}`, []string{"alertContext.cmdline"}},
		{
			"at any depth, without white space", `{ "a" : [ 1 , {"b c": [ "x", "\ud83d" ]} ], "z" : "\u00e9" }`,
			`{"a":[1,{"b c":["x","\ufffd"]}],"z":"\u00e9"}`,
			[]string{`alertContext.a[1]["b c"][1]`},
		},
		{"a name", `{"a\u0000":1,"b":{"\udfff":"\u0000"}}`, `{"a\ufffd":1,"b":{"\ufffd":"\ufffd"}}`, []string{"alertContext[\"a\ufffd\"]", "alertContext.b[\"\ufffd\"]"}},
		{"only that", `{"a":"\ud83d\ude00 \\u0000 \/ \u0041","b":"\u0000","c":1.0e5}`, `{"a":"\ud83d\ude00 \\u0000 \/ \u0041","b":"\ufffd","c":1.0e5}`, []string{"alertContext.b"}},
		{"bytes", "{\"a\xff\":\"caf\xe9 \xed\xa0\x80\"}", "{\"a\ufffd\":\"caf\ufffd \ufffd\"}", []string{"alertContext[\"a\ufffd\"]"}},
		{"a name twice stays twice", `{"a":"\u0000","a":"\u0000"}`, `{"a":"\ufffd","a":"\ufffd"}`, []string{"alertContext.a"}},
		{"two names that become one", `{"a\u0000":1,"a\ufffd":2}`, `{"a\ufffd":1,"a\ufffd":2}`, []string{"alertContext[\"a\ufffd\"]"}},
		{"nothing", `{"a":"\ud83d\ude00","b":"\\u0000","c":"\ufffd"}`, `{"a":"\ud83d\ude00","b":"\\u0000","c":"\ufffd"}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := mustParse(t, smallest(`"alertContext":`+tt.context)).Alert
			if diff := cmp.Diff(tt.want, string(a.Context)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.altered, a.Altered); diff != "" {
				t.Errorf("altered (-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseAlteredInOrder(t *testing.T) {
	t.Parallel()
	a := mustParse(t, smallest(`"alertContext":{"b":"\u0000"},"tags":["\u0000","","\u0000"],"title":"\u0000"`)).Alert
	if diff := cmp.Diff([]string{"title", "tags[0]", "tags[2]", "alertContext.b"}, a.Altered); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseRefusesIDsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for written, code := range map[string]string{
		`\u0000`: "nul", `a\ud800\u0000`: "nul", `\ud800`: "format", `a\udc00`: "format", "\xff": "format", "\xed\xa0\x80": "format",
	} {
		if diff := cmp.Diff([]string{"alertId " + code}, wrong(t, smallest(`"alertId":"a`+written+`"`))); diff != "" {
			t.Errorf("%q (-want +got)\n%s", written, diff)
		}
		if diff := cmp.Diff([]string{"id " + code}, wrong(t, `{"severity":"LOW","type":"RULE","id":"a`+written+`"}`)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", written, diff)
		}
	}
	for field, code := range map[string]string{"severity": "enum", "type": "enum", "createdAt": "format"} {
		if got := wrong(t, `{"id":"a","severity":"LOW","type":"RULE","`+field+`":"\u0000"}`); len(got) == 0 || !strings.HasPrefix(got[0], field) {
			t.Errorf("%s: got %v, want %s", field, got, code)
		}
	}
}

func TestParseLeavesUnknownFieldsOut(t *testing.T) {
	t.Parallel()
	p := mustParse(t, smallest(`"new\u0000":"\u0000","old":{"\ud800":"`+"\xff"+`"}`))
	if diff := cmp.Diff([]string{"new\ufffd", "old"}, p.Ignored); diff != "" || p.Alert.Altered != nil {
		t.Errorf("altered %v, ignored (-want +got)\n%s", p.Alert.Altered, diff)
	}
}

func TestAlteredIsBounded(t *testing.T) {
	t.Parallel()
	bad := strings.Repeat(`"\u0000",`, 20_000) + `"\u0000"`
	for name, context := range map[string]string{
		"many":       `{"a":[` + bad + `]}`,
		"deep names": `{"` + strings.Repeat("é", 5000) + `":{"` + strings.Repeat("x", 5000) + `":[` + bad + `]}}`,
		"many names": `{"` + strings.Repeat("x", 80_000) + `\u0000":"\u0000"}`,
	} {
		places, size := mustParse(t, smallest(`"alertContext":`+context)).Alert.Altered, 0
		for _, p := range places {
			size += len(p)
			if n := len([]rune(p)); n > 129 {
				t.Errorf("%s: a place of %d characters", name, n)
			}
		}
		if len(places) < 1 || len(places) > 100 || size > 4096 {
			t.Errorf("%s: %d places of %d bytes", name, len(places), size)
		}
	}
	if got := mustParse(t, smallest(`"alertContext":{"a":[`+bad+`]}`)).Alert.Altered; len(got) != 100 || got[99] != "alertContext.a[99]" {
		t.Errorf("got %d places, the last one %s", len(got), got[len(got)-1])
	}
}

// A context that fits is not refused because of what replaces its bytes.
func TestAlteredContextIsMeasuredBefore(t *testing.T) {
	t.Parallel()
	context := `{"a":"` + strings.Repeat("\xff", 200<<10-len(`{"a":""}`)) + `"}`
	if got := len(mustParse(t, smallest(`"alertContext":`+context)).Alert.Context); got != 8+3*(200<<10-8) {
		t.Errorf("got %d bytes", got)
	}
	if diff := cmp.Diff([]string{"alertContext too_long"}, wrong(t, smallest(`"alertContext":`+strings.Replace(context, "a", "ab", 1)))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is replaced by the same character was not the same input.
func TestInputHashTellsWhatWasAltered(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, text := range []string{`\u0000`, `\ud800`, `\ud801`, `\udc00`, "\xff", "\xfe", `\ufffd`, `\\u0000`, ``} {
		for _, field := range []string{`"title":"%s"`, `"alertContext":{"a":"%s"}`, `"alertContext":{"%s":1}`, `"new":["%s"]`} {
			more := strings.ReplaceAll(field, "%s", text)
			hash := hashOf(t, smallest(more))
			if other, ok := seen[hash]; ok {
				t.Errorf("%q and %q have the same hash", more, other)
			}
			seen[hash] = more
		}
	}
	for _, again := range []string{`"title":"\uD800"`, `"t\u0069tle":"\ud800"`, "\"title\":\"\xed\xa0\x80\""} {
		if seen[hashOf(t, smallest(again))] != `"title":"\ud800"` {
			t.Errorf("%q is another input", again)
		}
	}
}
