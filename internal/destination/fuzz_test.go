package destination

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/invalid"
)

// FuzzRead holds what Read accepts to being stored, opened, shown, sent and
// patched.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		string(bodyWith(f, `{}`)),
		string(bodyWith(f, `{"displayName":" \u00e9\u0301 ","severities":["HIGH","HIGH"],"alertTypes":null,"logTypes":["a"]}`)),
		string(bodyWithHeaders(f, `[{"name":"X-Key","value":"\ta<b "},{"name":"!#$","value":"~"},{"name":"authorization","value":"x"}]`)),
		string(bodyWithHeaders(f, `[{"name":"x-key"},{"name":"X-KEY","value":"\u0001"},null,{"name":"Expect","value":"1"}]`)),
		string(bodyWithURL(f, "http://[::1]:8080/a%20b/?c=d&e=%zz")),
		string(bodyWithURL(f, "HTTPS://z\u00fcrich.example:0443/\u00e4?\u00fc")),
		string(bodyWithURL(f, "http://<a>,b/")),
		string(bodyWithURL(f, "http://a..b.:1/;p?#")),
		string(bodyWith(f, `{"limits":{"maxInFlight":1e3,"ratePerSecond":0.01,"burst":null,"holdFailing":false}}`)),
		string(bodyWith(f, `{"limits":{"maxInFlight":1.0,"ratePerSecond":9999.5,"burst":10000}}`)),
		string(bodyWith(f, `{"limits":{"maxInFlight":-0,"ratePerSecond":1e400,"burst":1}}`)),
		`{"displayName":"\ud800","type":"webhook","settings":{"url":"http://\u00ad/"}}`,
		`{"displayName":"a","displayName":"b","type":5,"settings":[]}`,
		`[]`, `null`, `{`, `{"a":1,}`, "\ufeff{}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Read(raw)
		checkKindOfError(t, raw, err)
		if err != nil {
			return
		}
		checkStored(t, d)
		checkShown(t, d)
		checkPatched(t, d)
		checkRequest(t, webhookOf(t, d))
	})
}

// checkKindOfError holds Read to encoding/json's word on what is an object.
func checkKindOfError(t *testing.T, raw []byte, err error) {
	t.Helper()
	var object map[string]json.RawMessage
	isObject := utf8.Valid(raw) && json.Unmarshal(raw, &object) == nil && object != nil
	var malformed invalid.Malformed
	if errors.As(err, &malformed) == isObject {
		t.Errorf("object %v, got %v", isObject, err)
	}
	seen := map[string]bool{}
	for _, e := range wrong(t, err) {
		if seen[e] {
			t.Errorf("%q is named twice", e)
		}
		seen[e] = true
	}
	if err != nil && len(seen) == 0 {
		t.Error("got an error that names nothing")
	}
}

func checkStored(t *testing.T, d Destination) {
	t.Helper()
	if d.DisplayName == "" || NameKey(d.DisplayName) == "" || d.Severities == nil || len(d.AlertTypes) == 0 || d.LogTypes == nil {
		t.Errorf("the database would refuse %+v", d)
	}
	if l := d.Limits; l.MaxInFlight < 1 || l.MaxInFlight > 1000 || l.Burst < 0 || l.Burst > 10_000 || (l.Burst == 0) != (l.RatePerSecond == 0) ||
		l.RatePerSecond != 0 && !(l.RatePerSecond >= 0.01 && l.RatePerSecond <= 10_000) {
		t.Errorf("the database would refuse %+v", l)
	}
	for _, text := range append(d.LogTypes, d.DisplayName) {
		if !utf8.ValidString(text) || bytes.ContainsRune([]byte(text), 0) {
			t.Errorf("the database would refuse %q", text)
		}
	}
	got, err := OpenSettings(d.Type, mustJSON(t, d.Settings))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Settings, got); diff != "" {
		t.Errorf("(-stored +opened)\n%s", diff)
	}
}

// checkShown tests that of the URL nothing is shown behind the host, and no
// value of a header.
func checkShown(t *testing.T, d Destination) {
	t.Helper()
	u, err := url.Parse(webhookOf(t, d).URL)
	if err != nil || u.Host == "" {
		t.Fatalf("%q: %v", webhookOf(t, d).URL, err)
	}
	names := []string{}
	for _, h := range webhookOf(t, d).Headers {
		names = append(names, h.Name)
	}
	checkShownIs(t, d, u.Scheme+"://"+u.Host, names...)
}

// checkPatched tests that a patch which repeats what is shown changes nothing.
func checkPatched(t *testing.T, d Destination) {
	t.Helper()
	headers := []map[string]string{}
	for _, h := range webhookOf(t, d).Headers {
		headers = append(headers, map[string]string{"name": h.Name})
	}
	got, err := d.Patch(mustJSON(t, map[string]any{
		"displayName": d.DisplayName, "type": d.Type, "severities": d.Severities, "alertTypes": d.AlertTypes, "logTypes": d.LogTypes,
		"limits":   shownLimits(d.Limits),
		"settings": map[string]any{"url": webhookOf(t, d).URL, "headers": headers},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got, headersEqual); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// checkRequest tests that net/http can write a request to the URL with the
// headers and read it again. Nothing is sent: the fuzzer's URLs are not ours.
func checkRequest(t *testing.T, w *Webhook) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range w.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Fatalf("%q: %v", w.URL, err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatalf("%q: %v", w.URL, err)
	}
	if got.Host == "" || got.URL.Path == "" || got.URL.Path[0] != '/' {
		t.Errorf("%q: got %q at %q", w.URL, got.RequestURI, got.Host)
	}
	for _, h := range w.Headers {
		if diff := cmp.Diff([]string{h.Value}, got.Header.Values(h.Name)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", h.Name, diff)
		}
	}
}
