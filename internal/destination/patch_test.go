package destination

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

const storedURL = "https://soar.example/hook/one"

// stored is a destination as it is before a patch.
func stored() Destination {
	return Destination{
		ID:          uuid.MustParse("01934f3c-9a10-7d3b-b7f2-0c6b1f2de001"),
		DisplayName: "SOAR",
		Type:        "webhook",
		State:       Paused,
		Severities:  []alert.Severity{alert.High, alert.Critical},
		AlertTypes:  []alert.Type{alert.Rule},
		LogTypes:    []string{"AWS.CloudTrail"},
		Settings:    storedSettings(),
		Signing:     Signing{Secret: "whsec_x", CreatedAt: time.Unix(1, 0)},
		Limits:      Limits{MaxInFlight: 8, RatePerSecond: 2.5, Burst: 7},
		Version:     7,
		CreatedAt:   time.Unix(1, 0),
		UpdatedAt:   time.Unix(2, 0),
	}
}

func storedSettings() *Webhook {
	return &Webhook{
		URL:     storedURL,
		Headers: []outbound.Header{{Name: "X-Api-Key", Value: "old-key"}, {Name: "X-Team", Value: "blue"}},
	}
}

func settings(url string, headers ...outbound.Header) func(*Destination) {
	return func(d *Destination) { d.Settings = &Webhook{URL: url, Headers: headers} }
}

// patching is a patch and what it changes.
type patching struct {
	name, patch string
	change      func(*Destination)
}

func checkPatches(t *testing.T, tests []patching) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before, want := stored(), stored()
			tt.change(&want)
			got, err := before.Patch([]byte(tt.patch))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, headersEqual); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Severities == nil || got.AlertTypes == nil || got.LogTypes == nil {
				t.Errorf("a list is nil, which is NULL in the database: %+v", got)
			}
			if diff := cmp.Diff(stored(), before); diff != "" {
				t.Errorf("the patched one was changed too (-want +got)\n%s", diff)
			}
		})
	}
}

func nothing(*Destination) {}

func TestPatch(t *testing.T) {
	t.Parallel()
	checkPatches(t, []patching{
		{"nothing given changes nothing", `{}`, nothing},
		{"the name, trimmed", `{"displayName":" Pager "}`, func(d *Destination) { d.DisplayName, d.FormerNames = "Pager", []string{"SOAR"} }},
		{"the same type may be given", `{"type":"webhook"}`, nothing},
		{"severities are replaced", `{"severities":["INFO"]}`, func(d *Destination) { d.Severities = []alert.Severity{alert.Info} }},
		{"null clears severities", `{"severities":null}`, func(d *Destination) { d.Severities = []alert.Severity{} }},
		{"an empty list clears severities", `{"severities":[]}`, func(d *Destination) { d.Severities = []alert.Severity{} }},
		{"alert types are replaced", `{"alertTypes":["POLICY"]}`, func(d *Destination) { d.AlertTypes = []alert.Type{alert.Policy} }},
		{"null makes it all alert types", `{"alertTypes":null}`, func(d *Destination) { d.AlertTypes = alert.Types() }},
		{"log types are replaced", `{"logTypes":["a","b","a"]}`, func(d *Destination) { d.LogTypes = []string{"a", "b"} }},
		{"null clears log types", `{"logTypes":null}`, func(d *Destination) { d.LogTypes = []string{} }},
		{"an empty list clears log types", `{"logTypes":[]}`, func(d *Destination) { d.LogTypes = []string{} }},
	})
}

func TestPatchSettings(t *testing.T) {
	t.Parallel()
	checkPatches(t, []patching{
		{"empty settings keep all", `{"settings":{}}`, nothing},
		{
			"a URL at the same place keeps the headers", `{"settings":{"url":"https://soar.example/hook/two"}}`,
			settings("https://soar.example/hook/two", storedSettings().Headers...),
		},
		{"null removes all headers", `{"settings":{"headers":null}}`, settings(storedURL, []outbound.Header{}...)},
		{"an empty list removes all headers", `{"settings":{"headers":[]}}`, settings(storedURL, []outbound.Header{}...)},
		{
			"a name left out is removed", `{"settings":{"headers":[{"name":"X-Team"}]}}`,
			settings(storedURL, outbound.Header{Name: "X-Team", Value: "blue"}),
		},
		{
			"a header without value keeps its stored one, with null too", `{"settings":{"headers":[{"name":"X-Team","value":null},{"name":"X-Api-Key"}]}}`,
			settings(storedURL, outbound.Header{Name: "X-Team", Value: "blue"}, outbound.Header{Name: "X-Api-Key", Value: "old-key"}),
		},
		{
			"a kept name matches in any case and takes the new one", `{"settings":{"headers":[{"name":"x-API-key"}]}}`,
			settings(storedURL, outbound.Header{Name: "x-API-key", Value: "old-key"}),
		},
		{
			"a value is replaced, another kept, a third added",
			`{"settings":{"headers":[{"name":"X-Api-Key","value":"new-key"},{"name":"X-Team"},{"name":"X-New","value":" n "}]}}`,
			settings(storedURL, outbound.Header{Name: "X-Api-Key", Value: "new-key"},
				outbound.Header{Name: "X-Team", Value: "blue"}, outbound.Header{Name: "X-New", Value: "n"}),
		},
		{
			"a new host with every value given again",
			`{"settings":{"url":"https://other.example/","headers":[{"name":"X-Api-Key","value":"new-key"}]}}`,
			settings("https://other.example/", outbound.Header{Name: "X-Api-Key", Value: "new-key"}),
		},
		{
			"a new host without headers", `{"settings":{"url":"http://other.example/","headers":null}}`,
			settings("http://other.example/", []outbound.Header{}...),
		},
		{"all at once", `{"displayName":"Pager","severities":["LOW"],"alertTypes":null,"logTypes":["x"],"settings":{"headers":[]}}`, func(d *Destination) {
			d.DisplayName, d.FormerNames, d.Severities, d.AlertTypes = "Pager", []string{"SOAR"}, []alert.Severity{alert.Low}, alert.Types()
			d.LogTypes, d.Settings = []string{"x"}, &Webhook{URL: storedURL}
		}},
	})
}

// headersEqual takes no headers for an empty list of them.
var headersEqual = cmp.Transformer("headers", func(w *Webhook) map[int]any {
	list := map[int]any{-1: w.URL}
	for i, h := range w.Headers {
		list[i] = h
	}
	return list
})

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, patch string
		want        []string
	}{
		{"a name that is null", `{"displayName":null}`, []string{"displayName: required"}},
		{"a blank name", `{"displayName":" "}`, []string{"displayName: required"}},
		{"another type", `{"type":"pager"}`, []string{"type: conflict"}},
		{"a type that is null", `{"type":null}`, []string{"type: conflict"}},
		{"a type that is a number, once", `{"type":1}`, []string{"type: type"}},
		{"no alert types", `{"alertTypes":[]}`, []string{"alertTypes: required"}},
		{"settings that are null", `{"settings":null}`, []string{"settings: required"}},
		{"settings of another type", `{"settings":5}`, []string{"settings: type"}},
		{"a URL that is null", `{"settings":{"url":null}}`, []string{"settings.url: required"}},
		{"a URL of another type", `{"settings":{"url":5}}`, []string{"settings.url: type"}},
		{"an unknown field", `{"state":"active","settings":{"x":1}}`, []string{"settings.x: unknown_field", "state: unknown_field"}},
		{
			"a new name without value", `{"settings":{"headers":[{"name":"X-Team"},{"name":"X-New"}]}}`,
			[]string{"settings.headers[1].value: required"},
		},
		{"an empty value", `{"settings":{"headers":[{"name":"X-Team","value":""}]}}`, []string{"settings.headers[0].value: required"}},
		{
			"one stored header kept twice", `{"settings":{"headers":[{"name":"X-Team"},{"name":"x-team"}]}}`,
			[]string{"settings.headers[1].name: duplicate"},
		},
		{
			"several at once", `{"type":"x","severities":["x"],"settings":{"url":"x","headers":[{"name":"Host"}]}}`,
			[]string{
				"settings.headers[0].name: reserved", "settings.headers[0].value: required", "settings.url: format",
				"severities[0]: enum", "type: conflict",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := stored()
			_, err := before.Patch([]byte(tt.patch))
			if diff := cmp.Diff(tt.want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(stored(), before); diff != "" {
				t.Errorf("the patched one was changed (-want +got)\n%s", diff)
			}
		})
	}
}

// TestPatchMendsWhatCannotBeOpened: such a destination has no settings, and what
// was stored must not be kept.
func TestPatchMendsWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, patch string
		want        []string
	}{
		{"new settings", `{"settings":{"url":"https://h","headers":[{"name":"A","value":"b"}]}}`, nil},
		{"only the name", `{"displayName":"x"}`, nil},
		{"no URL", `{"settings":{}}`, []string{"settings.url: required"}},
		{"a header to keep", `{"settings":{"url":"https://h","headers":[{"name":"X-Team"}]}}`, []string{"settings.headers[0].value: required"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := stored()
			d.Settings = nil
			_, err := d.Patch([]byte(tt.patch))
			if diff := cmp.Diff(tt.want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestPatchOfAnUnknownType: a newer version stored it, and this one was rolled
// back to.
func TestPatchOfAnUnknownType(t *testing.T) {
	t.Parallel()
	d := stored()
	d.Type, d.Settings = "pager", nil
	got, err := d.Patch([]byte(`{"displayName":"x","type":"pager"}`))
	if err != nil || got.DisplayName != "x" {
		t.Errorf("got %q, %v", got.DisplayName, err)
	}
	_, err = d.Patch([]byte(`{"settings":{"url":"https://h"}}`))
	if diff := cmp.Diff([]string{"settings: conflict"}, wrong(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestKeptValuesStayAtTheirPlace is the second half of promise 13.
func TestKeptValuesStayAtTheirPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, to string
		moved          bool
	}{
		{"another path", "https://soar.example/a", "https://soar.example/b?c=d", false},
		{"the default port of https written out", "https://soar.example/", "https://soar.example:443/", false},
		{"the default port of https left out", "https://soar.example:443/", "https://soar.example", false},
		{"the default port of http written out", "http://soar.example/", "http://soar.example:80/", false},
		{"the host in another case", "https://soar.example/", "https://SOAR.Example/", false},
		{"the scheme in another case", "https://soar.example/", "HTTPS://soar.example/", false},
		{"an IPv6 address in another case", "http://[2001:db8::a]/", "http://[2001:DB8::A]:80/", false},
		{"an IPv6 address written in full", "http://[2001:db8::a]/", "http://[2001:0db8:0:0:0:0:0:000a]/", false},
		{"a port with a zero before it", "https://soar.example/", "https://soar.example:0443/", false},
		{"a name in the form of DNS", "https://b\u00fccher.example/", "https://xn--bcher-kva.example/", false},
		{"a name in capital letters", "https://xn--bcher-kva.example/", "https://B\u00dcCHER.example/", false},
		{"a name percent-encoded", "https://b\u00fccher.example/", "https://b%C3%BCcher.example/", false},
		{"a full stop of another script", "https://soar.example/", "https://soar\u3002example/", false},
		{"an address in wide digits", "http://192.0.2.1/", "http://\uff11\uff19\uff12.0.2.1/", false},
		{"a Kelvin sign", "https://kafka.example/", "https://\u212aafka.example/", false},

		{"https to http", "https://soar.example/", "http://soar.example/", true},
		{"http to https", "http://soar.example/", "https://soar.example/", true},
		{"https to http at the same port", "https://soar.example:8443/", "http://soar.example:8443/", true},
		{"the other scheme's default port", "http://soar.example/", "http://soar.example:443/", true},
		{"another port", "https://soar.example/", "https://soar.example:8443/", true},
		{"another host", "https://soar.example/", "https://evil.example/", true},
		{"a host below", "https://soar.example/", "https://a.soar.example/", true},
		{"the host as a prefix", "https://soar.example/", "https://soar.example.evil.example/", true},
		{"a port within the address", "http://[2001:db8::1]:80/", "http://[2001:db8::1:80]/", true},
		// A name with few dots is looked up in the machine's search domains: in a
		// cluster soar.dev is a service, and soar.dev. somebody's site.
		{"a dot at the end", "http://soar.dev/", "http://soar.dev./", true},
		{"a dot at the end of a longer name", "https://soar.example/", "https://soar.example./", true},
		{"a name of two scripts that look alike", "https://soar.example/", "https://s\u043ear.example/", true},
		{"a name without its accent", "https://b\u00fccher.example/", "https://bucher.example/", true},
		// Lower-cased beyond ASCII it is the same; what is asked of DNS is not.
		{"a dotted capital I", "https://incident.example/", "https://\u0130ncident.example/", true},
		// What is no address in its usual form a resolver may read in its own way.
		{"an address with fewer dots", "http://192.0.2.1/", "http://192.0.513/", true},
		{"an address with zeros before it", "http://192.0.2.1/", "http://192.0.02.1/", true},
		{"an address in hexadecimal digits", "http://192.0.2.1/", "http://0xc0000201/", true},
		{"an IPv4 address within an IPv6 address", "http://192.0.2.1/", "http://[::ffff:192.0.2.1]/", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := stored()
			d.Settings = &Webhook{URL: tt.from, Headers: storedSettings().Headers}
			var want []string
			if tt.moved {
				want = []string{"settings.headers: required"}
			}
			url := `"url":` + quoted(t, tt.to)
			for _, settings := range []string{
				`{` + url + `}`,
				`{` + url + `,"headers":[{"name":"X-Team"}]}`,
				`{` + url + `,"headers":[{"name":"x-team","value":null},{"name":"X-Api-Key","value":"new"}]}`,
			} {
				_, err := d.Patch([]byte(`{"settings":` + settings + `}`))
				if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
					t.Errorf("%s (-want +got)\n%s", settings, diff)
				}
			}
			given := `{` + url + `,"headers":[{"name":"X-Team","value":"new"}]}`
			if _, err := d.Patch([]byte(`{"settings":` + given + `}`)); err != nil {
				t.Errorf("where no value is kept: %v", err)
			}
		})
	}
}

func TestNewPlaceWithoutStoredHeaders(t *testing.T) {
	t.Parallel()
	d := stored()
	d.Settings = &Webhook{URL: storedURL}
	got, err := d.Patch([]byte(`{"settings":{"url":"http://other.example:81"}}`))
	if err != nil || webhookOf(t, got).URL != "http://other.example:81" {
		t.Errorf("got %+v, %v", got.Settings, err)
	}
}

// TestTriedSettings: what is tried before it is saved is what Patch would save,
// or is refused in the same words.
func TestTriedSettings(t *testing.T) {
	t.Parallel()
	mended, unknown := stored(), stored()
	mended.Settings = nil
	unknown.Type, unknown.Settings = "pager", nil
	for name, d := range map[string]Destination{"stored": stored(), "mended": mended, "unknown": unknown} {
		for _, typ := range []string{``, `"webhook"`, `"pager"`, `null`, `1`} {
			for _, settings := range []string{
				``, `{}`, `null`, `[]`, `{"url":"https://soar.example/hook/two"}`, `{"url":"https://other.example"}`, `{"headers":null}`,
				`{"headers":[{"name":"x-team"},{"name":"X-More","value":"1"}]}`, `{"headers":[{"name":"X-More"}]}`,
				`{"url":"https://other.example","headers":[{"name":"X-Team"}]}`, `{"url":"https://other.example","headers":[{"name":"X-Team","value":"v"}]}`,
				`{"url":"ftp://other.example","x":1}`,
			} {
				var given []string
				if typ != "" {
					given = append(given, `"type":`+typ)
				}
				if settings != "" {
					given = append(given, `"settings":`+settings)
				}
				body := "{" + strings.Join(given, ",") + "}"
				want, wantErr := d.Patch([]byte(body))
				got, found := d.PatchSettings([]byte(typ), []byte(settings))
				if diff := cmp.Diff(want, got, headersEqual); diff != "" {
					t.Errorf("%s %s (-Patch +PatchSettings)\n%s", name, body, diff)
				}
				invalid, _ := wantErr.(invalid.FieldErrors)
				if diff := cmp.Diff(invalid, found); diff != "" {
					t.Errorf("%s %s (-Patch +PatchSettings)\n%s", name, body, diff)
				}
			}
		}
	}
}

// TestWrongURLIsNotAlsoANewPlace: one mistake is named once.
func TestWrongURLIsNotAlsoANewPlace(t *testing.T) {
	t.Parallel()
	for _, url := range []string{`"ftp://other.example"`, `null`, `7`, `"` + strings.Repeat("a", 3000) + `"`} {
		_, err := stored().Patch([]byte(`{"settings":{"url":` + url + `}}`))
		if got := wrong(t, err); len(got) != 1 || !strings.HasPrefix(got[0], "settings.url: ") {
			t.Errorf("%.30s: got %v", url, got)
		}
	}
}
