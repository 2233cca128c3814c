// Package inbound bounds what comes from outside before anything of it is
// believed: connections, their time, the bytes of bodies, and whose address a
// request comes from.
package inbound

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of the reverse proxies in front of this server. Only
// what they say of a client's address is believed.
type Proxies []netip.Prefix

// Client returns the address that a request comes from. It is the peer's, unless
// the peer is one of the proxies: then it is the last address in X-Forwarded-For
// that is not a proxy's. Whoever calls can write any address before that one, so
// nothing before it counts. X-Real-IP and Forwarded never count. It is the zero
// Addr if the peer has no IP address.
func (p Proxies) Client(r *http.Request) netip.Addr {
	peer := hostOf(r.RemoteAddr)
	if len(p) == 0 || !p.Contain(peer) {
		return peer
	}
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			comma := strings.LastIndexByte(rest, ',')
			addr := hostOf(strings.TrimSpace(rest[comma+1:]))
			if !addr.IsValid() {
				return peer // a proxy of ours writes addresses: what stands before is not its word
			}
			if peer = addr; !p.Contain(addr) {
				return addr
			}
			rest = rest[:max(comma, 0)]
		}
	}
	return peer
}

// Contain reports whether an address is a proxy's.
func (p Proxies) Contain(addr netip.Addr) bool {
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// hostOf reads an address with or without a port, and IPv4 in IPv6 as IPv4.
func hostOf(text string) netip.Addr {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone("")
}

// Group returns the network that limits by address count as one client: an IPv4
// address by itself, and the /64 of an IPv6 address, all of which a single host
// can use.
func Group(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
