package inbound

import (
	"bytes"
	"strconv"
)

// plainTextEnd is how the header of an answer ends that net/http writes to what it cannot
// read as a request. Answers of handlers have their headers in another order.
var (
	plainTextEnd = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
	protocol     = []byte("HTTP/1.1 ")
)

// replacement returns what is written in place of an answer of net/http's own, or nil.
func (l *Listener) replacement(p []byte) []byte {
	if l.bounds.Refusal == nil || len(p) > 512 || !bytes.HasPrefix(p, protocol) {
		return nil
	}
	line, _, found := bytes.Cut(p, plainTextEnd)
	if !found || len(line) < len(protocol)+3 || bytes.IndexByte(line, '\r') >= 0 {
		return nil
	}
	status, err := strconv.Atoi(string(line[len(protocol) : len(protocol)+3]))
	if err != nil {
		return nil
	}
	return l.bounds.Refusal(status)
}
