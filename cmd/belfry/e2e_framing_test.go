//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// What the shipped server answers to requests that a handler never or hardly sees, and
// whether the connection ends with the answer.
func TestE2EFraming(t *testing.T) {
	heavy(t, 1)
	_, admin := serving(t, pgtest.NewURL(t))
	address := strings.TrimPrefix(*admin.base.Load(), "http://")
	const (
		alertJSON = `{"id":"x","severity":"LOW","type":"RULE"}`
		chunks    = "\r\n29\r\n" + alertJSON + "\r\n0\r\n\r\n"
	)
	header := fmt.Sprintf("POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n", adminToken)
	for name, c := range map[string]struct {
		request string
		status  int
		ends    bool
	}{
		"a whole one":                {header + "Content-Length: 41\r\n\r\n" + alertJSON, 202, false},
		"chunked":                    {header + "Transfer-Encoding: chunked\r\n" + chunks, 202, false},
		"both":                       {header + "Content-Length: 41\r\nTransfer-Encoding: chunked\r\n" + chunks, 400, true},
		"both, the other way round":  {header + "transfer-encoding: chunked\r\ncontent-length: 41\r\n" + chunks, 400, true},
		"two lengths":                {header + "Content-Length: 41\r\nContent-Length: 42\r\n\r\n" + alertJSON, 400, true},
		"a length that is none":      {header + "Content-Length: +41\r\n\r\n" + alertJSON, 400, true},
		"a space before the colon":   {header + "Transfer-Encoding : chunked\r\n" + chunks, 400, true},
		"another transfer encoding":  {header + "Transfer-Encoding: gzip, chunked\r\n" + chunks, 501, true},
		"chunks that are none":       {header + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, true},
		"no host":                    {"GET / HTTP/1.1\r\n\r\n", 400, true},
		"a header of 15 kB":          {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 15_000) + "\r\n\r\n", 200, false},
		"a header of more than 16 k": {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", 431, true},
	} {
		status, media, ends, err := exchange(address, c.request)
		if c.status >= 400 && media != "application/problem+json" {
			t.Errorf("%s: the answer is of type %q", name, media)
		}
		if err != nil || status != c.status || ends != c.ends {
			t.Errorf("%s: %d, the connection ends: %t, %v; want %d, %t", name, status, ends, err, c.status, c.ends)
		}
	}
}

// exchange sends a request as it is, and returns the answer's status and type, and
// whether the connection ends with it.
func exchange(address, request string) (status int, media string, ends bool, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, "", false, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, "", false, err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return 0, "", false, err
	}
	answers := bufio.NewReader(c)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return 0, "", false, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, "", false, err
	}
	if !resp.Close {
		return resp.StatusCode, resp.Header.Get("Content-Type"), false, nil
	}
	if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
		return resp.StatusCode, "", false, fmt.Errorf("after Connection: close: %w", err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), true, nil
}
