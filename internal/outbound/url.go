package outbound

import (
	"fmt"
	"strings"
)

// sendable returns a URL with what may not stand in its path and query percent-
// encoded, as RFC 3986 sections 3.3 and 3.4 want it: strict servers answer a raw
// "ä", "|" or quotation mark with 400. net/url does so for paths only, and there
// undoes the escapes of others in passing. What is encoded already stays.
func sendable(rawURL string) string {
	_, rest, ok := strings.Cut(rawURL, "://")
	begin := strings.IndexAny(rest, "/?#")
	if !ok || begin < 0 {
		return rawURL
	}
	begin += len(rawURL) - len(rest)
	first := begin
	for first < len(rawURL) && mayStand(rawURL[first]) {
		first++
	}
	if first == len(rawURL) {
		return rawURL
	}
	var b strings.Builder
	b.WriteString(rawURL[:first])
	for i := first; i < len(rawURL); i++ {
		if c := rawURL[i]; mayStand(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// mayStand reports whether a path or a query may hold a byte as it is. % begins
// what is encoded, and # a fragment, which nobody sends.
func mayStand(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=:@/?%#", c) >= 0
}
