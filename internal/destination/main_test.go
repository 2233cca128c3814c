package destination

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // see the package comment of outbound
	os.Exit(m.Run())
}

// seedsExample is the payload that the seeds show.
const seedsExample = `{
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

var deliveryID = uuid.MustParse("01934f3c-9a10-7d3b-b7f2-0c6b1f2de002")

func seedsAlert(t testing.TB) alert.Alert {
	t.Helper()
	p, err := alert.Parse([]byte(seedsExample))
	if err != nil {
		t.Fatal(err)
	}
	return p.Alert
}

// newClient returns a client that may reach this machine.
func newClient(t testing.TB) *outbound.Client {
	t.Helper()
	c := outbound.New(outbound.Options{
		Allow:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		UserAgent: "Belfry/test",
	})
	t.Cleanup(c.Close)
	return c
}

// received is one request as its receiver saw it.
type received struct {
	method, uri string
	header      http.Header
	body        []byte
}

// newReceiver returns the URL of a receiver that acks, and what it receives.
func newReceiver(t testing.TB) (url string, requests <-chan received) {
	t.Helper()
	got := make(chan received, 64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		got <- received{method: r.Method, uri: r.RequestURI, header: r.Header, body: body}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

// wrong returns what an error names, as "field: code" in order of the fields.
func wrong(t testing.TB, err error) []string {
	t.Helper()
	var (
		malformed invalid.Malformed
		fields    invalid.FieldErrors
		list      []string
	)
	switch {
	case err == nil:
	case errors.As(err, &malformed):
		list = append(list, invalid.CodeMalformed)
	case errors.As(err, &fields):
		for _, e := range fields {
			list = append(list, e.Field+": "+e.Code)
		}
	default:
		t.Fatalf("got an error of another kind: %v", err)
	}
	slices.Sort(list)
	return list
}

// bodyWith returns the JSON of a small valid destination with some members
// replaced or added.
func bodyWith(t testing.TB, members string) []byte {
	t.Helper()
	body := map[string]json.RawMessage{}
	for _, object := range []string{
		`{"displayName":"SOAR","type":"webhook","settings":{"url":"https://soar.example/hook"}}`, members,
	} {
		if err := json.Unmarshal([]byte(object), &body); err != nil {
			t.Fatalf("%s: %v", object, err)
		}
	}
	return mustJSON(t, body)
}

func bodyWithSettings(t testing.TB, settings string) []byte {
	t.Helper()
	return bodyWith(t, `{"settings":`+settings+`}`)
}

func bodyWithURL(t testing.TB, url string) []byte {
	t.Helper()
	return bodyWithSettings(t, `{"url":`+quoted(t, url)+`}`)
}

func bodyWithHeaders(t testing.TB, headers string) []byte {
	t.Helper()
	return bodyWithSettings(t, `{"url":"https://soar.example/hook","headers":`+headers+`}`)
}

func quoted(t testing.TB, text string) string {
	t.Helper()
	return string(mustJSON(t, text))
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustRead(t testing.TB, raw []byte) Destination {
	t.Helper()
	d, err := Read(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return d
}

func webhookOf(t testing.TB, d Destination) *Webhook {
	t.Helper()
	w, ok := d.Settings.(*Webhook)
	if !ok {
		t.Fatalf("the settings are a %T", d.Settings)
	}
	return w
}

// checkShownIs tests that of a webhook this is shown and nothing else.
func checkShownIs(t testing.TB, d Destination, url string, headers ...string) {
	t.Helper()
	type header struct {
		Name string `json:"name"`
	}
	names := []header{}
	for _, name := range headers {
		names = append(names, header{name})
	}
	want := string(mustJSON(t, map[string]any{"url": url, "headers": names}))
	if diff := cmp.Diff(want, string(d.Shown().Settings)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// headerList writes n headers as JSON, each with a value.
func headerList(t testing.TB, n int) string {
	t.Helper()
	list := []outbound.Header{}
	for i := range n {
		list = append(list, outbound.Header{Name: "X-" + strings.Repeat("a", i+1), Value: "v"})
	}
	return string(mustJSON(t, list))
}
