package alert_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"belfry/internal/alert"
	"belfry/internal/invalid"
)

// example is the payload of the seeds, as they print it.
const example = `{
  "id": "AllLogs.IPMonitoring",
  "createdAt": "2020-10-13T03:35:24Z",
  "severity": "INFO",
  "type": "RULE",
  "link": "https://runpanther.io/alerts/b90c19e66e160e194a5b3b94ec27fb7c",
  "title": "New Alert: Suspicious traffic detected from [123.123.123.123]",
  "name": "Monitor Suspicious IPs",
  "alertId": "b90c19e66e160e194a5b3b94ec27fb7c",
  "description": "This rule alerts on any activity outside of our IP address whitelist",
  "runbook": "",
  "tags": [
    "Network Monitoring",
    "Threat Intel"
  ],
  "version": "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0"
}`

// smallest returns the JSON of an alert with the required fields and more.
func smallest(more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"id":"a","severity":"LOW","type":"POLICY"` + more + `}`
}

func mustParse(t *testing.T, body string) alert.Parsed {
	t.Helper()
	p, err := alert.Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%.200s): %v", body, err)
	}
	return p
}

// wrong returns the fields that Parse refuses, as "field code".
func wrong(t *testing.T, body string) []string {
	t.Helper()
	_, err := alert.Parse([]byte(body))
	var fields invalid.FieldErrors
	if err != nil && !errors.As(err, &fields) {
		t.Fatalf("Parse(%.200s): got %v, want Invalid", body, err)
	}
	var got []string
	for _, f := range fields {
		if f.Message == "" {
			t.Errorf("%s %s has no message", f.Field, f.Code)
		}
		got = append(got, f.Field+" "+f.Code)
	}
	return got
}

func TestParseExample(t *testing.T) {
	t.Parallel()
	got := mustParse(t, example)
	want := alert.Parsed{
		Alert: alert.Alert{
			DetectionID: "AllLogs.IPMonitoring",
			AlertID:     "b90c19e66e160e194a5b3b94ec27fb7c",
			CreatedAt:   time.Date(2020, 10, 13, 3, 35, 24, 0, time.UTC),
			Severity:    alert.Info,
			Type:        alert.Rule,
			Link:        "https://runpanther.io/alerts/b90c19e66e160e194a5b3b94ec27fb7c",
			Title:       "New Alert: Suspicious traffic detected from [123.123.123.123]",
			Name:        "Monitor Suspicious IPs",
			Description: "This rule alerts on any activity outside of our IP address whitelist",
			Version:     "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0",
			Tags:        []string{"Network Monitoring", "Threat Intel"},
			LogTypes:    []string{},
			InputHash:   got.Alert.InputHash,
		},
		AlertIDGiven: true, LinkGiven: true, CreatedAtGiven: true,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(alert.Alert{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := len(got.Alert.InputHash); n != 32 {
		t.Errorf("the hash has %d bytes, want 32", n)
	}
}

func TestParseOwnFields(t *testing.T) {
	t.Parallel()
	got := mustParse(t, smallest(`
		"logTypes": ["b", "a", "b"],
		"tags": ["x", "", "x"],
		"alertContext": {"b" : [1.0, {"é": "\u00e9<&>"}], "a":null, "a":1e400},
		"destinations": ["two", "one", "two", "SKIP"]`)).Alert
	if diff := cmp.Diff([]string{"b", "a"}, got.LogTypes); diff != "" {
		t.Errorf("log types (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"x", "", "x"}, got.Tags); diff != "" {
		t.Errorf("tags (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(`{"b":[1.0,{"é":"\u00e9<&>"}],"a":null,"a":1e400}`, string(got.Context)); diff != "" {
		t.Errorf("context (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(&[]string{"two", "one", "SKIP"}, got.Override); diff != "" {
		t.Errorf("override (-want +got)\n%s", diff)
	}
}

func TestParseAbsentFields(t *testing.T) {
	t.Parallel()
	const nulls = `"createdAt":null,"link":null,"title":null,"name":null,"alertId":null,"description":null,
		"runbook":null,"tags":null,"version":null,"logTypes":null,"alertContext":null,"destinations":null`
	for name, more := range map[string]string{"left out": "", "null": nulls, "empty link": `"link":""`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := mustParse(t, smallest(more))
			want := alert.Parsed{Alert: alert.Alert{
				DetectionID: "a", Severity: alert.Low, Type: alert.Policy,
				Tags: []string{}, LogTypes: []string{}, InputHash: got.Alert.InputHash,
			}}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(alert.Alert{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	t.Run("an empty override is not an absent one", func(t *testing.T) {
		t.Parallel()
		got := mustParse(t, smallest(`"destinations":[]`)).Alert.Override
		if got == nil || *got == nil || len(*got) != 0 {
			t.Errorf("got %v, want a pointer to an empty slice", got)
		}
	})
	t.Run("an empty context is not an absent one", func(t *testing.T) {
		t.Parallel()
		if got := mustParse(t, smallest(`"alertContext":{ }`)).Alert.Context; string(got) != "{}" {
			t.Errorf("got %q, want {}", got)
		}
	})
}

func TestParseIgnoresUnknownFields(t *testing.T) {
	t.Parallel()
	got := mustParse(t, smallest(`"zeta":1,"Severity":"nonsense","ID":{},"alertid":"","Ünknown":null`))
	if diff := cmp.Diff([]string{"ID", "Severity", "alertid", "zeta", "Ünknown"}, got.Ignored); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Alert.Severity != alert.Low || got.AlertIDGiven {
		t.Errorf("a name in another case was taken for ours: %+v", got)
	}
}

func TestParseDecodesNames(t *testing.T) {
	t.Parallel()
	got := mustParse(t, smallest(`"t\u0069tle":"T","\u0061lertId":"x"`))
	if got.Alert.Title != "T" || got.Alert.AlertID != "x" || got.Ignored != nil {
		t.Errorf("got %+v", got)
	}
}

func TestParseDecodesText(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`"plain ü 😀"`:           "plain ü 😀",
		`"\"\\\/\b\f\n\r\t"`:    "\"\\/\b\f\n\r\t",
		`"\u00e9\u00E9"`:        "éé",
		`"\ud83d\ude00!"`:       "😀!",
		`"\ufffd"`:              "\ufffd",
		`"\\u0000 \\\\ud800"`:   `\u0000 \\ud800`,
		`"<script>&\u2028"`:     "<script>&\u2028",
		`"a, b: [c] {d} \"e\""`: `a, b: [c] {d} "e"`,
	}
	for quoted, want := range tests {
		if got := mustParse(t, smallest(`"title":`+quoted)).Alert.Title; got != want {
			t.Errorf("%s: got %q, want %q", quoted, got, want)
		}
	}
}

func TestParseKeepsNoReferenceToItsInput(t *testing.T) {
	t.Parallel()
	raw := []byte(smallest(`"alertContext":{"a":"b"},"tags":["c"]`))
	p, err := alert.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if p.Alert.DetectionID != "a" || string(p.Alert.Context) != `{"a":"b"}` || p.Alert.Tags[0] != "c" {
		t.Errorf("the alert changed with the input: %+v", p.Alert)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	fill := func(body string) alert.Alert {
		p := mustParse(t, body)
		p.Fill(now, func() string { return "new" }, func(id string) string { return "https://belfry/" + id })
		return p.Alert
	}
	type defaults struct {
		Title, AlertID, Link string
		CreatedAt            time.Time
	}
	tests := []struct {
		name, more string
		want       defaults
	}{
		{"nothing given", "", defaults{"a", "new", "https://belfry/new", now.UTC()}},
		{"name", `"name":"N"`, defaults{"N", "new", "https://belfry/new", now.UTC()}},
		{"empty title", `"name":"N","title":""`, defaults{"N", "new", "https://belfry/new", now.UTC()}},
		{"alertId", `"alertId":"x"`, defaults{"a", "x", "https://belfry/x", now.UTC()}},
		{
			"all", `"title":"T","name":"N","alertId":"x","link":"http://y","createdAt":"0001-01-01T00:00Z"`,
			defaults{"T", "x", "http://y", time.Time{}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := fill(smallest(tt.more))
			got := defaults{a.Title, a.AlertID, a.Link, a.CreatedAt}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if a.CreatedAt.Location() != time.UTC {
				t.Errorf("createdAt is in %s, want UTC", a.CreatedAt.Location())
			}
		})
	}
}

func TestNewAlertID(t *testing.T) {
	t.Parallel()
	first, second := alert.NewAlertID(), alert.NewAlertID()
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(first) || first == second {
		t.Errorf("got %q and %q, want two of 32 hex digits", first, second)
	}
}

func TestListsBelongToTheCaller(t *testing.T) {
	t.Parallel()
	alert.Severities()[0], alert.Types()[0] = "x", "x"
	if alert.Severities()[0] != alert.Info || alert.Types()[0] != alert.Rule {
		t.Error("a caller changed our list")
	}
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(strings.TrimSuffix(strings.ReplaceAll(example, "\n  ", ""), "\n}") +
		`,"logTypes":["AWS.CloudTrail"],"alertContext":{"sourceIPAddress":"123.123.123.123","userAgent":"curl/8.1","count":12}}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := alert.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseLargest takes the worst that fits in the limit of a body: many
// names, which are sorted, and deep nesting, which is hashed.
func BenchmarkParseLargest(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"id":"a","severity":"LOW","type":"RULE"`)
	deep := strings.Repeat(`{"b":0,"a":`, 98) + "0" + strings.Repeat("}", 98)
	for i := range 700 {
		fmt.Fprintf(&body, `,"%d":%s`, 1_000_000-i, deep)
	}
	body.WriteString("}")
	raw := []byte(body.String())
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := alert.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}
