package outbound

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// BlockedAddressError is returned instead of connecting to an address that the
// policy does not open.
type BlockedAddressError struct {
	Addr netip.Addr
	Kind string // what sort of address it is, in words
}

// Error implements error.
func (e *BlockedAddressError) Error() string {
	return fmt.Sprintf("%s %s is not allowed", e.Kind, e.Addr)
}

const (
	special  = "private or special-purpose address"
	metadata = "cloud metadata address"
)

// metadataAddresses hand credentials to whoever on the machine asks. One of them
// lies in public address space, the others in networks that an operator may well
// want to open.
var metadataAddresses = map[netip.Addr]bool{
	netip.MustParseAddr("169.254.169.254"): true, // nearly every cloud
	netip.MustParseAddr("169.254.170.2"):   true, // AWS ECS
	netip.MustParseAddr("169.254.170.23"):  true, // AWS EKS
	netip.MustParseAddr("168.63.129.16"):   true, // Azure
	netip.MustParseAddr("100.100.100.200"): true, // Alibaba
	netip.MustParseAddr("192.0.0.192"):     true, // Oracle
	netip.MustParseAddr("fd00:ec2::254"):   true, // AWS EC2
	netip.MustParseAddr("fd00:ec2::23"):    true, // AWS EKS
	netip.MustParseAddr("fd20:ce::254"):    true, // Google
}

// policy decides which addresses may be dialled. Package ssrf holds the blocks
// of IANA's special-purpose registries; for IPv6 it opens only 2000::/3.
type policy struct {
	guard *ssrf.Guardian
	allow []netip.Prefix
}

func newPolicy(allow []netip.Prefix) *policy {
	p := &policy{guard: ssrf.New(ssrf.WithAnyPort())}
	for _, a := range allow {
		if a.Addr().Is4In6() && a.Bits() >= 96 {
			a = netip.PrefixFrom(a.Addr().Unmap(), a.Bits()-96)
		}
		p.allow = append(p.allow, a.Masked())
	}
	return p
}

// control is a net.Dialer's ControlContext. It runs after the name is resolved,
// for each address that is dialled, so a DNS answer that changes between check
// and use cannot slip past, and no spelling of a host name matters.
func (p *policy) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") {
		return &BlockedAddressError{Addr: ap.Addr(), Kind: special}
	}
	return p.permits(ap.Addr())
}

func (p *policy) permits(addr netip.Addr) error {
	if kind := p.blocks(addr); kind != "" {
		return &BlockedAddressError{Addr: addr.Unmap(), Kind: kind}
	}
	return nil
}

// blocks returns what sort of blocked address addr is, "" if it is permitted.
func (p *policy) blocks(addr netip.Addr) string {
	a := addr.WithZone("").Unmap()
	if p.allows(a, a.BitLen()) {
		return ""
	}
	if metadataAddresses[a] {
		return metadata
	}
	if nat64.Contains(a) {
		return p.blocksBehindNAT64(a, addr.Zone())
	}
	// Opening the prefix of a gateway to IPv4 opens the gateway, not what the
	// policy closes behind it.
	if inner, ok := wrapped(a); ok {
		if kind := p.blocks(inner); kind != "" {
			return kind
		}
	}
	if p.allows(a, 0) {
		return ""
	}
	if !a.IsValid() || addr.Zone() != "" || p.guard.SafeAddr(a) != nil {
		return special
	}
	return ""
}

// blocksBehindNAT64 judges an address of the well-known NAT64 prefix, which is
// how a host with IPv6 only reaches all of IPv4 and which IANA lists as globally
// reachable. What counts is the IPv4 address alone, not the networks that are
// allowed: those behind a translator need not be the same, and RFC 6052 section
// 3.1 has none there.
func (p *policy) blocksBehindNAT64(a netip.Addr, zone string) string {
	b := a.As16()
	inner := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case metadataAddresses[inner]:
		return metadata
	case zone != "", p.guard.SafeAddr(inner) != nil:
		return special
	}
	return ""
}

// allows reports whether a lies in an allowed prefix of at least bits bits.
func (p *policy) allows(a netip.Addr, bits int) bool {
	for _, prefix := range p.allow {
		if prefix.Bits() >= bits && prefix.Contains(a) {
			return true
		}
	}
	return false
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// wrapped returns the IPv4 address inside an IPv6 address that a gateway turns
// into it (RFC 8215, RFC 3056).
func wrapped(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case localNAT64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
