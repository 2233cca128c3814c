package outbound

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What went out is in the result, as far as it may be stored and cannot be told from
// the alert.
func TestSent(t *testing.T) {
	t.Parallel()
	got := make(chan string, 4)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- r.Method + " " + string(body)
	}))
	t.Cleanup(srv.Close)
	long := strings.Repeat("x", maxBody-3) + "hunter2-long" + "tail"
	for name, c := range map[string]struct {
		request  Request
		received string
		want     Sent
	}{
		"a payload is not kept": {
			Request{URL: srv.URL + "/hunter2-path?k=hunter2-query", Body: []byte("payload"), Payload: 3}, "POST payload", Sent{URL: srv.URL, Payload: 3},
		},
		"another body is, without secrets": {
			Request{Method: http.MethodPut, URL: srv.URL, Body: []byte(`{"token":"hunter2-token"}`), Secrets: []string{"hunter2-token"}},
			`PUT {"token":"hunter2-token"}`,
			Sent{Method: http.MethodPut, URL: srv.URL, Body: []byte(`{"token":"****"}`), BodySize: 25},
		},
		"of a long one the first 64 KiB": {
			Request{URL: srv.URL, Body: []byte(long), Secrets: []string{"hunter2-long"}},
			"POST " + long,
			Sent{URL: srv.URL, Body: []byte(long[:maxBody-3] + "***"), BodySize: int64(len(long))},
		},
	} {
		r := newClient(t, 0).Post(t.Context(), c.request)
		if diff := cmp.Diff(c.want, r.Sent); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if received := <-got; received != c.received {
			t.Errorf("%s: received %.60q", name, received)
		}
		if r.Sent.Truncated() != (len(c.request.Body) > maxBody) {
			t.Errorf("%s: truncated is %v", name, r.Sent.Truncated())
		}
	}
	if r := newClient(t, 0).Post(t.Context(), Request{URL: "%"}); !cmp.Equal(r.Sent, Sent{}) {
		t.Errorf("of what is no request: %+v", r.Sent)
	}
}
