package inbound

import (
	"bytes"
	"syscall"
)

// mostPeeked is as much of a request as is looked at for the end of its header.
const mostPeeked = 16 << 10

// arrived reports whether a whole header has come on the connection that the server has
// not read yet: it may be busy with others. It looks at as much as there is room for.
func (c *Conn) arrived(there []byte) bool {
	inner, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := inner.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	// Control does not wait for the server, which may be reading.
	if raw.Control(func(fd uintptr) { n, _, err = syscall.Recvfrom(int(fd), there, syscall.MSG_PEEK|syscall.MSG_DONTWAIT) }) != nil || err != nil {
		return false
	}
	there = there[:max(n, 0)]
	return bytes.Contains(there, []byte("\n\r\n")) || bytes.Contains(there, []byte("\n\n"))
}
