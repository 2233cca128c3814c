package destination_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/destination"
	"belfry/internal/invalid"
	"belfry/internal/outbound"
	_ "belfry/internal/testchat" // a type that is nothing like a webhook
)

// secretText begins every secret in examples. No secret is part of another, so that
// each must be masked for itself.
const secretText = "hunter2-"

// examples has settings of each type, as they are entered, with a value for every
// field. URL stands for where to send.
var examples = map[string]string{
	"webhook": `{"url":"URL/hooks/hunter2-path?token=hunter2-query",
		"headers":[{"name":"X-API-Key","value":"hunter2-key"},{"name":"authorization","value":"Bearer hunter2-bearer"}]}`,
	"test-chat": `{"server":"URL","token":"hunter2-token","channel":"#alerts","message":{"style":"full","footer":"two\nlines"},"threads":false}`,
}

// TestTypes holds every type to what the engine, the API and the console rely on. What
// a type sends, and what it takes for an ack, it tests for itself.
func TestTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range destination.Types() {
		t.Run(typ.Name, func(t *testing.T) {
			t.Parallel()
			settings, ok := examples[typ.Name]
			if !ok {
				t.Fatalf("type %q has no entry in examples", typ.Name)
			}
			ex := example{typ, settings}
			for name, holds := range map[string]func(*testing.T, example){
				"it describes itself":                       describesItself,
				"its fields are in an order to be asked":    isInOrder,
				"its fields say their limits":               namesLimits,
				"what is required is asked for":             asksForRequired,
				"defaults can be entered":                   takesDefaults,
				"what is no settings is refused":            refusesOthers,
				"what cannot be opened is misconfigured":    isMisconfigured,
				"entered, stored and opened it is the same": survivesStoring,
				"no secret is shown":                        showsNoSecret,
				"a change keeps what it does not name":      keepsTheRest,
				"no secret goes along to another place":     keepsSecretsAtHome,
				"a repeat is the same, a test is another":   repeats,
				"sending leaves the settings alone":         leavesSettings,
				"an error is no ack":                        takesNoErrorForAck,
				"secrets that come back are masked":         masksEcho,
				"an alert that is not JSON does no harm":    survivesBadAlert,
			} {
				t.Run(name, func(t *testing.T) { t.Parallel(); holds(t, ex) })
			}
		})
	}
}

// example is a type with settings of it.
type example struct {
	*destination.Type
	settings string
}

// at returns the settings as they are entered to send to url.
func (e example) at(url string) string { return strings.ReplaceAll(e.settings, "URL", url) }

// read returns a destination with settings that were entered.
func (e example) read(t *testing.T, settings string) destination.Destination {
	t.Helper()
	d, wrong := destination.ReadSettings(mustJSON(t, e.Name), json.RawMessage(settings))
	if len(wrong) > 0 {
		t.Fatalf("%s: %v", settings, wrong)
	}
	return d
}

// with returns the settings with another value for a field, or without one for nil.
func (e example) with(t *testing.T, field string, value any) string {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal([]byte(e.at("https://soar.example")), &whole); err != nil {
		t.Fatal(err)
	}
	object, member := whole, field
	if outer, inner, ok := strings.Cut(field, "."); ok {
		object, member = whole[outer].(map[string]any), inner
	}
	if object[member] = value; value == nil {
		delete(object, member)
	}
	return string(mustJSON(t, whole))
}

// alone returns settings of one field, as a change has them.
func alone(t *testing.T, field string, value any) json.RawMessage {
	t.Helper()
	if outer, inner, ok := strings.Cut(field, "."); ok {
		return mustJSON(t, map[string]any{outer: map[string]any{inner: value}})
	}
	return mustJSON(t, map[string]any{field: value})
}

// valuesOf returns the values of settings by the names of their fields.
func valuesOf(t *testing.T, settings any) map[string]any {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal(mustJSON(t, settings), &whole); err != nil {
		t.Fatal(err)
	}
	flat := map[string]any{}
	for name, value := range whole {
		if inner, ok := value.(map[string]any); ok {
			for member, v := range inner {
				flat[name+"."+member] = v
			}
			continue
		}
		flat[name] = value
	}
	return flat
}

func describesItself(t *testing.T, ex example) {
	if !strings.HasSuffix(ex.Description, ".") || ex.DisplayName == "" || len(ex.Fields) == 0 {
		t.Errorf("%q, %q does not say what it is", ex.DisplayName, ex.Description)
	}
	stored := valuesOf(t, ex.read(t, ex.at("https://soar.example")).Settings)
	labels, asks, sends := map[string]bool{}, false, false
	for _, f := range ex.Fields {
		if f.Label == "" || labels[f.Label] {
			t.Errorf("%s has no label of its own, which is %q", f.Name, f.Label)
		}
		if !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s has no sentence that helps, which is %q", f.Name, f.Help)
		}
		if stored[f.Name] == nil {
			t.Errorf("%s is not in the example, or the settings have another name for it", f.Name)
		}
		if (f.Kind == destination.KindSecret || f.Kind == destination.KindHeaders) && !f.Secret {
			t.Errorf("%s is of the kind %s and not secret", f.Name, f.Kind)
		}
		if (f.Kind == destination.KindSelect) != (len(f.Options) > 0) {
			t.Errorf("%s is of the kind %s and has %d options", f.Name, f.Kind, len(f.Options))
		}
		labels[f.Label] = true
		asks, sends = asks || f.Required, sends || f.Target || f.Kind == destination.KindURL
		delete(stored, f.Name)
	}
	if !asks || !sends {
		t.Errorf("a required field: %v, one that says where to send: %v", asks, sends)
	}
	for name := range stored {
		t.Errorf("the settings have %s, which is no field", name)
	}
}

// isInOrder: a form asks from top to bottom, section by section.
func isInOrder(t *testing.T, ex example) {
	asked, over := map[string]destination.Field{}, map[string]bool{}
	section := ex.Fields[0].Section
	for _, f := range ex.Fields {
		if on := f.OnlyIf.Field; on != "" && asked[on].Kind != destination.KindSelect {
			t.Errorf("%s depends on %q, which is no select before it", f.Name, on)
		}
		if f.Section != section {
			over[section], section = true, f.Section
		}
		if over[f.Section] {
			t.Errorf("%s is apart from the rest of its section %q", f.Name, f.Section)
		}
		asked[f.Name] = f
	}
}

// namesLimits: what is longer than a field says is refused at the field.
func namesLimits(t *testing.T, ex example) {
	for _, f := range ex.Fields {
		var tooMuch any
		switch f.Kind {
		case destination.KindSelect, destination.KindBoolean:
			continue
		case destination.KindNumber:
			if f.Min >= f.Max {
				t.Errorf("%s says no range", f.Name)
			}
			tooMuch = f.Max + 1
		case destination.KindHeaders:
			list := []outbound.Header{}
			for n := range f.Most() + 1 {
				list = append(list, outbound.Header{Name: fmt.Sprint("x-", n), Value: "v"})
			}
			tooMuch = list
		case destination.KindURL:
			tooMuch = "https://soar.example/" + strings.Repeat("x", f.Longest())
		default:
			tooMuch = strings.Repeat("x", f.Longest()+1)
		}
		if kind := (destination.Field{Kind: f.Kind}); f.Longest() > kind.Longest() {
			t.Errorf("%s may have %d characters, more than the kind %s can", f.Name, f.Longest(), f.Kind)
		}
		wantWrong(t, ex, ex.with(t, f.Name, tooMuch), f.Name)
	}
}

func asksForRequired(t *testing.T, ex example) {
	for _, f := range ex.Fields {
		if f.Required && f.Default == nil {
			wantWrong(t, ex, ex.with(t, f.Name, nil), f.Name)
		}
	}
}

// wantWrong holds the reading of settings to naming a field.
func wantWrong(t *testing.T, ex example, settings, field string) {
	t.Helper()
	d, wrong := destination.ReadSettings(mustJSON(t, ex.Name), json.RawMessage(settings))
	if !slices.ContainsFunc(wrong, func(w invalid.FieldError) bool { return w.Field == "settings."+field }) || d.Settings != nil {
		t.Errorf("%s: got %v, want something about %s", settings, wrong, field)
	}
	if strings.Contains(fmt.Sprint(wrong), secretText) {
		t.Errorf("what is wrong quotes a secret: %v", wrong)
	}
}

// takesDefaults: a field that is left out has its default, and one may as well enter it.
func takesDefaults(t *testing.T, ex example) {
	for _, f := range ex.Fields {
		if f.Default == nil || f.OnlyIf.Field != "" {
			continue
		}
		rest := ex // without what is asked for by the field's value
		for _, other := range ex.Fields {
			if other.OnlyIf.Field == f.Name {
				rest.settings = rest.with(t, other.Name, nil)
			}
		}
		for _, settings := range []string{rest.with(t, f.Name, nil), rest.with(t, f.Name, f.Default)} {
			got := valuesOf(t, ex.read(t, settings).Settings)
			if diff := cmp.Diff(f.Default, got[f.Name]); diff != "" {
				t.Errorf("%s in %s (-default +got)\n%s", f.Name, settings, diff)
			}
		}
	}
}

func refusesOthers(t *testing.T, ex example) {
	for _, settings := range []string{`{}`, `null`, `[]`, `""`, ex.with(t, "noSuchField", "x")} {
		if d, found := destination.ReadSettings(mustJSON(t, ex.Name), json.RawMessage(settings)); len(found) == 0 || d.Settings != nil {
			t.Errorf("ReadSettings takes %s", settings)
		}
		body := fmt.Sprintf(`{"displayName":"SOAR","type":%q,"settings":%s}`, ex.Name, settings)
		if _, err := destination.Read([]byte(body)); err == nil {
			t.Errorf("Read takes %s", settings)
		}
	}
}

func isMisconfigured(t *testing.T, ex example) {
	for _, stored := range []string{``, `{`, `{}`, `null`, `[]`, `"` + secretText + `"`} {
		s, err := destination.OpenSettings(ex.Name, []byte(stored))
		if !errors.Is(err, destination.ErrMisconfigured) || s != nil {
			t.Errorf("%q: got %v, %v; want ErrMisconfigured", stored, s, err)
		} else if strings.Contains(err.Error(), secretText) {
			t.Errorf("%q: the error quotes what is stored: %v", stored, err)
		}
	}
}

func survivesStoring(t *testing.T, ex example) {
	want := ex.read(t, ex.at("https://soar.example:8443")).Settings
	got, err := destination.OpenSettings(ex.Name, mustJSON(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func showsNoSecret(t *testing.T, ex example) {
	shown := ex.read(t, ex.at("https://soar.example:8443")).Shown()
	text := string(mustJSON(t, shown)) + fmt.Sprintf("%+v", shown)
	if strings.Contains(text, secretText) {
		t.Errorf("a secret is shown: %s", text)
	}
	values := valuesOf(t, shown.Settings)
	var want []string
	for _, f := range ex.Fields {
		switch {
		case f.Secret:
			want = append(want, f.Name)
		case values[f.Name] == nil:
			t.Errorf("%s is no secret and not shown", f.Name)
		}
	}
	if diff := cmp.Diff(want, shown.Secrets); diff != "" {
		t.Errorf("secrets that are stored (-want +got)\n%s", diff)
	}
}

// keepsTheRest changes one field at a time, to the value that it has.
func keepsTheRest(t *testing.T, ex example) {
	before := ex.read(t, ex.at("https://soar.example"))
	values := valuesOf(t, before.Settings)
	changes := []json.RawMessage{json.RawMessage(`{}`)}
	for _, f := range ex.Fields {
		changes = append(changes, alone(t, f.Name, values[f.Name]))
	}
	for _, change := range changes {
		after, wrong := before.PatchSettings(nil, change)
		if len(wrong) > 0 {
			t.Errorf("%s: %v", change, wrong)
			continue
		}
		if diff := cmp.Diff(before.Settings, after.Settings); diff != "" || !before.SameSettings(after) {
			t.Errorf("%s changes something else (-before +after)\n%s", change, diff)
		}
	}
}

// keepsSecretsAtHome: whoever sends a destination elsewhere enters its secrets again.
func keepsSecretsAtHome(t *testing.T, ex example) {
	before := ex.read(t, ex.at("https://soar.example"))
	for _, f := range ex.Fields {
		if f.Kind != destination.KindURL {
			continue
		}
		_, wrong := before.PatchSettings(nil, alone(t, f.Name, "https://elsewhere.example"))
		for _, secret := range ex.Fields {
			asked := slices.ContainsFunc(wrong, func(w invalid.FieldError) bool { return w.Field == "settings."+secret.Name })
			if stays := secret.Secret && secret.Kind != destination.KindURL && secret.Name != f.Name; stays && !asked {
				t.Errorf("with another %s, %s goes along: %v", f.Name, secret.Name, wrong)
			}
		}
	}
}

// message is an alert, signed with two keys as during a rotation.
func message(now time.Time, attempt int) destination.Message {
	a := alert.Sample(alert.High, alert.Rule)
	a.AlertID, a.CreatedAt = "a-1", now
	return destination.Message{
		ID: uuid.MustParse("01934f3c-9a10-7d3b-b7f2-0c6b1f2de002"), Alert: a, Attempt: attempt, SentAt: now,
		Keys: destination.NewSigning(now.Add(-time.Hour)).Rotate(now, time.Hour).Keys(now),
	}
}

// repeats: a receiver can tell that it got a delivery before, and what is a test.
func repeats(t *testing.T, ex example) {
	settings := ex.read(t, ex.at("https://soar.example")).Settings
	request := func(m destination.Message) (outbound.Request, string) {
		t.Helper()
		r, err := settings.Request(m)
		if err != nil {
			t.Fatal(err)
		}
		return r, fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, r.Body)
	}
	m := message(time.Now(), 1)
	first, whole := request(m)
	if !strings.Contains(whole, m.ID.String()) {
		t.Errorf("nothing of it is the delivery's id: %s", whole)
	}
	m.Attempt = 2
	if second, _ := request(m); string(second.Body) != string(first.Body) || second.URL != first.URL {
		t.Errorf("the second attempt sends %s to %s, the first %s to %s", second.Body, second.URL, first.Body, first.URL)
	}
	m.Attempt, m.Test = 1, true
	if _, test := request(m); test == whole {
		t.Errorf("a test is sent like any alert: %s", test)
	}
}

func leavesSettings(t *testing.T, ex example) {
	settings := ex.read(t, ex.at("https://soar.example")).Settings
	before := string(mustJSON(t, settings))
	for attempt := range 2 {
		if _, err := settings.Request(message(time.Now(), attempt+1)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(before, string(mustJSON(t, settings))); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// send makes an attempt with a receiver that answers so.
func send(t *testing.T, ex example, m destination.Message, answer http.HandlerFunc) outbound.Result {
	t.Helper()
	srv := httptest.NewServer(answer)
	defer srv.Close()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserAgent: "Belfry/test"})
	defer client.Close()
	return destination.Send(t.Context(), client, ex.read(t, ex.at(srv.URL)).Settings, m)
}

func takesNoErrorForAck(t *testing.T, ex example) {
	for _, status := range []int{301, 307, 400, 401, 404, 410, 429, 500, 503} {
		r := send(t, ex, message(time.Now(), 1), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		if r.Class == outbound.Acked || r.StatusCode != status {
			t.Errorf("%d is taken for %s, status %d", status, r.Class, r.StatusCode)
		}
	}
}

// masksEcho sends to a receiver that answers with all it was sent, in its headers and
// in its body.
func masksEcho(t *testing.T, ex example) {
	m := message(time.Now(), 1)
	r := send(t, ex, m, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			for _, v := range values {
				w.Header().Add("Echo-"+name, v)
			}
		}
		w.Header().Set("Echo-Url", r.RequestURI)
		fmt.Fprintf(w, "%s %v", r.RequestURI, r.Header)
	})
	text := fmt.Sprintf("%+v %s", r, r.Body)
	if !strings.Contains(text, "Echo-Content-Type") {
		t.Fatalf("the receiver echoed nothing: %s", text)
	}
	for _, secret := range append(m.Keys, secretText) {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the result: %s", secret, text)
		}
	}
}

func survivesBadAlert(t *testing.T, ex example) {
	m := message(time.Now(), 1)
	m.Alert = alert.Alert{Context: json.RawMessage(secretText)}
	r := send(t, ex, m, func(http.ResponseWriter, *http.Request) {})
	if r.Class == "" || r.StartedAt.IsZero() || strings.Contains(r.Error, secretText) {
		t.Errorf("got %+v", r)
	}
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTypesAreInOrder(t *testing.T) {
	t.Parallel()
	byName := func(a, b *destination.Type) int { return strings.Compare(a.Name, b.Name) }
	if got := destination.Types(); len(got) != len(examples) || !slices.IsSortedFunc(got, byName) {
		t.Errorf("got %v", got)
	}
}

func TestUnknownTypeIsMisconfigured(t *testing.T) {
	t.Parallel()
	if _, err := destination.OpenSettings("pager", []byte(`{"url":"https://h"}`)); !errors.Is(err, destination.ErrMisconfigured) {
		t.Errorf("got %v, want ErrMisconfigured", err)
	}
}
