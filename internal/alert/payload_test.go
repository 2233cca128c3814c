package alert_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"belfry/internal/alert"
)

func mustPayload(t *testing.T, a alert.Alert) string {
	t.Helper()
	body, err := a.Payload()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPayloadOfTheExampleIsTheExample(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(example)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), mustPayload(t, mustParse(t, example).Alert)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPayloadOfTheSmallestHasTheTwelveFields(t *testing.T) {
	t.Parallel()
	const want = `{"id":"a","createdAt":"2026-01-02T03:04:05Z","severity":"LOW","type":"POLICY","link":"https://b/x","title":"a",` +
		`"name":"","alertId":"x","description":"","runbook":"","tags":[],"version":""}`
	p := mustParse(t, smallest(""))
	p.Fill(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), func() string { return "x" }, func(id string) string { return "https://b/" + id })
	if diff := cmp.Diff(want, mustPayload(t, p.Alert)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	p.Alert.Tags = nil // as a hand-made alert may have it
	if diff := cmp.Diff(want, mustPayload(t, p.Alert)); diff != "" {
		t.Errorf("without tags (-want +got)\n%s", diff)
	}
}

func TestPayloadContext(t *testing.T) {
	t.Parallel()
	tests := []struct{ more, want string }{
		{`"alertContext":null`, `"version":""}`},
		{`"alertContext":{}`, `"version":"","alertContext":{}}`},
		{`"alertContext":{ "b": 1.0, "a": "<&>\u003c" }`, `"version":"","alertContext":{"b":1.0,"a":"<&>\u003c"}}`},
	}
	for _, tt := range tests {
		if got := mustPayload(t, mustParse(t, smallest(tt.more)).Alert); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: got %s", tt.more, got)
		}
	}
	if _, err := (alert.Alert{Context: json.RawMessage(`{`)}).Payload(); err == nil {
		t.Error("got no error for a context that is not JSON")
	}
}

// Copies of an alert that keeps its payload have it written once.
func TestKeepPayload(t *testing.T) {
	t.Parallel()
	a := mustParse(t, example).Alert
	want := mustPayload(t, a)
	a.KeepPayload()
	one, other := a, a
	first, err := one.Payload()
	if err != nil || string(first) != want {
		t.Errorf("got %s (%v), want %s", first, err, want)
	}
	if again, _ := other.Payload(); &again[0] != &first[0] {
		t.Error("it was written twice")
	}
	broken := alert.Alert{Context: json.RawMessage(`{`)}
	broken.KeepPayload()
	for range 2 {
		if _, err := broken.Payload(); err == nil {
			t.Error("got no error for a context that is not JSON")
		}
	}
}

func TestPayloadText(t *testing.T) {
	t.Parallel()
	got := mustPayload(t, mustParse(t, smallest(`"title":"<a> & b\n\u00e9","link":"https://h/?a=1&b=2"`)).Alert)
	if !strings.Contains(got, `"title":"<a> & b\né"`) || !strings.Contains(got, `"link":"https://h/?a=1&b=2"`) {
		t.Errorf("got %s", got)
	}
}

func TestPayloadTime(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"2020-10-13T03:35Z":                   "2020-10-13T03:35:00Z",
		"2020-10-13T03:35:24.000Z":            "2020-10-13T03:35:24Z",
		"2020-10-13T03:35:24.120Z":            "2020-10-13T03:35:24.12Z",
		"2020-10-13T03:35:24.123456789+02:00": "2020-10-13T01:35:24.123456789Z",
		"0001-01-01T00:00Z":                   "0001-01-01T00:00:00Z",
	} {
		got := mustPayload(t, mustParse(t, smallest(`"createdAt":"`+given+`"`)).Alert)
		if !strings.Contains(got, `"createdAt":"`+want+`"`) {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
	a := alert.Alert{CreatedAt: time.Date(2020, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600))}
	if got := mustPayload(t, a); !strings.Contains(got, `"createdAt":"2020-01-01T00:00:00Z"`) {
		t.Errorf("another zone: got %s", got)
	}
}

func TestSampleIsAnAlertWeWouldAccept(t *testing.T) {
	t.Parallel()
	for _, severity := range alert.Severities() {
		want := alert.Sample(severity, alert.ScheduledRule)
		want.AlertID, want.Link = "x", "https://belfry/x"
		want.CreatedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		got := mustParse(t, mustPayload(t, want)).Alert
		want.InputHash = got.InputHash
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(alert.Alert{})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func BenchmarkPayload(b *testing.B) {
	p, err := alert.Parse([]byte(example))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Alert.Payload(); err != nil {
			b.Fatal(err)
		}
	}
}
