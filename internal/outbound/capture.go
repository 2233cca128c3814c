package outbound

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxBody       = 64 << 10 // kept of an answer's body
	maxRead       = 1 << 20  // read of it
	maxRetryAfter = 7 * 24 * time.Hour
)

type capture struct {
	kept []byte
	size int64 // bytes seen, or declared if that is more
	err  error // why the body ended early, nil if it was read whole or left on purpose
}

// readBody keeps the first bytes of an answer and reads on for a while to learn
// how long it is, which also lets the connection be used again. Memory does not
// grow with the answer.
func readBody(resp *http.Response, keep int) capture {
	if resp.Body == http.NoBody {
		return capture{kept: []byte{}}
	}
	keep = min(keep, maxRead)
	var buf bytes.Buffer
	if resp.ContentLength > 0 {
		// One allocation, and no more than we would keep, whatever was declared.
		buf.Grow(int(min(resp.ContentLength, int64(keep))) + bytes.MinRead)
	}
	size, err := buf.ReadFrom(io.LimitReader(resp.Body, int64(keep)))
	if err == nil && size == int64(keep) && resp.ContentLength <= maxRead {
		var rest int64
		rest, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxRead-size))
		size += rest
	}
	return capture{kept: buf.Bytes(), size: max(size, resp.ContentLength), err: err}
}

// retryAfter returns how long a 429 or 503 asks us to wait (RFC 9110 section
// 10.2.3): at least 0 and at most 7 days. Anything it cannot read is 0.
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	return parseRetryAfter(resp.Header.Get("Retry-After"), now)
}

func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	// Out of range, ParseInt returns the nearest number there is.
	if n, err := strconv.ParseInt(value, 10, 64); err == nil || n != 0 {
		return time.Duration(min(max(n, 0), int64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
