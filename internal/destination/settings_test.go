package destination

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/outbound"
)

// desk is settings with a field of each kind, and some within an object.
type desk struct {
	Base    string            `json:"base"`
	Hook    string            `json:"hook,omitempty"`
	Token   string            `json:"token,omitempty"`
	Style   string            `json:"style"`
	Footer  string            `json:"footer,omitempty"`
	Level   float64           `json:"level,omitempty"`
	Silent  bool              `json:"silent"`
	Headers []outbound.Header `json:"headers"`
	TLS     struct {
		CA   string `json:"ca,omitempty"`
		Name string `json:"name,omitempty"`
	} `json:"tls"`
	Auth struct {
		Kind     string `json:"kind"`
		User     string `json:"user,omitempty"`
		Password string `json:"password,omitempty"`
	} `json:"auth"`
}

func (*desk) Request(Message) (outbound.Request, error) { return outbound.Request{}, nil }
func (*desk) Judge(r outbound.Result) Meaning           { return ByStatus(r) }

var deskType = &Type{
	Name: "desk", DisplayName: "Desk", Description: "Opens a ticket.",
	Fields: []Field{
		{Name: "base", Label: "Base URL", Kind: KindURL, Required: true},
		{Name: "hook", Label: "Hook", Kind: KindURL, Secret: true},
		{Name: "token", Label: "Token", Kind: KindSecret, Secret: true, MaxLength: 20},
		{Name: "style", Label: "Style", Kind: KindSelect, Default: "plain", Options: []Option{{"plain", "Plain"}, {"fancy", "Fancy"}}},
		{Name: "footer", Label: "Footer", Kind: KindMultiline},
		{Name: "level", Label: "Level", Kind: KindNumber, Min: 1, Max: 5, Whole: true},
		{Name: "silent", Label: "Silent", Kind: KindBoolean},
		{Name: "headers", Label: "Headers", Kind: KindHeaders, Secret: true},
		{Name: "tls.ca", Label: "Certificates", Kind: KindPEM},
		{Name: "tls.name", Label: "Server name", Kind: KindText, Target: true},
		{Name: "auth.kind", Label: "Authentication", Kind: KindSelect, Default: "none", Options: []Option{{"none", "None"}, {"basic", "Basic"}}},
		{Name: "auth.user", Label: "User", Kind: KindText, OnlyIf: Condition{"auth.kind", []string{"basic"}}, Required: true},
		{Name: "auth.password", Label: "Password", Kind: KindSecret, Secret: true, OnlyIf: Condition{"auth.kind", []string{"basic"}}},
	},
	New: func() Settings { return &desk{Headers: []outbound.Header{}} },
}

const (
	deskWhole = `{"base":"https://desk.test","hook":"https://hook.test/hunter2","token":"hunter2-token","style":"fancy",
		"footer":"two\nlines","level":3,"silent":true,"headers":[{"name":"X-Key","value":"hunter2"}],"tls":{"name":"desk"},
		"auth":{"kind":"basic","user":"belfry","password":"hunter2-pass"}}`
	deskPEM = "-----BEGIN CERTIFICATE-----\\naGVsbG8=\\n-----END CERTIFICATE-----\\n"
)

// readDesk reads settings, as a change of old if there is one.
func readDesk(t *testing.T, raw, old string) (got string, wrongs []string) {
	t.Helper()
	var before Settings
	if old != "" {
		var wrong []string
		if before, wrong = mustReadDesk(t, old, nil); wrong != nil {
			t.Fatal(wrong)
		}
	}
	s, wrongs := mustReadDesk(t, raw, before)
	if s == nil {
		return "", wrongs
	}
	return string(mustJSON(t, s)), wrongs
}

func mustReadDesk(t *testing.T, raw string, old Settings) (Settings, []string) {
	t.Helper()
	s, found := deskType.read(json.RawMessage(raw), old)
	if len(found) > 0 {
		return nil, wrong(t, found)
	}
	return s, nil
}

func TestReadByDescription(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ raw, old, want string }{
		"defaults":             {`{"base":"https://desk.test"}`, "", `{"base":"https://desk.test","style":"plain","silent":false,"headers":[],"tls":{},"auth":{"kind":"none"}}`},
		"what is absent stays": {`{"level":4}`, deskWhole, strings.Replace(deskWhole, `"level":3`, `"level":4`, 1)},
		"null clears":          {`{"token":null,"style":null,"level":null,"headers":null}`, deskWhole, `{"base":"https://desk.test","hook":"https://hook.test/hunter2","style":"plain","footer":"two\nlines","silent":true,"headers":[],"tls":{"name":"desk"},"auth":{"kind":"basic","user":"belfry","password":"hunter2-pass"}}`},
		"a member of an object is changed, the others stay": {`{"auth":{"user":"other"}}`, deskWhole, strings.Replace(deskWhole, `"belfry"`, `"other"`, 1)},
		"what has no place any more goes":                   {`{"auth":{"kind":"none"}}`, deskWhole, strings.Replace(deskWhole, `{"kind":"basic","user":"belfry","password":"hunter2-pass"}`, `{"kind":"none"}`, 1)},
		"null clears an object":                             {`{"auth":null,"tls":null,"token":null,"headers":null}`, deskWhole, `{"base":"https://desk.test","hook":"https://hook.test/hunter2","style":"fancy","footer":"two\nlines","level":3,"silent":true,"headers":[],"tls":{},"auth":{"kind":"none"}}`},
		"certificates":                                      {`{"base":"https://desk.test","tls":{"ca":"` + deskPEM + `"}}`, "", `{"base":"https://desk.test","style":"plain","silent":false,"headers":[],"tls":{"ca":"` + deskPEM + `"},"auth":{"kind":"none"}}`},
	} {
		got, wrongs := readDesk(t, c.raw, c.old)
		if wrongs != nil {
			t.Errorf("%s: %v", name, wrongs)
			continue
		}
		if !sameJSON([]byte(got), []byte(c.want)) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestReadByDescriptionRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw, old string
		want     []string
	}{
		"what is required":                 {`{"auth":{"kind":"basic"}}`, "", []string{"auth.user: required", "base: required"}},
		"another type":                     {`{"base":1,"level":"x","silent":"x","tls":[],"auth":{"kind":1}}`, "", []string{"auth.kind: type", "base: type", "level: type", "silent: type", "tls: type"}},
		"what is unknown":                  {`{"base":"https://desk.test","hue":1,"auth":{"hue":1}}`, "", []string{"auth.hue: unknown_field", "hue: unknown_field"}},
		"a wrong value":                    {`{"base":"ftp://desk.test","token":"a\nb","style":"x","level":6,"tls":{"ca":"x"}}`, "", []string{"base: format", "level: format", "style: enum", "tls.ca: format", "token: control_character"}},
		"half a number":                    {`{"base":"https://desk.test","level":1.5}`, "", []string{"level: type"}},
		"too much":                         {`{"base":"https://desk.test","token":"` + strings.Repeat("x", 21) + `"}`, "", []string{"token: too_long"}},
		"what has no place":                {`{"base":"https://desk.test","auth":{"password":"x"}}`, "", []string{"auth.password: conflict"}},
		"stored secrets to a new host":     {`{"base":"https://other.test"}`, deskWhole, []string{"auth.password: required", "headers: required", "token: required"}},
		"stored secrets to another target": {`{"tls":{"name":"other"},"token":"new","headers":[{"name":"X-Key","value":"new"}]}`, deskWhole, []string{"auth.password: required"}},
		"a header kept for a new host":     {`{"hook":"https://other.test/x","token":"n","auth":null,"headers":[{"name":"X-Key"}]}`, deskWhole, []string{"headers: required"}},
	} {
		_, wrongs := readDesk(t, c.raw, c.old)
		if diff := cmp.Diff(c.want, wrongs); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// What is shown and sent back must not cut off what is not shown of a URL.
func TestShownSentBackIsRefused(t *testing.T) {
	t.Parallel()
	old, wrongs := mustReadDesk(t, deskWhole, nil)
	if wrongs != nil {
		t.Fatal(wrongs)
	}
	shown := deskType.show(deskType.valuesOf(old))
	want := `{"auth":{"kind":"basic","user":"belfry"},"base":"https://desk.test","footer":"two\nlines","headers":[{"name":"X-Key"}],"hook":"https://hook.test","level":3,"silent":true,"style":"fancy","tls":{"name":"desk"}}`
	if diff := cmp.Diff(want, string(shown.Settings)); diff != "" {
		t.Errorf("shown (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"hook", "token", "headers", "auth.password"}, shown.Secrets); diff != "" {
		t.Errorf("secrets (-want +got)\n%s", diff)
	}
	_, wrongs = mustReadDesk(t, string(shown.Settings), old)
	if diff := cmp.Diff([]string{"hook: conflict"}, wrongs); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Nor when something was changed meanwhile, or only some of it is sent.
	for _, raw := range []string{
		strings.Replace(string(shown.Settings), `"level":3`, `"level":4`, 1),
		`{"hook":"https://hook.test"}`,
		`{"hook":"https://hook.test","headers":[{"name":"X-Key","value":"new"}]}`,
	} {
		if _, wrongs := mustReadDesk(t, raw, old); !slices.Equal(wrongs, []string{"hook: conflict"}) {
			t.Errorf("%s: %v", raw, wrongs)
		}
	}
	// What says more, or is new, says what it means.
	if _, wrongs := mustReadDesk(t, `{"hook":"https://hook.test/"}`, old); wrongs != nil {
		t.Errorf("the host's root: %v", wrongs)
	}
	if _, wrongs := mustReadDesk(t, `{"base":"https://desk.test","hook":"https://hook.test"}`, nil); wrongs != nil {
		t.Errorf("a new one: %v", wrongs)
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// cloudType sends to a place of its own unless a URL is given, which then says where.
var cloudType = &Type{
	Name: "cloud", DisplayName: "Cloud", Description: "Sends to a cloud, or to a server of one's own.",
	Fields: []Field{
		{Name: "mode", Label: "Mode", Kind: KindSelect, Default: "cloud", Options: []Option{{"cloud", "Cloud"}, {"own", "Own"}}},
		{Name: "url", Label: "URL", Kind: KindURL, Required: true, OnlyIf: Condition{"mode", []string{"own"}}},
		{Name: "token", Label: "Token", Kind: KindSecret, Secret: true},
	},
	New: func() Settings { return &cloud{} },
}

type cloud struct {
	Mode  string `json:"mode"`
	URL   string `json:"url,omitempty"`
	Token string `json:"token,omitempty"`
}

func (c *cloud) Request(Message) (outbound.Request, error) {
	return outbound.Request{Method: http.MethodPut, Body: []byte(c.Mode)}, nil
}
func (*cloud) Judge(r outbound.Result) Meaning { return ByStatus(r) }

// A URL that has no place any more sends elsewhere too, and stored secrets stay behind.
func TestSecretsStayWhenAURLStopsApplying(t *testing.T) {
	t.Parallel()
	own := &cloud{Mode: "own", URL: "https://own.test/x", Token: "hunter2"}
	for raw, want := range map[string][]string{
		`{"mode":"cloud"}`:                            {"token: required"},
		`{"mode":"cloud","token":"new"}`:              nil,
		`{"mode":"cloud","token":null}`:               nil,
		`{"url":"https://own.test/y"}`:                nil,
		`{"mode":"own","url":"https://other.test/x"}`: {"token: required"},
	} {
		s, found := cloudType.read(json.RawMessage(raw), own)
		if got := wrong(t, found); len(got)+len(want) > 0 && !slices.Equal(got, want) {
			t.Errorf("%s: %v (%+v), want %v", raw, got, s, want)
		}
	}
	if _, found := cloudType.read(json.RawMessage(`{"mode":"own","url":"https://own.test/x"}`), &cloud{Mode: "cloud", Token: "hunter2"}); !slices.Equal(wrong(t, found), []string{"token: required"}) {
		t.Errorf("and back: %v", found)
	}
}

// An example is made of the defaults, as a new destination with nothing entered is.
func TestExampleHasDefaults(t *testing.T) {
	t.Parallel()
	if r, ok := cloudType.Example(time.Now()); !ok || string(r.Body) != "cloud" {
		t.Errorf("an example of mode %q, %v", r.Body, ok)
	}
}
