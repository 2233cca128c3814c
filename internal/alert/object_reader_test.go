package alert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/alert"
	"belfry/internal/invalid"
)

func TestParseRequired(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		want []string
	}{
		{`{}`, []string{"id required", "severity required", "type required"}},
		{`{"id":null,"severity":null,"type":null}`, []string{"id required", "severity required", "type required"}},
		{`{"id":"","severity":"","type":""}`, []string{"id required", "severity required", "type required"}},
		{`{"id":" \u2003","severity":"LOW","type":"RULE"}`, []string{"id required"}},
		{`{"ID":"a","Severity":"LOW","TYPE":"RULE"}`, []string{"id required", "severity required", "type required"}},
		{`{"id":1,"severity":{},"type":true}`, []string{"id type", "severity type", "type type"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, wrong(t, tt.body)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.body, diff)
		}
	}
}

func TestParseEnums(t *testing.T) {
	t.Parallel()
	for _, severity := range alert.Severities() {
		for _, typ := range alert.Types() {
			got := mustParse(t, fmt.Sprintf(`{"id":"a","severity":%q,"type":%q}`, severity, typ)).Alert
			if got.Severity != severity || got.Type != typ {
				t.Errorf("got %s %s, want %s %s", got.Severity, got.Type, severity, typ)
			}
		}
	}
	_, err := alert.Parse([]byte(`{"id":"a","severity":"info","type":"RULE "}`))
	want := invalid.FieldErrors{
		{Field: "severity", Code: "enum", Message: "must be one of INFO, LOW, MEDIUM, HIGH, CRITICAL, in upper case"},
		{Field: "type", Code: "enum", Message: "must be one of RULE, RULE_ERROR, SCHEDULED_RULE, SCHEDULED_RULE_ERROR, " +
			"CORRELATION_RULE, CORRELATION_RULE_ERROR, POLICY, SYSTEM_ERROR, in upper case"},
	}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// strs returns a JSON array of n distinct strings.
func strs(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"%d"`, i)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	// Each text is measured with a character of one byte and with one of four.
	texts := map[string]int{"version": 256, "alertId": 256, "title": 1000, "name": 1000, "description": 65_536, "runbook": 65_536}
	for field, most := range texts {
		for _, character := range []string{"x", "😀", `\ud83d\ude00`} {
			t.Run(field+" of "+character, func(t *testing.T) {
				t.Parallel()
				mustParse(t, smallest(`"`+field+`":"`+strings.Repeat(character, most)+`"`))
				got := wrong(t, smallest(`"`+field+`":"`+strings.Repeat(character, most+1)+`"`))
				if diff := cmp.Diff([]string{field + " too_long"}, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
	}
	long := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	context := func(n int) string {
		return `"alertContext": { "a" : "` + strings.Repeat("x", n-len(`{"a":""}`)) + `" }`
	}
	link := func(n int) string { return `"link":"` + "https://a/" + strings.Repeat("x", n-len("https://a/")) + `"` }
	tests := []struct{ name, good, bad, want string }{
		{"link", link(2048), link(2049), "link too_long"},
		{"tags", `"tags":` + strs(100), `"tags":` + strs(101), "tags too_many"},
		{"a tag", `"tags":["",` + long(256) + `]`, `"tags":["",` + long(257) + `]`, "tags[1] too_long"},
		{"log types", `"logTypes":` + strs(100), `"logTypes":` + strs(101), "logTypes too_many"},
		{"a log type", `"logTypes":[` + long(256) + `]`, `"logTypes":[` + long(257) + `]`, "logTypes[0] too_long"},
		{"destinations", `"destinations":` + strs(10), `"destinations":` + strs(11), "destinations too_many"},
		{"a destination", `"destinations":[` + long(256) + `]`, `"destinations":[` + long(257) + `]`, "destinations[0] too_long"},
		{"context", context(200 << 10), context(200<<10 + 1), "alertContext too_long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mustParse(t, smallest(tt.good))
			if diff := cmp.Diff([]string{tt.want}, wrong(t, smallest(tt.bad))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	t.Run("id", func(t *testing.T) {
		t.Parallel()
		body := func(n int) string {
			return `{"id":"` + strings.Repeat("é", n) + `","severity":"LOW","type":"RULE"}`
		}
		mustParse(t, body(256))
		if diff := cmp.Diff([]string{"id too_long"}, wrong(t, body(257))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// refusal is what an alert with more fields is refused for.
type refusal struct{ more, want string }

func checkRefused(t *testing.T, tests []refusal) {
	t.Helper()
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, wrong(t, smallest(tt.more))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.more, diff)
		}
	}
}

func TestParseRefusesTypes(t *testing.T) {
	t.Parallel()
	checkRefused(t, []refusal{
		{`"link":1`, "link type"},
		{`"title":["a"]`, "title type"},
		{`"name":{}`, "name type"},
		{`"description":false`, "description type"},
		{`"runbook":0`, "runbook type"},
		{`"version":1.2`, "version type"},
		{`"createdAt":1602560124`, "createdAt type"},
		{`"alertId":7`, "alertId type"},
		{`"tags":"a"`, "tags type"},
		{`"tags":{"a":1}`, "tags type"},
		{`"tags":["a",1]`, "tags[1] type"},
		{`"tags":[null]`, "tags[0] type"},
		{`"tags":[["a"]]`, "tags[0] type"},
		{`"logTypes":{}`, "logTypes type"},
		{`"logTypes":["a",""]`, "logTypes[1] required"},
		{`"logTypes":["a",[]]`, "logTypes[1] type"},
		{`"destinations":"SKIP"`, "destinations type"},
		{`"destinations":[""]`, "destinations[0] required"},
		{`"destinations":["a",5]`, "destinations[1] type"},
		{`"alertContext":[]`, "alertContext type"},
		{`"alertContext":"{}"`, "alertContext type"},
	})
}

func TestParseRefusesFormats(t *testing.T) {
	t.Parallel()
	checkRefused(t, []refusal{
		{`"createdAt":"yesterday"`, "createdAt format"},
		{`"createdAt":""`, "createdAt format"},
		{`"alertId":""`, "alertId required"},
		{`"alertId":" "`, "alertId required"},
		{`"alertId":"a/b"`, "alertId format"},
		{`"alertId":"\/"`, "alertId format"},
		{`"alertId":"."`, "alertId format"},
		{`"alertId":".."`, "alertId format"},
		{`"link":"/alerts/1"`, "link format"},
		{`"link":"//host/alerts"`, "link format"},
		{`"link":"example.com"`, "link format"},
		{`"link":"javascript:alert(1)"`, "link format"},
		{`"link":"ftp://host/"`, "link format"},
		{`"link":"https:host"`, "link format"},
		{`"link":"https://"`, "link format"},
		{`"link":"https://:443/"`, "link format"},
		{`"link":"https://host:port/"`, "link format"},
		{`"link":" "`, "link format"},
	})
}

func TestParseRefusesDuplicates(t *testing.T) {
	t.Parallel()
	checkRefused(t, []refusal{
		{`"title":"T","title":"T"`, "title duplicate"},
		{`"title":"T","t\u0069tle":"T"`, "title duplicate"},
		{`"title":null,"title":null`, "title duplicate"},
		{`"id":"b"`, "id duplicate"},
		{`"destinations":[],"destinations":[]`, "destinations duplicate"},
		{`"alertContext":{},"x":1,"alertContext":{}`, "alertContext duplicate"},
		{`"x":1,"y":1,"x":1,"x":2`, "x duplicate"},
	})
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		`"alertId":"..."`,
		`"alertId":"a b?c#d%2f\\😀"`,
		`"link":"HTTP://host"`,
		`"link":"https://user@host:8443/a b?c=d#e"`,
		`"link":"http://[::1]/"`,
		`"destinations":["SKIP"]`,
		`"destinations":["Über\n1"]`,
		`"tags":[]`,
		`"alertContext":{"a":1,"a":2,"":{"":[]}}`,
		`"x":{"a":1,"a":1}`,
	} {
		mustParse(t, smallest(more))
	}
}

func TestParseControlCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []string{`\n`, `\t`, `\u001b`, `\u0085`, "\u007f"} {
		for _, field := range []string{"version", "alertId", "link"} {
			more := `"` + field + `":"https:` + c + `"`
			if diff := cmp.Diff([]string{field + " control_character"}, wrong(t, smallest(more))); diff != "" {
				t.Errorf("%s (-want +got)\n%s", more, diff)
			}
		}
		for _, field := range []string{"tags", "logTypes"} {
			more := `"` + field + `":["a","b` + c + `"]`
			if diff := cmp.Diff([]string{field + "[1] control_character"}, wrong(t, smallest(more))); diff != "" {
				t.Errorf("%s (-want +got)\n%s", more, diff)
			}
		}
		for _, field := range []string{"title", "name", "description", "runbook"} {
			mustParse(t, smallest(`"`+field+`":"a`+c+`b"`))
		}
		if diff := cmp.Diff([]string{"id control_character"}, wrong(t, `{"id":"a`+c+`b","severity":"LOW","type":"RULE"}`)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
