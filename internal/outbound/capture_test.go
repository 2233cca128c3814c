package outbound

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"belfry/internal/masking"
)

// Not parallel: it measures what the process allocates.
func TestMemoryStaysFlat(t *testing.T) {
	chunk := bytes.Repeat([]byte("x"), 32<<10)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/declared" {
			w.Header().Set("Content-Length", fmt.Sprint(100<<20))
		}
		for n := 0; r.URL.Path == "/endless" || n < 100<<20; n += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	c := newClient(t, 10*time.Second)
	for path, size := range map[string]int64{"/declared": 100 << 20, "/chunked": maxRead, "/endless": maxRead} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res := c.Post(t.Context(), Request{URL: srv.URL + path})
		runtime.ReadMemStats(&after)
		wantClass(t, res, Acked, 200)
		if len(res.Body) != maxBody || !res.Truncated || res.BodySize != size || res.Error != "" {
			t.Errorf("%s: %d bytes, truncated %v, size %d, %q; want %d, true, %d and no error",
				path, len(res.Body), res.Truncated, res.BodySize, res.Error, maxBody, size)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s: allocated %d bytes", path, used)
		}
	}
}

func TestBodyAtTheCap(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		w.Write(bytes.Repeat([]byte("x"), n))
	})
	c := newClient(t, 0)
	for _, n := range []int{0, 1, maxBody - 1, maxBody, maxBody + 1, maxBody + 10_000, maxRead - 1, maxRead, maxRead + 1} {
		res := c.Post(t.Context(), Request{URL: fmt.Sprintf("%s/%d", srv.URL, n)})
		kept, size := min(n, maxBody), int64(min(n, maxRead))
		if res.Body == nil || len(res.Body) != kept || res.BodySize != size || res.Truncated != (n > maxBody) || res.Error != "" {
			t.Errorf("%d bytes: kept %d, size %d, truncated %v, %q; want %d, %d, %v and no error",
				n, len(res.Body), res.BodySize, res.Truncated, res.Error, kept, size, n > maxBody)
		}
	}
}

// A body whose length is declared is kept in memory of about its size, and not in a
// buffer that has doubled. (Of a declared length of 0 and of none it makes no difference.)
func TestDeclaredBodyIsKeptInOneAllocation(t *testing.T) {
	t.Parallel()
	for _, declared := range []int64{1000, maxBody, 100 << 20} {
		body := io.NopCloser(io.LimitReader(strings.NewReader(strings.Repeat("x", maxBody+1)), declared))
		c := readBody(&http.Response{Body: body, ContentLength: declared}, maxBody)
		if want := min(int(declared), maxBody); len(c.kept) != want || cap(c.kept) > want+want/8+2*bytes.MinRead {
			t.Errorf("%d bytes declared: %d kept in %d", declared, len(c.kept), cap(c.kept))
		}
	}
}

func TestAnyBytesAreKept(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"NUL bytes":     "{\"a\":\"\x00\"}\x00",
		"invalid UTF-8": "\xff\xfe\xc3",
		"gzip":          "\x1f\x8b\x08\x00\x00",
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, body)
		})
		res := newClient(t, 0).Post(t.Context(), Request{URL: srv.URL})
		wantClass(t, res, Acked, 200)
		if string(res.Body) != body {
			t.Errorf("%s: kept %q, want %q", name, res.Body, body)
		}
	}
}

func TestBodyCutShortKeepsTheClass(t *testing.T) {
	t.Parallel()
	for code, class := range map[int]Class{200: Acked, 302: Redirected, 500: Rejected} {
		for name, test := range map[string]struct {
			body, words string
			size        int64
		}{
			"early close":     {"Content-Length: 100\r\n\r\nhalf", "the connection was lost", 100},
			"in a chunk":      {"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf", "the connection was lost", 4},
			"malformed chunk": {"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", "it is not valid HTTP", 4},
		} {
			t.Run(fmt.Sprintf("%s of a %d", name, code), func(t *testing.T) {
				t.Parallel()
				url := serveTCP(t, answerOnce(fmt.Sprintf("HTTP/1.1 %d x\r\n%s", code, test.body)))
				res := newClient(t, 0).Post(t.Context(), Request{URL: url})
				wantClass(t, res, class, code)
				wantWords(t, res, "the answer's body was cut short: "+test.words)
				if string(res.Body) != "half" || !res.Truncated || res.BodySize != test.size {
					t.Errorf("body %q, truncated %v, size %d; want half, true, %d", res.Body, res.Truncated, res.BodySize, test.size)
				}
			})
		}
	}
}

func TestDrippingBodyEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for code, class := range map[int]Class{200: Acked, 301: Redirected, 500: Rejected} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			drip := time.NewTicker(5 * time.Millisecond)
			defer drip.Stop()
			for {
				io.WriteString(w, ".")
				w.(http.Flusher).Flush()
				select {
				case <-drip.C:
				case <-r.Context().Done():
					return
				}
			}
		})
		res := newClient(t, 300*time.Millisecond).Post(t.Context(), Request{URL: srv.URL})
		wantClass(t, res, class, code)
		wantWords(t, res, "the answer's body was cut short: timed out")
		if !res.Truncated || len(res.Body) == 0 || res.Duration > 5*time.Second || res.Timing.Body <= 0 {
			t.Errorf("truncated %v, %d bytes, %v, %+v", res.Truncated, len(res.Body), res.Duration, res.Timing)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"1":                                time.Second,
		" 120 ":                            2 * time.Minute,
		"-5":                               0,
		"1.5":                              0,
		"soon":                             0,
		"604800":                           maxRetryAfter,
		"604801":                           maxRetryAfter,
		"9223372036854775807":              maxRetryAfter,
		"99999999999999999999999":          maxRetryAfter,
		"-99999999999999999999999":         0,
		"Sat, 21 Nov 2026 12:00:30 GMT":    30 * time.Second,
		"Saturday, 21-Nov-26 12:00:30 GMT": 30 * time.Second,
		"Sat Nov 21 12:00:30 2026":         30 * time.Second,
		"Sat, 21 Nov 2026 11:59:00 GMT":    0,
		"Sat, 21 Nov 2099 12:00:00 GMT":    maxRetryAfter,
	} {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("parseRetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
	for _, code := range []int{200, 301, 404, 408, 500, 502} {
		resp := &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {"30"}}}
		if got := retryAfter(resp, now); got != 0 {
			t.Errorf("retryAfter of a %d = %v, want 0", code, got)
		}
	}
	for _, code := range []int{429, 503} {
		resp := &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {"30"}}}
		if got := retryAfter(resp, now); got != 30*time.Second {
			t.Errorf("retryAfter of a %d = %v, want 30s", code, got)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "-1", "1e3", "99999999999999999999", "Sat, 21 Nov 2026 12:00:30 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"} {
		f.Add(s, int64(0))
		f.Add(s, int64(math.MaxInt64))
	}
	f.Fuzz(func(t *testing.T, value string, now int64) {
		if got := parseRetryAfter(value, time.Unix(now, 0)); got < 0 || got > maxRetryAfter {
			t.Errorf("parseRetryAfter(%q, %d) = %v", value, now, got)
		}
	})
}

func TestSecretAcrossTheCap(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef"
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), maxBody-8))
		io.WriteString(w, secret+" and more")
	})
	res := newClient(t, 0).Post(t.Context(), Request{URL: srv.URL, Secrets: []string{secret}})
	if got, want := string(res.Body[maxBody-10:]), "xx"+masking.Stars; got != want {
		t.Errorf("the body ends in %q, want %q", got, want)
	}
	if !res.Truncated || res.BodySize != maxBody+17 {
		t.Errorf("truncated %v, size %d; want true, %d", res.Truncated, res.BodySize, maxBody+17)
	}
}

func TestPartialSecretAtTheCap(t *testing.T) {
	t.Parallel()
	const secret = "Bearer 0123456789abcdef"
	// Secrets before it make what is kept shorter, so that the read limit, and
	// not the cap, is where a careless cut would show.
	early := strings.Repeat(secret+" ", 500)
	for before := maxBody - 2*len(secret); before < maxBody+30*len(secret); before += 5 {
		body := []byte(early + strings.Repeat("x", before-len(early)) + secret + strings.Repeat("y", 400))
		m := masking.New(masking.Sent{Secrets: []string{secret}})
		read := body[:min(len(body), maxBody+m.Reach())]
		for _, cut := range []bool{false, true} {
			got := string(m.Body(masking.Part{Text: read, Limit: maxBody, Cut: cut}))
			if strings.Contains(got, "Bear") || strings.Contains(got, "0123") {
				t.Fatalf("secret at %d: a part of it is left: …%q", before, got[len(got)-40:])
			}
		}
	}
}
