package outbound

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/masking"
)

func TestEchoIsMasked(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Location", "http://"+r.Host+r.URL.String())
		json.NewEncoder(w).Encode(map[string]any{"headers": r.Header, "url": "http://" + r.Host + r.URL.String(), "uri": r.RequestURI})
	})
	secrets := []string{"Bearer s3cr3t/t0ken+<&>", "key-0123456789", "abc"}
	res := newClient(t, 0).Post(t.Context(), Request{
		URL:     srv.URL + "/hooks/0123456789abcdef?token=qu%65rysecret",
		Header:  []Header{{"Authorization", secrets[0]}, {"X-Api-Key", secrets[1]}, {"X-Short", secrets[2]}, {"X-Plain", "xabcx"}},
		Secrets: secrets,
	})
	wantClass(t, res, Acked, 200)
	all := fmt.Sprintf("%s %s %s %s", res.Body, res.ResponseHeaders, res.RequestHeaders, res.Error)
	for _, part := range []string{"s3cr3t", "t0ken", "key-0", "012345", "querysecret", "qu%65rysecret", "/hooks/"} {
		if strings.Contains(all, part) {
			t.Errorf("%q is left in %s", part, all)
		}
	}
	want := []Header{
		{"Authorization", masking.Stars},
		{"Content-Type", "application/json"},
		{"User-Agent", "Belfry/test"},
		{"X-Api-Key", masking.Stars},
		{"X-Plain", "xabcx"},
		{"X-Short", masking.Stars},
	}
	if diff := cmp.Diff(want, res.RequestHeaders); diff != "" {
		t.Errorf("RequestHeaders (-want +got)\n%s", diff)
	}
}

func TestNamesOfHeadersAreMasked(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-"+r.Header.Get("X-Api-Key"), r.Header.Get("X-Api-Key"))
		w.Header()["x-"+base64.RawURLEncoding.EncodeToString([]byte(r.Header.Get("X-Api-Key")))] = []string{"1", "2"}
	})
	const secret = "TopSecretValue"
	res := newClient(t, 0).Post(t.Context(), Request{
		URL: srv.URL, Header: []Header{{"X-Api-Key", secret}}, Secrets: []string{secret},
	})
	var got []Header
	for _, h := range res.ResponseHeaders {
		if strings.Contains(h.Name, "X-") {
			got = append(got, h)
		}
	}
	slices.SortFunc(got, func(a, b Header) int { return strings.Compare(a.Value, b.Value) })
	if diff := cmp.Diff([]Header{{"X-****", masking.Stars}, {"X-****", "1"}, {"X-****", "2"}}, got); diff != "" {
		t.Errorf("ResponseHeaders (-want +got)\n%s", diff)
	}
}

func TestPartOfASecretAtACutEnd(t *testing.T) {
	t.Parallel()
	const secret = `0123456789/abcdef"x`
	const echo = `0123456789/abcdef\"x` // in JSON
	for n := range len(echo) {
		url := serveTCP(t, answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ngot: "+echo[:n]))
		res := newClient(t, 5*time.Second).Post(t.Context(), Request{URL: url, Secrets: []string{secret}})
		want := "got: " + masking.Stars
		if n < 4 { // too few to tell
			want = "got: " + echo[:n]
		}
		if string(res.Body) != want {
			t.Errorf("%d bytes of the secret came: kept %q, want %q", n, res.Body, want)
		}
	}
}

// Of what was sent, a header that may hold a secret which cannot be found within it is
// masked as a whole, however short the secret is and however it is written.
func TestShortSecretsAreMaskedInWhatWasSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	sent := func(secret string, headers ...Header) map[string]string {
		res := newClient(t, 0).Post(t.Context(), Request{URL: srv.URL, Header: headers, Secrets: []string{"", "long-enough", secret}})
		got := map[string]string{}
		for _, h := range res.RequestHeaders {
			got[h.Name] = h.Value
		}
		return got
	}
	for name, tt := range map[string]struct {
		secret string
		header Header
		want   string
	}{
		"after the scheme":           {"s3c", Header{"Authorization", "Bearer s3c"}, masking.Stars},
		"a common word":              {"production", Header{"Authorization", "Bearer production"}, masking.Stars},
		"encoded":                    {"s3c", Header{"Authorization", "Basic dTpzM2M="}, masking.Stars},
		"one byte":                   {"7", Header{"X-Api-Token", "v1 7"}, masking.Stars},
		"in a header of another use": {"s3c", Header{"X-Channel", "room=1;key=s3c"}, masking.Stars},
		"second, as a word":          {"s3c", Header{"X-Channel", "xs3c s3cx s3c"}, masking.Stars},
		"in longer words only":       {"s3c", Header{"X-Channel", "xs3c s3cx 1s3c"}, "xs3c s3cx 1s3c"},
		"not in it":                  {"s3c", Header{"X-Channel", "room=1"}, "room=1"},
		"in one of ours":             {"7", Header{"webhook-id", "0197"}, "0197"},
		"none that is short":         {"also-long", Header{"Authorization", "Bearer long-enough"}, "Bearer " + masking.Stars},
	} {
		if got := sent(tt.secret, tt.header)[tt.header.Name]; got != tt.want {
			t.Errorf("%s: %s is stored as %q, want %q", name, tt.header.Name, got, tt.want)
		}
	}
}
