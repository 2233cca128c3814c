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
