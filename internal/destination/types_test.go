package destination

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"belfry/internal/alert"
	"belfry/internal/outbound"
)

// secretText begins every secret in examples. No secret is part of another, so
// that each must be masked for itself.
const secretText = "hunter2-"

type example struct {
	settings func(url string) Settings // valid ones that send to url
	headers  []outbound.Header         // that the receiver gets because of them
}

// examples has an entry for each type.
var examples = map[string]example{
	"webhook": {
		settings: func(url string) Settings {
			return &Webhook{
				URL: url + "/hooks/" + secretText + "path?token=" + secretText + "query",
				Headers: []outbound.Header{
					{Name: "X-API-Key", Value: secretText + "key"},
					{Name: "authorization", Value: "Bearer " + secretText + "bearer"},
				},
			}
		},
		headers: []outbound.Header{
			{Name: "X-Api-Key", Value: secretText + "key"},
			{Name: "Authorization", Value: "Bearer " + secretText + "bearer"},
		},
	},
}

// TestTypes holds every type to the promises of Settings.
func TestTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range Types() {
		name := typ.Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ex, ok := examples[name]
			if !ok {
				t.Fatalf("type %q has no entry in examples", name)
			}
			t.Run("it describes its settings", func(t *testing.T) { t.Parallel(); describesItself(t, typ, ex) })
			t.Run("empty settings are refused", func(t *testing.T) { t.Parallel(); refusesEmpty(t, name) })
			t.Run("what cannot be opened is misconfigured", func(t *testing.T) { t.Parallel(); isMisconfigured(t, name) })
			t.Run("stored settings come back", func(t *testing.T) { t.Parallel(); survivesStoring(t, name, ex) })
			t.Run("no secret is shown", func(t *testing.T) { t.Parallel(); showsNoSecret(t, name, ex) })
			t.Run("the receiver gets the alert", func(t *testing.T) { t.Parallel(); sendsAlert(t, ex) })
			t.Run("a repeat is the same but for its number", func(t *testing.T) { t.Parallel(); repeats(t, ex) })
			t.Run("a test says that it is one", func(t *testing.T) { t.Parallel(); marksTests(t, ex) })
			t.Run("the answer decides the class", func(t *testing.T) { t.Parallel(); classifies(t, ex) })
			t.Run("secrets that come back are masked", func(t *testing.T) { t.Parallel(); masksEcho(t, ex) })
			t.Run("an alert that is not JSON does no harm", func(t *testing.T) { t.Parallel(); survivesBadAlert(t, ex) })
		})
	}
}

// describesItself holds a description to what the API, the console and the reading of
// settings rely on.
func describesItself(t *testing.T, typ *Type, ex example) {
	t.Helper()
	if typ.DisplayName == "" || typ.Description == "" || len(typ.Fields) == 0 {
		t.Errorf("%s does not say what it is", typ.Name)
	}
	stored := typ.valuesOf(ex.settings("https://soar.example"))
	names := map[string]bool{}
	for _, f := range typ.Fields {
		if f.Label == "" || names[f.Name] {
			t.Errorf("%s has no label, or occurs twice", f.Name)
		}
		if stored[f.Name] == nil {
			t.Errorf("%s is not in the example, or the settings have another name for it", f.Name)
		}
		if (f.Kind == KindSecret || f.Kind == KindHeaders) && !f.Secret {
			t.Errorf("%s is of the kind %s and not secret", f.Name, f.Kind)
		}
		if (f.Kind == KindSelect) != (len(f.Options) > 0) {
			t.Errorf("%s is of the kind %s and has %d options", f.Name, f.Kind, len(f.Options))
		}
		if on := f.OnlyIf.Field; on != "" && (!names[on] || typ.field(on).Kind != KindSelect) {
			t.Errorf("%s depends on %q, which is no select before it", f.Name, on)
		}
		names[f.Name] = true
	}
	if got := lookUp(stored.tree(), typ.Fields[0].Name); string(got) != string(stored[typ.Fields[0].Name]) {
		t.Errorf("%s is lost on the way", typ.Fields[0].Name)
	}
}

func refusesEmpty(t *testing.T, name string) {
	t.Helper()
	for _, settings := range []string{`{}`, `null`, `[]`, `""`} {
		if d, found := ReadSettings(json.RawMessage(quoted(t, name)), json.RawMessage(settings)); len(found) == 0 || d.Settings != nil {
			t.Errorf("ReadSettings takes %s", settings)
		}
		if _, err := Read(bodyWith(t, fmt.Sprintf(`{"type":%q,"settings":%s}`, name, settings))); err == nil {
			t.Errorf("Read takes %s", settings)
		}
	}
}

func isMisconfigured(t *testing.T, name string) {
	t.Helper()
	for _, stored := range []string{``, `{`, `{}`, `null`, `[]`, `"` + secretText + `"`} {
		s, err := OpenSettings(name, []byte(stored))
		if !errors.Is(err, ErrMisconfigured) || s != nil {
			t.Errorf("%q: got %v, %v; want ErrMisconfigured", stored, s, err)
		} else if strings.Contains(err.Error(), secretText) {
			t.Errorf("%q: the error quotes what is stored: %v", stored, err)
		}
	}
}

func survivesStoring(t *testing.T, name string, ex example) {
	t.Helper()
	want := ex.settings("https://soar.example:8443")
	got, err := OpenSettings(name, mustJSON(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func showsNoSecret(t *testing.T, name string, ex example) {
	t.Helper()
	shown := Destination{Type: name, Settings: ex.settings("https://soar.example:8443")}.Shown()
	text := string(mustJSON(t, shown)) + fmt.Sprintf("%+v", shown)
	if strings.Contains(text, secretText) {
		t.Errorf("a secret is shown: %s", text)
	}
	var want []string
	for _, f := range types[name].Fields {
		if f.Secret {
			want = append(want, f.Name)
		}
	}
	if diff := cmp.Diff(want, shown.Secrets); diff != "" {
		t.Errorf("secrets that are stored (-want +got)\n%s", diff)
	}
}

// message is the seeds' alert, signed with two keys as during a rotation.
func message(t *testing.T, m Message) (Message, Signing) {
	t.Helper()
	now := time.Now()
	signing := NewSigning(now.Add(-time.Hour)).Rotate(now, time.Hour)
	m.ID, m.Alert, m.SentAt, m.Keys = deliveryID, seedsAlert(t), now, signing.Keys(now)
	return m, signing
}

func sendsAlert(t *testing.T, ex example) {
	t.Helper()
	url, requests := newReceiver(t)
	m, signing := message(t, Message{Attempt: 3})
	res := Send(t.Context(), newClient(t), ex.settings(url), m)
	if res.Class != outbound.Acked {
		t.Fatalf("got %s: %s", res.Class, res.Error)
	}
	got := <-requests

	var want bytes.Buffer
	if err := json.Compact(&want, []byte(seedsExample)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got.body)); diff != "" {
		t.Errorf("body (-want +got)\n%s", diff)
	}
	for name, want := range map[string]string{
		"Content-Type":      "application/json",
		"User-Agent":        "Belfry/test",
		"Webhook-Id":        deliveryID.String(),
		"Webhook-Timestamp": strconv.FormatInt(m.SentAt.Unix(), 10),
		"Belfry-Attempt":    "3",
	} {
		if diff := cmp.Diff([]string{want}, got.header.Values(name)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	for _, h := range ex.headers {
		if diff := cmp.Diff([]string{h.Value}, got.header.Values(h.Name)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", h.Name, diff)
		}
	}
	if got.method != http.MethodPost || got.header.Values("Belfry-Test") != nil {
		t.Errorf("got %s, Belfry-Test %q; want POST and no Belfry-Test", got.method, got.header.Values("Belfry-Test"))
	}
	for which, secret := range map[string]string{"new": signing.Secret, "previous": signing.Former[0].Secret} {
		if err := verifies(t, secret, got.body, got.header); err != nil {
			t.Errorf("with the %s secret: %v", which, err)
		}
	}
	if verifies(t, NewSigning(m.SentAt).Secret, got.body, got.header) == nil {
		t.Error("the signature verifies with a secret that is not the destination's")
	}
}

// verifies asks the Standard Webhooks project's own library.
func verifies(t testing.TB, secret string, body []byte, header http.Header) error {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w.Verify(body, header)
}

func repeats(t *testing.T, ex example) {
	t.Helper()
	url, requests := newReceiver(t)
	m, _ := message(t, Message{Attempt: 1})
	client, settings := newClient(t), ex.settings(url)
	Send(t.Context(), client, settings, m)
	m.Attempt = 2
	Send(t.Context(), client, settings, m)

	first, second := <-requests, <-requests
	if got := second.header.Get("Belfry-Attempt"); got != "2" {
		t.Errorf("got Belfry-Attempt %q, want 2", got)
	}
	first.header.Del("Belfry-Attempt")
	second.header.Del("Belfry-Attempt")
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(received{})); diff != "" {
		t.Errorf("(-first +second)\n%s", diff)
	}
}

func marksTests(t *testing.T, ex example) {
	t.Helper()
	url, requests := newReceiver(t)
	m, _ := message(t, Message{Attempt: 1, Test: true})
	Send(t.Context(), newClient(t), ex.settings(url), m)
	if diff := cmp.Diff([]string{"true"}, (<-requests).header.Values("Belfry-Test")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func classifies(t *testing.T, ex example) {
	t.Helper()
	client := newClient(t)
	m, _ := message(t, Message{Attempt: 1})
	for status, want := range map[int]outbound.Class{
		200: outbound.Acked, 204: outbound.Acked, 299: outbound.Acked, 301: outbound.Redirected, 307: outbound.Redirected,
		400: outbound.Rejected, 404: outbound.Rejected, 410: outbound.Rejected, 429: outbound.Rejected, 500: outbound.Rejected,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		if got := Send(t.Context(), client, ex.settings(srv.URL), m); got.Class != want || got.StatusCode != status {
			t.Errorf("got %s, status %d; want %s, status %d", got.Class, got.StatusCode, want, status)
		}
		srv.Close()
	}
}

// masksEcho sends to a receiver that answers with all it was sent, in its
// headers and in its body.
func masksEcho(t *testing.T, ex example) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			for _, v := range values {
				w.Header().Add("Echo-"+name, v)
			}
		}
		w.Header().Set("Echo-Url", r.RequestURI)
		fmt.Fprintf(w, "%s %v", r.RequestURI, r.Header)
	}))
	defer srv.Close()
	m, signing := message(t, Message{Attempt: 1})
	res := Send(t.Context(), newClient(t), ex.settings(srv.URL), m)
	text := fmt.Sprintf("%+v %s", res, res.Body)
	if !strings.Contains(text, "Echo-Webhook-Signature") {
		t.Fatalf("the receiver echoed nothing: %s", text)
	}
	for _, secret := range []string{secretText, signing.Secret, signing.Former[0].Secret} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the result: %s", secret, text)
		}
	}
}

func survivesBadAlert(t *testing.T, ex example) {
	t.Helper()
	url, requests := newReceiver(t)
	m, _ := message(t, Message{Attempt: 1})
	m.Alert = alert.Alert{Context: json.RawMessage(secretText)}
	res := Send(t.Context(), newClient(t), ex.settings(url), m)
	if res.Class != outbound.Protocol || !res.StartedAt.Equal(m.SentAt) || res.Error == "" || strings.Contains(res.Error, secretText) {
		t.Errorf("got %+v", res)
	}
	select {
	case <-requests:
		t.Error("something was sent")
	default:
	}
}

// A destination without a secret to sign with is misconfigured. Should one come as
// far as here, nothing goes out: least of all with a signature that an empty key made.
func TestSendWithoutKeysSendsNothing(t *testing.T) {
	t.Parallel()
	url, requests := newReceiver(t)
	for _, keys := range [][]string{nil, {""}, {"whsec_"}, {"", "whsec_"}, {"whsec_*"}} {
		m := Message{ID: deliveryID, Alert: seedsAlert(t), Attempt: 1, SentAt: time.Now(), Keys: keys}
		if r := Send(t.Context(), newClient(t), &Webhook{URL: url}, m); r.Class != outbound.Interrupted || r.Error == "" {
			t.Errorf("%q: %+v", keys, r)
		}
	}
	select {
	case r := <-requests:
		t.Errorf("sent with the signature %q", r.header.Get("webhook-signature"))
	default:
	}
}

func TestSendLeavesSettingsAlone(t *testing.T) {
	t.Parallel()
	url, requests := newReceiver(t)
	headers := append(make([]outbound.Header, 0, 8), outbound.Header{Name: "X-Key", Value: "v"})
	w := &Webhook{URL: url, Headers: headers}
	before := string(mustJSON(t, w))
	Send(t.Context(), newClient(t), w, Message{ID: deliveryID, Alert: seedsAlert(t), Attempt: 1, SentAt: time.Now(), Keys: NewSigning(noon).Keys(noon)})
	<-requests
	if diff := cmp.Diff(before, string(mustJSON(t, w))); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	if got := headers[:2][1]; got != (outbound.Header{}) {
		t.Errorf("another header was written behind the list: %v", got)
	}
}

func TestSendThatIsStoppedIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	m, _ := message(t, Message{Attempt: 1})
	if got := Send(ctx, newClient(t), &Webhook{URL: srv.URL}, m); got.Class != outbound.Interrupted {
		t.Errorf("got %s: %s", got.Class, got.Error)
	}
}

func TestTypesAreInOrder(t *testing.T) {
	t.Parallel()
	byName := func(a, b *Type) int { return strings.Compare(a.Name, b.Name) }
	if got := Types(); len(got) != len(types) || !slices.IsSortedFunc(got, byName) {
		t.Errorf("got %v", got)
	}
}

func TestUnknownTypeIsMisconfigured(t *testing.T) {
	t.Parallel()
	if _, err := OpenSettings("pager", []byte(`{"url":"https://h"}`)); !errors.Is(err, ErrMisconfigured) {
		t.Errorf("got %v, want ErrMisconfigured", err)
	}
}
