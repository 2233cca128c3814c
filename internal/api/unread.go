package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// Unread returns the whole answer, header included, to what never became a request that
// a handler could answer: a status that the HTTP server found by itself.
func Unread(status int) []byte {
	p := newProblem(status, ProblemCodeMalformed, "What came is not a request that can be read.")
	if status == http.StatusRequestHeaderFieldsTooLarge {
		p = newProblem(status, ProblemCodeTooLarge, "The header of the request is too large: it may have 16 KiB.")
	}
	p.RequestID = uuid.NewString()
	body, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"+
		"X-Content-Type-Options: nosniff\r\nX-Request-Id: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), p.RequestID, len(body), body)
}
