package destination

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

func TestReadHeaderName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, given, code string }{
		{"a usual one", "X-API-Key", ""},
		{"lower case", "x-api-key", ""},
		{"credentials", "Authorization", ""},
		{"a user agent", "User-Agent", ""},
		{"one character", "a", ""},
		{"every character of a token", "!#$%&'*+-.^_`|~09azAZ", ""},
		{"something like a reserved one", "Hosts", ""},
		{"something like a reserved prefix", "Webhook", ""},
		{"256 characters", strings.Repeat("a", 256), ""},
		{"257 characters", strings.Repeat("a", 257), invalid.CodeTooLong},
		{"empty", "", invalid.CodeRequired},
		{"a blank", "X Key", invalid.CodeFormat},
		{"a blank before", " X-Key", invalid.CodeFormat},
		{"a colon", "X-Key:", invalid.CodeFormat},
		{"a pseudo header", ":authority", invalid.CodeFormat},
		{"a line break", "X-Key\r\nX-Other", invalid.CodeFormat},
		{"NUL", "X\x00", invalid.CodeNUL},
		{"not ASCII", "X-Schlüssel", invalid.CodeFormat},
		{"a Kelvin sign", "X-\u212aey", invalid.CodeFormat},
		{"quotes", `"X"`, invalid.CodeFormat},
		{"brackets", "X[1]", invalid.CodeFormat},
		{"a slash", "X/Y", invalid.CodeFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(bodyWithHeaders(t, `[{"name":`+quoted(t, tt.given)+`,"value":"v"}]`))
			var want []string
			if tt.code != "" {
				want = []string{"settings.headers[0].name: " + tt.code}
			}
			if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadHeaderNameReserved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Idempotency-Key", "X-Idempotency-Key",
		"Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Expect",
		"webhook-id", "webhook-timestamp", "webhook-signature", "webhook-anything", "webhook-",
		"Belfry-Attempt", "Belfry-Test", "Belfry-Anything", "Belfry-",
	} {
		for _, spelled := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			_, err := Read(bodyWithHeaders(t, `[{"name":"X-Key","value":"v"},{"name":`+quoted(t, spelled)+`,"value":"v"}]`))
			if diff := cmp.Diff([]string{"settings.headers[1].name: reserved"}, wrong(t, err)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", spelled, diff)
			}
		}
	}
}

// TestEveryHeaderThatIsAcceptedIsSent: one that the client leaves out must be
// refused, or a person waits for it in vain.
func TestEveryHeaderThatIsAcceptedIsSent(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	url, requests := newReceiver(t)
	for _, name := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Idempotency-Key", "X-Idempotency-Key",
		"Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Expect",
		"User-Agent", "user-agent", "Authorization", "authorization", "Accept", "Accept-Encoding", "Cookie", "Content-Encoding",
		"Date", "Max-Forwards", "Origin", "Referer", "Via", "X-Forwarded-For", "X-HTTP-Method-Override", "x_key", "!#$%&'*+-.^_`|~",
	} {
		d, err := Read(bodyWithHeaders(t, `[{"name":`+quoted(t, name)+`,"value":"a value"}]`))
		if err != nil {
			continue
		}
		w := &Webhook{URL: url, Headers: webhookOf(t, d).Headers}
		m := Message{ID: deliveryID, Alert: seedsAlert(t), Attempt: 1, SentAt: time.Now(), Keys: NewSigning(noon).Keys(noon)}
		if res := Send(t.Context(), client, w, m); res.Class != outbound.Acked {
			t.Errorf("%s: got %s: %s", name, res.Class, res.Error)
			continue
		}
		if got := (<-requests).header[http.CanonicalHeaderKey(name)]; !cmp.Equal(got, []string{"a value"}) {
			t.Errorf("%s is accepted, the receiver got %q", name, got)
		}
	}
}

func TestReadHeaderValue(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v", 4096)
	tests := []struct{ name, given, want, code string }{
		{"a usual one", "Bearer abc.def==", "Bearer abc.def==", ""},
		{"one character", "1", "1", ""},
		{"every visible character", "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~", "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~", ""},
		{"spaces and tabs within", "a \t b", "a \t b", ""},
		{"spaces and tabs around are trimmed", " \t a \t ", "a", ""},
		{"4096 characters", long, long, ""},
		{"4096 characters and blanks around", " " + long + "\t", long, ""},
		{"4097 characters", long + "v", "", invalid.CodeTooLong},
		{"empty", "", "", invalid.CodeRequired},
		{"only blanks", " \t ", "", invalid.CodeRequired},
		{"a line break", "a\r\nX-Other: b", "", invalid.CodeFormat},
		{"a line break at the end", "a\n", "", invalid.CodeFormat},
		{"NUL", "a\x00b", "", invalid.CodeNUL},
		{"DEL", "a\x7fb", "", invalid.CodeFormat},
		{"not ASCII", "schlüssel", "", invalid.CodeFormat},
		{"a no-break space before", "\u00a0a", "", invalid.CodeFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := Read(bodyWithHeaders(t, `[{"name":"X-Key","value":`+quoted(t, tt.given)+`}]`))
			if tt.code != "" {
				if diff := cmp.Diff([]string{"settings.headers[0].value: " + tt.code}, wrong(t, err)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]outbound.Header{{Name: "X-Key", Value: tt.want}}, webhookOf(t, d).Headers); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, headers string
		want          []string
	}{
		{"several", `[{"name":"A","value":"1"},{"name":"B","value":"1"}]`, nil},
		{"text", `"X-Key: v"`, []string{"headers: type"}},
		{"an object", `{"X-Key":"v"}`, []string{"headers: type"}},
		{"entries of other types", `[null,5,"X-Key: v",["X-Key","v"]]`, []string{
			"headers[0]: type", "headers[1]: type", "headers[2]: type", "headers[3]: type",
		}},
		{"an empty entry", `[{}]`, []string{"headers[0].name: required", "headers[0].value: required"}},
		{"no name", `[{"value":"v"}]`, []string{"headers[0].name: required"}},
		{"no value, and none is stored", `[{"name":"A"},{"name":"B","value":null}]`, []string{
			"headers[0].value: required", "headers[1].value: required",
		}},
		{"a name and value of other types", `[{"name":5,"value":true}]`, []string{"headers[0].name: type", "headers[0].value: type"}},
		{"the same name", `[{"name":"X-Key","value":"1"},{"name":"X-Key","value":"2"}]`, []string{"headers[1].name: duplicate"}},
		{"the same name in another case, each time", `[{"name":"X-Key","value":"1"},{"name":"x-key","value":"1"},{"name":"X-KEY","value":"1"}]`, []string{
			"headers[1].name: duplicate", "headers[2].name: duplicate",
		}},
		{"an unknown field", `[{"name":"A","value":"1","secret":true}]`, []string{"headers[0].secret: unknown_field"}},
		{"a field in another case", `[{"Name":"A","value":"1"}]`, []string{"headers[0].Name: unknown_field", "headers[0].name: required"}},
		{"wrong ones among right ones", `[{"name":"A","value":"1"},{"name":"","value":"1"},{"name":"B","value":"é"},{"name":"C","value":"1"}]`, []string{
			"headers[1].name: required", "headers[2].value: format",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, w := range tt.want {
				want = append(want, "settings."+w)
			}
			_, err := Read(bodyWithHeaders(t, tt.headers))
			if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestShownHeadersAreTheNames(t *testing.T) {
	t.Parallel()
	d := mustRead(t, bodyWithHeaders(t, `[{"name":"X-Key","value":"hunter2"},{"name":"authorization","value":"hunter2"}]`))
	checkShownIs(t, d, "https://soar.example", "X-Key", "authorization")
}
