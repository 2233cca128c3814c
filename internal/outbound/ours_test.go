package outbound

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// machine is what net.InterfaceAddrs returns on a machine with these addresses.
func machine(cidrs ...string) func() ([]net.Addr, error) {
	return func() (list []net.Addr, err error) {
		for _, cidr := range cidrs {
			ip, network, err := net.ParseCIDR(cidr)
			if err != nil {
				return nil, err
			}
			list = append(list, &net.IPNet{IP: ip, Mask: network.Mask})
		}
		return list, nil
	}
}

func failedDial(to string, errno syscall.Errno) error {
	return &net.OpError{
		Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.ParseIP(to), Port: 443}, Err: os.NewSyscallError("connect", errno),
	}
}

// What this machine lacks is no fault of the destination's. An address that this
// machine cannot get to is the destination's: it would be tried for ever.
func TestOurOwnFault(t *testing.T) {
	t.Parallel()
	both := machine("127.0.0.1/8", "::1/128", "192.0.2.7/24", "2001:db8::7/64", "fe80::1/64")
	noIPv6 := machine("127.0.0.1/8", "192.0.2.7/24")
	half := machine("127.0.0.1/8", "::1/128", "192.0.2.7/24", "fe80::1/64")
	broken := func() ([]net.Addr, error) { return nil, errors.New("no netlink") }
	const (
		ran  = "the sender ran out of sockets, ports or memory"
		no6  = "the destination's address cannot be reached from here: this machine has no usable IPv6 address"
		no4  = "the destination's address cannot be reached from here: this machine has no usable IPv4 address"
		net6 = "the destination's address cannot be reached from here: the network is unreachable"
		host = "the destination's address cannot be reached from here: the host is unreachable"
	)
	for name, tt := range map[string]struct {
		addresses func() ([]net.Addr, error)
		err       error
		class     Class
		words     string
	}{
		"too many open files":                     {both, failedDial("192.0.2.1", syscall.EMFILE), Interrupted, ran},
		"too many open files in the system":       {both, failedDial("192.0.2.1", syscall.ENFILE), Interrupted, ran},
		"no buffers":                              {both, failedDial("192.0.2.1", syscall.ENOBUFS), Interrupted, ran},
		"no memory":                               {both, failedDial("192.0.2.1", syscall.ENOMEM), Interrupted, ran},
		"too many open files, without IPv6":       {noIPv6, failedDial("2001:db8::1", syscall.EMFILE), Interrupted, ran},
		"no ports for IPv4":                       {both, failedDial("192.0.2.1", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"no ports for IPv6":                       {both, failedDial("2001:db8::1", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"no ports for this machine":               {half, failedDial("::1", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"no ports for a neighbour":                {half, failedDial("fe80::9", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"no ports for a mapped address":           {noIPv6, failedDial("::ffff:192.0.2.1", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"no ports, and no word where to":          {noIPv6, os.NewSyscallError("connect", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"no ports, and addresses unknown":         {broken, failedDial("2001:db8::1", syscall.EADDRNOTAVAIL), Interrupted, ran},
		"IPv6 is off":                             {noIPv6, failedDial("2001:db8::1", syscall.EADDRNOTAVAIL), Refused, no6},
		"IPv6 is off, and this machine is meant":  {noIPv6, failedDial("::1", syscall.EADDRNOTAVAIL), Refused, no6},
		"IPv6 goes no further than the neighbour": {half, failedDial("2001:db8::1", syscall.EADDRNOTAVAIL), Refused, no6},
		"no IPv4":                        {machine("::1/128", "2001:db8::7/64"), failedDial("192.0.2.1", syscall.EADDRNOTAVAIL), Refused, no4},
		"the kernel knows no IPv6":       {noIPv6, failedDial("2001:db8::1", syscall.EAFNOSUPPORT), Refused, no6},
		"no route, because IPv6 is off":  {noIPv6, failedDial("2001:db8::1", syscall.ENETUNREACH), Refused, no6},
		"no route":                       {both, failedDial("2001:db8::1", syscall.ENETUNREACH), Refused, net6},
		"the network is down":            {both, failedDial("192.0.2.1", syscall.ENETDOWN), Refused, net6},
		"no route to the host":           {both, failedDial("192.0.2.1", syscall.EHOSTUNREACH), Refused, host},
		"the host is down":               {both, failedDial("192.0.2.1", syscall.EHOSTDOWN), Refused, host},
		"refused":                        {both, failedDial("192.0.2.1", syscall.ECONNREFUSED), Refused, "connection refused"},
		"no address of a family of ours": {both, &net.OpError{Op: "dial", Err: &net.AddrError{Err: "no suitable address found", Addr: "a.example"}}, Refused, "the destination's address cannot be reached from here: this machine has no address of its family"},
		"the proxy is out of reach": {
			noIPv6, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: failedDial("2001:db8::1", syscall.EADDRNOTAVAIL)}, Refused,
			strings.Replace(no6, "the destination's", "the proxy's", 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			class, words := (&trace{addresses: tt.addresses}).classify(context.Background(), tt.err)
			if class != tt.class || words != tt.words {
				t.Errorf("got %s, %q; want %s, %q", class, words, tt.class, tt.words)
			}
		})
	}
}
