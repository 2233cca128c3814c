package outbound

import (
	"bufio"
	"io"
	"net"
	"testing"
)

func TestTimingOfAnAnswerBeforeItsRequest(t *testing.T) {
	t.Parallel()
	// The answer begins while the body is still being sent.
	url := serveTCP(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		r.Peek(1)
		io.WriteString(conn, keptOK)
		readRequest(r)
	})
	res := newClient(t, 0).Post(t.Context(), Request{URL: url, Body: make([]byte, 1<<20)})
	if res.Timing.FirstByte < 0 {
		t.Errorf("first byte after %v", res.Timing.FirstByte)
	}
}
