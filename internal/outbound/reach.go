package outbound

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// isOurs reports whether this machine lacked something, of which the destination
// knows nothing and for which it must not pay.
func (t *trace) isOurs(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return false
	}
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return true
	case syscall.EADDRNOTAVAIL:
		// Ports have run out, unless there was no address to take one of.
		addr, known := dialledAddr(err)
		return !known || t.hasSource(addr)
	}
	return false
}

// hasSource reports whether this machine has an address from which it could reach
// addr. Where the machine cannot say, the fault is taken for our own.
func (t *trace) hasSource(addr netip.Addr) bool {
	addrs, err := t.addresses()
	if err != nil {
		return true
	}
	for _, a := range addrs {
		ours, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if source, ok := netip.AddrFromSlice(ours.IP); ok && reaches(source.Unmap(), addr) {
			return true
		}
	}
	return false
}

// reaches reports whether a packet to one address can have the other as its
// source: both are of one family, and a loopback or link-local address serves for
// its like only.
func reaches(source, to netip.Addr) bool {
	return source.Is4() == to.Is4() &&
		(to.IsLoopback() || !source.IsLoopback()) &&
		(to.IsLinkLocalUnicast() || !source.IsLinkLocalUnicast())
}

// dialledAddr returns the address of the dial that failed, if err knows it.
func dialledAddr(err error) (netip.Addr, bool) {
	for {
		op, ok := errors.AsType[*net.OpError](err)
		if !ok {
			return netip.Addr{}, false
		}
		if tcp, ok := op.Addr.(*net.TCPAddr); ok && op.Op == "dial" {
			addr, ok := netip.AddrFromSlice(tcp.IP)
			return addr.Unmap(), ok
		}
		err = op.Err // a proxy's wraps the dial to it
	}
}

// hasNoFamily reports whether a name has addresses only of a family that this
// machine does not have at all.
func hasNoFamily(err error) bool {
	addr, ok := errors.AsType[*net.AddrError](err)
	return ok && addr.Err == "no suitable address found" // net's own, without an exported name
}

// unreachable says why no packet gets to the address that was dialled, "" if that
// is not what err is about.
func (t *trace) unreachable(err error) string {
	errno, _ := errors.AsType[syscall.Errno](err)
	why := ""
	switch {
	case hasNoFamily(err):
		why = "this machine has no address of its family"
	case errno == syscall.EHOSTUNREACH, errno == syscall.EHOSTDOWN:
		why = "the host is unreachable"
	case errno == syscall.ENETUNREACH, errno == syscall.ENETDOWN:
		why = "the network is unreachable"
	case errno != syscall.EADDRNOTAVAIL && errno != syscall.EAFNOSUPPORT:
		return ""
	}
	if addr, ok := dialledAddr(err); ok && (why == "" || !t.hasSource(addr)) {
		why = "this machine has no usable " + family(addr) + " address"
	}
	whose := "the destination's"
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op != "dial" {
		whose = "the proxy's"
	}
	return whose + " address cannot be reached from here: " + why
}

func family(addr netip.Addr) string {
	if addr.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
