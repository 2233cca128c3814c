package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// What never became a request is answered as all errors are.
func TestUnread(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]ProblemCode{431: ProblemCodeTooLarge, 400: ProblemCodeMalformed, 501: ProblemCodeMalformed} {
		answer := bytes.NewReader(Unread(status))
		resp, err := http.ReadResponse(bufio.NewReader(answer), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if resp.StatusCode != status || !resp.Close || resp.Header.Get("Content-Type") != "application/problem+json" ||
			p.Status != status || p.Code != code || p.RequestID == "" || p.RequestID != resp.Header.Get("X-Request-Id") {
			t.Errorf("%d: %v %+v", status, resp, p)
		}
	}
}
