package destination

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"belfry/internal/alert"
	"belfry/internal/outbound"
)

// secretText begins every secret of example. No secret is part of another, so that
// each must be masked for itself.
const secretText = "hunter2-"

// example is a webhook that sends to url, with secrets in all its parts.
func example(url string) *Webhook {
	return &Webhook{
		URL: url + "/hooks/" + secretText + "path?token=" + secretText + "query",
		Headers: []outbound.Header{
			{Name: "X-API-Key", Value: secretText + "key"},
			{Name: "authorization", Value: "Bearer " + secretText + "bearer"},
		},
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

// The receiver gets the payload of the seeds, signed, with the headers that were entered.
func TestWebhookSendsAlert(t *testing.T) {
	t.Parallel()
	url, requests := newReceiver(t)
	m, signing := message(t, Message{Attempt: 3})
	res := Send(t.Context(), newClient(t), example(url), m)
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
	for name, want := range map[string]string{"X-Api-Key": secretText + "key", "Authorization": "Bearer " + secretText + "bearer"} {
		if diff := cmp.Diff([]string{want}, got.header.Values(name)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
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

func TestWebhookRepeatsWithItsNumber(t *testing.T) {
	t.Parallel()
	url, requests := newReceiver(t)
	m, _ := message(t, Message{Attempt: 1})
	client, settings := newClient(t), example(url)
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

func TestWebhookMarksTests(t *testing.T) {
	t.Parallel()
	url, requests := newReceiver(t)
	m, _ := message(t, Message{Attempt: 1, Test: true})
	Send(t.Context(), newClient(t), example(url), m)
	if diff := cmp.Diff([]string{"true"}, (<-requests).header.Values("Belfry-Test")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWebhookAckIsAny2xx(t *testing.T) {
	t.Parallel()
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
		if got := Send(t.Context(), client, example(srv.URL), m); got.Class != want || got.StatusCode != status || got.NeverHeals {
			t.Errorf("got %s, status %d, never heals %v; want %s, status %d, false", got.Class, got.StatusCode, got.NeverHeals, want, status)
		}
		srv.Close()
	}
}

// A receiver answers with all it was sent, in its headers and in its body.
func TestWebhookMasksEcho(t *testing.T) {
	t.Parallel()
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
	res := Send(t.Context(), newClient(t), example(srv.URL), m)
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

func TestWebhookSendsNoBadAlert(t *testing.T) {
	t.Parallel()
	url, requests := newReceiver(t)
	m, _ := message(t, Message{Attempt: 1})
	m.Alert = alert.Alert{Context: json.RawMessage(secretText)}
	res := Send(t.Context(), newClient(t), example(url), m)
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
