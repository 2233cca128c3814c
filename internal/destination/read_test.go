package destination

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

func TestReadSmallest(t *testing.T) {
	t.Parallel()
	want := Destination{
		DisplayName: "SOAR",
		Type:        "webhook",
		State:       Active,
		Severities:  []alert.Severity{},
		AlertTypes:  alert.Types(),
		LogTypes:    []string{},
		Settings:    &Webhook{URL: "https://soar.example/hook", Headers: []outbound.Header{}},
		Limits:      Limits{MaxInFlight: 256, HoldFailing: true},
		Version:     1,

		ResponseStorage: StoreFull,
	}
	if diff := cmp.Diff(want, mustRead(t, bodyWith(t, `{}`))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	want := Destination{
		DisplayName: "SOAR of Zürich",
		Type:        "webhook",
		State:       Active,
		Severities:  []alert.Severity{alert.High, alert.Critical},
		AlertTypes:  []alert.Type{alert.Rule, alert.Policy},
		LogTypes:    []string{"AWS.CloudTrail", "Okta.SystemLog"},
		Settings: &Webhook{
			URL:     "https://soar.example:8443/hooks/1f0c?token=",
			Headers: []outbound.Header{{Name: "X-API-Key", Value: "a \t<b>&c"}, {Name: "x-team", Value: "blue"}},
		},
		Limits:  Limits{MaxInFlight: 4, RatePerSecond: 2.5, Burst: 20},
		Version: 1,

		ResponseStorage: StoreNone,
	}
	got := mustRead(t, []byte(`{
		"displayName": " SOAR of Z\u00fcrich\t",
		"type": "webhook",
		"severities": ["CRITICAL", "HIGH", "CRITICAL"],
		"alertTypes": ["POLICY", "RULE", "POLICY"],
		"logTypes": ["AWS.CloudTrail", "Okta.SystemLog", "AWS.CloudTrail"],
		"limits": {"maxInFlight": 4, "ratePerSecond": 2.5, "burst": 20, "holdFailing": false},
		"responseStorage": "none",
		"settings": {
			"url": "https://soar.example:8443/hooks/1f0c?token=",
			"headers": [{"name": "X-API-Key", "value": "\t a \t<b>&c "}, {"value": "blue", "name": "x-team"}]
		}
	}`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReadTakesNullAndEmptyForAbsent(t *testing.T) {
	t.Parallel()
	want := mustRead(t, bodyWith(t, `{}`))
	want.Settings = &Webhook{URL: "https://soar.example/hook", Headers: []outbound.Header{}}
	for _, members := range []string{
		`{"severities":null,"alertTypes":null,"logTypes":null,"limits":null,"settings":{"url":"https://soar.example/hook","headers":null}}`,
		`{"severities":[],"logTypes":[],"limits":{},"settings":{"url":"https://soar.example/hook","headers":[]}}`,
	} {
		if diff := cmp.Diff(want, mustRead(t, bodyWith(t, members))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", members, diff)
		}
	}
}

func TestReadMalformed(t *testing.T) {
	t.Parallel()
	valid := string(bodyWith(t, `{}`))
	for _, body := range []string{
		``, ` `, `null`, `[]`, `"a"`, `1`, `{`, valid + `{}`, valid + `x`, "\ufeff" + valid, `[` + valid + `]`,
		strings.Replace(valid, "SOAR", "SO\xffAR", 1), strings.Replace(valid, "SOAR", "SO\nAR", 1),
	} {
		if _, err := Read([]byte(body)); !cmp.Equal(wrong(t, err), []string{invalid.CodeMalformed}) {
			t.Errorf("Read(%q): got %v, want Malformed", body, err)
		}
		if _, err := (Destination{Type: "webhook"}).Patch([]byte(body)); !cmp.Equal(wrong(t, err), []string{invalid.CodeMalformed}) {
			t.Errorf("Patch(%q): got %v, want Malformed", body, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, members string
		want          []string
	}{
		{"a name that is null", `{"displayName":null}`, []string{"displayName: required"}},
		{"a name that is a number", `{"displayName":5}`, []string{"displayName: type"}},
		{"a name that is a list", `{"displayName":["SOAR"]}`, []string{"displayName: type"}},
		{"no type", `{"type":null}`, []string{"type: required"}},
		{"an empty type", `{"type":""}`, []string{"type: required"}},
		{"an unknown type", `{"type":"pager"}`, []string{"type: enum"}},
		{"a type in another case", `{"type":"Webhook"}`, []string{"type: enum"}},
		{"a type that is a number, once", `{"type":5}`, []string{"type: type"}},
		{"no type and no settings", `{"type":null,"settings":null}`, []string{"settings: required", "type: required"}},
		{"severities as text", `{"severities":"HIGH"}`, []string{"severities: type"}},
		{"severities with a null", `{"severities":["HIGH",null]}`, []string{"severities: type"}},
		{"severities with a number", `{"severities":[1]}`, []string{"severities: type"}},
		{"severities as an object", `{"severities":{}}`, []string{"severities: type"}},
		{
			"each wrong severity", `{"severities":["high","HIGH","","SEVERE"]}`,
			[]string{"severities[0]: enum", "severities[2]: enum", "severities[3]: enum"},
		},
		{"no alert type at all", `{"alertTypes":[]}`, []string{"alertTypes: required"}},
		{"alert types as text", `{"alertTypes":"RULE"}`, []string{"alertTypes: type"}},
		{"alert types with a null", `{"alertTypes":[null]}`, []string{"alertTypes: type"}},
		{"each wrong alert type", `{"alertTypes":["RULE","rule","X"]}`, []string{"alertTypes[1]: enum", "alertTypes[2]: enum"}},
		{"log types as text", `{"logTypes":"AWS.CloudTrail"}`, []string{"logTypes: type"}},
		{"log types with a boolean", `{"logTypes":[true]}`, []string{"logTypes: type"}},
		{"an empty and a blank log type", `{"logTypes":["a",""," \t"]}`, []string{"logTypes[1]: required", "logTypes[2]: required"}},
		{"a line break in a log type", `{"logTypes":["a\nb"]}`, []string{"logTypes[0]: control_character"}},
		{"NUL in a log type", `{"logTypes":["a\u0000b"]}`, []string{"logTypes[0]: nul"}},
		{"settings that are null", `{"settings":null}`, []string{"settings: required"}},
		{"settings that are text", `{"settings":"https://h"}`, []string{"settings: type"}},
		{"settings that are a list", `{"settings":[]}`, []string{"settings: type"}},
		{"an unknown field", `{"url":"https://h"}`, []string{"url: unknown_field"}},
		{"a field in another case", `{"displayname":"SOAR"}`, []string{"displayname: unknown_field"}},
		{"an unknown field that is null", `{"x":null}`, []string{"x: unknown_field"}},
		{"fields that are ours to set", `{"id":"x","state":"paused","version":7}`, []string{"id: unknown_field", "state: unknown_field", "version: unknown_field"}},
		{"an unknown setting", `{"settings":{"url":"https://h","secret":"x"}}`, []string{"settings.secret: unknown_field"}},
		{"a setting in another case", `{"settings":{"URL":"https://h"}}`, []string{"settings.URL: unknown_field", "settings.url: required"}},
		{
			"an unknown field of a header", `{"settings":{"url":"https://h","headers":[{"name":"A","value":"b","secret":true}]}}`,
			[]string{"settings.headers[0].secret: unknown_field"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(bodyWith(t, tt.members))
			if diff := cmp.Diff(tt.want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := Read([]byte(`{}`))
	want := []string{"displayName: required", "settings: required", "type: required"}
	if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReadNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := Read([]byte(`{
		"displayName": "SKIP", "type": "webhook", "severities": ["HIGH", "x"], "alertTypes": [], "logTypes": [""], "colour": "red",
		"settings": {"url": "ftp://h", "method": "PUT", "headers": [
			{"name": "A", "value": "b"}, {"name": "a", "value": "\u0001", "kind": 1}, {"name": "Ho st", "value": 7}, 5, {"name": "Host"}
		]}
	}`))
	want := []string{
		"alertTypes: required", "colour: unknown_field", "displayName: format", "logTypes[0]: required",
		"settings.headers[1].kind: unknown_field", "settings.headers[1].name: duplicate", "settings.headers[1].value: format",
		"settings.headers[2].name: format", "settings.headers[2].value: type",
		"settings.headers[3]: type",
		"settings.headers[4].name: reserved", "settings.headers[4].value: required",
		"settings.method: unknown_field", "settings.url: format", "severities[1]: enum",
	}
	if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	list := func(n int) string {
		entries := make([]string, n)
		for i := range entries {
			entries[i] = fmt.Sprintf("Log.%d", i)
		}
		return string(mustJSON(t, entries))
	}
	long := func(n int) string { return strings.Repeat("é", n) }
	tests := []struct {
		name, members string
		want          []string
	}{
		{"100 characters of name", `{"displayName":"` + long(100) + `"}`, nil},
		{"101 characters of name", `{"displayName":"` + long(101) + `"}`, []string{"displayName: too_long"}},
		{"100 characters of name and blanks around", `{"displayName":"  ` + long(100) + `  "}`, nil},
		{"100 log types", `{"logTypes":` + list(100) + `}`, nil},
		{"101 log types", `{"logTypes":` + list(101) + `}`, []string{"logTypes: too_many"}},
		{"256 characters of log type", `{"logTypes":["` + long(256) + `"]}`, nil},
		{"257 characters of log type", `{"logTypes":["a","` + long(257) + `"]}`, []string{"logTypes[1]: too_long"}},
		{"20 headers", `{"settings":{"url":"https://h","headers":` + headerList(t, 20) + `}}`, nil},
		{"21 headers", `{"settings":{"url":"https://h","headers":` + headerList(t, 21) + `}}`, []string{"settings.headers: too_many"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(bodyWith(t, tt.members))
			if diff := cmp.Diff(tt.want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadTakesEveryEnum(t *testing.T) {
	t.Parallel()
	body := map[string]any{"severities": alert.Severities(), "alertTypes": alert.Types()}
	got := mustRead(t, bodyWith(t, string(mustJSON(t, body))))
	if diff := cmp.Diff(alert.Severities(), got.Severities); diff != "" {
		t.Errorf("severities (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(alert.Types(), got.AlertTypes); diff != "" {
		t.Errorf("alert types (-want +got)\n%s", diff)
	}
}

// TestErrorsDoNotRepeatValues holds every message to promise 12: a value that
// was refused may be a secret with a slip in it.
func TestErrorsDoNotRepeatValues(t *testing.T) {
	t.Parallel()
	stored := mustRead(t, bodyWithHeaders(t, `[{"name":"X-Key","value":"`+secretText+`-stored"}]`))
	for _, body := range []string{
		`{"displayName":"` + secretText + `\u0001"}`,
		`{"displayName":"` + strings.Repeat(secretText, 20) + `"}`,
		`{"displayName":["` + secretText + `"]}`,
		`{"type":"` + secretText + `"}`,
		`{"severities":["` + secretText + `"]}`,
		`{"alertTypes":["` + secretText + `"]}`,
		`{"logTypes":["` + secretText + `\n"]}`,
		`{"limits":"` + secretText + `"}`,
		`{"limits":{"maxInFlight":"` + secretText + `"}}`,
		`{"limits":{"holdFailing":"` + secretText + `"}}`,
		`{"settings":"` + secretText + `"}`,
		`{"settings":{"url":"` + secretText + `"}}`,
		`{"settings":{"url":"https://u:` + secretText + `@h/"}}`,
		`{"settings":{"url":"https://h/#` + secretText + `"}}`,
		`{"settings":{"url":"https://h:` + secretText + `/"}}`,
		`{"settings":{"url":"https://[` + secretText + `/"}}`,
		`{"settings":{"url":"https://h/%` + secretText + `"}}`,
		`{"settings":{"url":"https://h/ ` + secretText + `"}}`,
		`{"settings":{"url":["` + secretText + `"]}}`,
		`{"settings":{"url":"https://elsewhere/` + secretText + `"}}`,
		`{"settings":{"url":"https://h","headers":"` + secretText + `"}}`,
		`{"settings":{"url":"https://h","headers":["` + secretText + `"]}}`,
		`{"settings":{"url":"https://h","headers":[{"name":"` + secretText + `:","value":"x"}]}}`,
		`{"settings":{"url":"https://h","headers":[{"name":"A","value":"` + secretText + `é"}]}}`,
		`{"settings":{"url":"https://h","headers":[{"name":"A","value":"` + strings.Repeat(secretText, 600) + `"}]}}`,
		`{"settings":{"url":"https://h","headers":[{"name":"A","value":["` + secretText + `"]}]}}`,
		`{"settings":{"url":"https://h","headers":[{"name":"Host","value":"` + secretText + `"}]}}`,
		`{"` + secretText,
	} {
		_, readErr := Read([]byte(body))
		_, patchErr := stored.Patch([]byte(body))
		for _, err := range []error{readErr, patchErr} {
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, wrong(t, err)), secretText) {
				t.Errorf("%.100s: got %.200v", body, err)
			}
		}
	}
}

func TestReadSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, typ, settings string
		want                []string
	}{
		{"valid", `"webhook"`, `{"url":"https://h","headers":[{"name":"A","value":"b"}]}`, nil},
		{"an unknown type", `"pager"`, `{}`, []string{"type: enum"}},
		{"no type", ``, `{}`, []string{"type: required"}},
		{"an empty type", `""`, `{}`, []string{"type: required"}},
		{"a type that is null", `null`, `{}`, []string{"type: required"}},
		{"a type that is a number, once", `1`, `{}`, []string{"type: type"}},
		{"no settings", `"webhook"`, ``, []string{"settings: required"}},
		{"null", `"webhook"`, `null`, []string{"settings: required"}},
		{"neither", ``, ``, []string{"settings: required", "type: required"}},
		{"another JSON type", `"webhook"`, `[]`, []string{"settings: type"}},
		{
			"fields of them", `"webhook"`, `{"url":"h","headers":[{"name":"A"}],"x":1}`,
			[]string{"settings.headers[0].value: required", "settings.url: format", "settings.x: unknown_field"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, found := ReadSettings([]byte(tt.typ), []byte(tt.settings))
			var err error
			if len(found) > 0 {
				err = found
			}
			if diff := cmp.Diff(tt.want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if (d.Settings == nil) != (err != nil) {
				t.Errorf("got settings %v beside %v", d.Settings, err)
			}
		})
	}
}

func TestReadLeavesToTheCallerWhatIsTheCallers(t *testing.T) {
	t.Parallel()
	d := mustRead(t, bodyWith(t, `{}`))
	if d.ID != uuid.Nil || d.CreatedAt != (time.Time{}) || d.Signing.Secret != "" || d.DeletedAt != nil {
		t.Errorf("got %+v", d)
	}
}

// Two readers of a name that is given twice may each believe another of the two.
func TestNamesGivenTwiceAreRefused(t *testing.T) {
	t.Parallel()
	const rest = `"type":"webhook","settings":{"url":"https://h","headers":[{"name":"A","value":"b"}]}`
	for body, want := range map[string]string{
		`{"displayName":"a","displayName":"b",` + rest + `}`:                                                                                            "displayName: duplicate",
		`{"displayName":"a",` + rest + `,"settings":{"url":"https://h"}}`:                                                                               "settings: duplicate",
		`{"displayName":"a",` + rest + `,"limits":{"maxInFlight":1,"maxInFlight":1000}}`:                                                                "limits.maxInFlight: duplicate",
		`{"displayName":"a","type":"webhook","settings":{"url":"https://h","u\u0072l":"https://other"}}`:                                                "settings.url: duplicate",
		`{"displayName":"a","type":"webhook","settings":{"url":"https://h","headers":[{"name":"A","value":"b"},{"name":"B","value":"c","value":"d"}]}}`: "settings.headers[1].value: duplicate",
	} {
		_, err := Read([]byte(body))
		if diff := cmp.Diff([]string{want}, wrong(t, err)); diff != "" {
			t.Errorf("Read %s (-want +got)\n%s", body, diff)
		}
		_, err = stored().Patch([]byte(body))
		if got := wrong(t, err); !slices.Contains(got, want) { // and a new place, perhaps, needs headers
			t.Errorf("Patch %s: got %v, want %s", body, got, want)
		}
	}
}
