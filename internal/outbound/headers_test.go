package outbound

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"belfry/internal/masking"
)

func TestCredentialsOfTheReceiverAreMasked(t *testing.T) {
	t.Parallel()
	m := masking.New(masking.Sent{})
	for name, masked := range map[string]bool{
		"Set-Cookie": true, "set-cookie": true, "Authorization": true, "Proxy-Authorization": true, "X-Api-Key": true, "X-API-KEY": true,
		"X-Auth-Token": true, "Csrf-Token": true, "X-Shared-Secret": true,
		"Content-Type": false, "X-Keyboard": false, "Retry-After": false, "X-Request-Id": false, "Tokens-Left": false, "Key": false,
	} {
		got, _ := receivedHeaders(m, http.Header{name: {"session=0123; Path=/", "second"}})
		want := "session=0123; Path=/"
		if masked {
			want = masking.Stars
		}
		if len(got) != 2 || (got[0].Value != want && got[1].Value != want) {
			t.Errorf("%s: got %v, want %q", name, got, want)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 40 {
			w.Header().Set(fmt.Sprintf("X-%03d", i), strings.Repeat("v", 1000))
		}
		w.Header().Set("A-First", "kept")
	})
	res := newClient(t, 0).Post(t.Context(), Request{URL: srv.URL})
	size := 0
	for _, h := range res.ResponseHeaders {
		size += len(h.Name) + len(h.Value)
	}
	if size > maxHeaders || size < maxHeaders-1100 || !res.HeadersTruncated || res.ResponseHeaders[0].Name != "A-First" {
		t.Errorf("kept %d bytes, truncated %v, first %v", size, res.HeadersTruncated, res.ResponseHeaders[0])
	}
	wantClass(t, res, Acked, 200)
}

// BenchmarkMaskAttempt is what masking adds to an attempt that a receiver answers with
// little or nothing.
func BenchmarkMaskAttempt(b *testing.B) {
	r := Request{
		URL:     "https://hooks.example.com/services/T00000000/B00000000?token=0123456789abcdef",
		Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "Bearer 0123456789abcdef0123456789abcdef"},
	}
	sent := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"Belfry/1.0.0"}, "webhook-id": {"0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11"},
		"webhook-timestamp": {"1764600000"}, "Belfry-Attempt": {"1"}, "webhook-signature": {"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
		"Authorization": {r.Secrets[1]},
	}
	for name, answer := range map[string]struct {
		headers http.Header
		body    string
	}{
		"nothing": {http.Header{"Date": {"Tue, 01 Dec 2026 12:00:00 GMT"}, "Content-Length": {"0"}}, ""},
		"ok": {http.Header{
			"Date": {"Tue, 01 Dec 2026 12:00:00 GMT"}, "Content-Length": {"2"}, "Content-Type": {"text/plain; charset=utf-8"},
			"X-Request-Id": {"0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11"},
		}, "ok"},
	} {
		b.Run(name, func(b *testing.B) {
			c := New(Options{})
			defer c.Close()
			b.ReportAllocs()
			for b.Loop() {
				m := c.maskers.Masker(masking.Sent{URL: r.URL, Secrets: r.Secrets, Proxy: c.proxy})
				sentHeaders(m, sent, r.Secrets)
				receivedHeaders(m, answer.headers)
				m.Body(masking.Part{Text: []byte(answer.body), ContentType: answer.headers.Get("Content-Type"), Limit: maxBody})
				m.Text("")
			}
		})
	}
}
