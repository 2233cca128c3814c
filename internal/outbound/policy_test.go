package outbound

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func prefixes(s string) []netip.Prefix {
	var ps []netip.Prefix
	for f := range strings.FieldsSeq(s) {
		ps = append(ps, netip.MustParsePrefix(f))
	}
	return ps
}

var policyCases = map[string]struct{ allow, blocked, permitted string }{
	"by default": {
		blocked: `0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3
			169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
			192.168.0.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
			240.0.0.1 255.255.255.255 169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16
			:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:168.63.129.16
			::ffff:0:127.0.0.1 64:ff9b:1::1 64:ff9b:1::808:808 100::1 100:0:0:1::1
			2001::1 2001:1::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 2620:4f:8000::1
			3fff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
			64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::192.168.1.1 64:ff9b::169.254.169.254 64:ff9b::168.63.129.16
			64:ff9b::0.0.0.0 64:ff9b::255.255.255.255 64:ff9b::808:808%eth0 64:ff9b::1:0:808:808 64:ff9a::808:808
			2606:4700::1%eth0 4000::1 1::1`,
		permitted: `1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 168.63.129.17
			192.167.255.255 223.255.255.255 ::ffff:8.8.8.8 2606:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888
			64:ff9b::808:808 64:ff9b::1.1.1.1 64:ff9b::168.63.129.17`,
	},
	"private networks opened": {
		allow:     "10.0.0.0/8 169.254.0.0/16 fc00::/7 fe80::/10 100.64.0.0/10 192.0.0.0/16 168.0.0.0/8",
		blocked:   "169.254.169.254 ::ffff:169.254.169.254 169.254.170.2 fd00:ec2::254 fd00:ec2::23 168.63.129.16 100.100.100.200 192.168.0.1",
		permitted: "10.0.0.1 ::ffff:10.0.0.1 169.254.0.1 fd00::1 fe80::1 fe80::1%eth0 8.8.8.8",
	},
	"everything opened": {
		allow:     "0.0.0.0/0 ::/0",
		blocked:   "169.254.169.254 168.63.129.16 fd00:ec2::254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 64:ff9b:1::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b::7f00:1",
		permitted: "127.0.0.1 ::1 10.0.0.1 64:ff9b::808:808",
	},
	"metadata opened by name": {
		allow:     "169.254.169.254/32 fd00:ec2::254/128 168.63.129.16/32",
		blocked:   "169.254.169.253 fd00:ec2::253 127.0.0.1",
		permitted: "169.254.169.254 ::ffff:169.254.169.254 fd00:ec2::254 168.63.129.16",
	},
	"mapped and unmasked prefixes": {
		allow:     "::ffff:10.0.0.0/104 192.168.1.77/24",
		blocked:   "192.168.2.1 127.0.0.1",
		permitted: "10.1.2.3 ::ffff:10.1.2.3 192.168.1.1",
	},
	"a gateway opened": {
		allow:     "64:ff9b::/96",
		blocked:   "64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::1",
		permitted: "64:ff9b::808:808",
	},
	"what is open is not open behind a gateway": {
		allow:     "10.0.0.0/8 10.0.0.1/32 169.254.169.254/32",
		blocked:   "64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::10.0.0.1 2002:a00:1::1",
		permitted: "10.0.0.1 169.254.169.254 64:ff9b::808:808",
	},
	"one address behind a gateway opened by name": {
		allow:     "64:ff9b::10.0.0.1/128",
		blocked:   "64:ff9b::10.0.0.2 10.0.0.1",
		permitted: "64:ff9b::10.0.0.1",
	},
	"IPv6 opened is not IPv4": {allow: "::/0", blocked: "127.0.0.1 ::ffff:127.0.0.1", permitted: "::1"},
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for name, test := range policyCases {
		c := New(Options{Allow: prefixes(test.allow)})
		for s := range strings.FieldsSeq(test.blocked) {
			if err := c.Permits(netip.MustParseAddr(s)); err == nil {
				t.Errorf("%s: %s is permitted", name, s)
			}
		}
		for s := range strings.FieldsSeq(test.permitted) {
			if err := c.Permits(netip.MustParseAddr(s)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestPolicySaysWhy(t *testing.T) {
	t.Parallel()
	p := newPolicy(nil)
	for address, want := range map[string]string{
		"10.0.0.5":           "private or special-purpose address 10.0.0.5 is not allowed",
		"::ffff:10.0.0.5":    "private or special-purpose address 10.0.0.5 is not allowed",
		"169.254.169.254":    "cloud metadata address 169.254.169.254 is not allowed",
		"64:ff9b::a9fe:a9fe": "cloud metadata address 64:ff9b::a9fe:a9fe is not allowed",
	} {
		if err := p.permits(netip.MustParseAddr(address)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if p.permits(netip.Addr{}) == nil {
		t.Error("no address at all is permitted")
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	p := newPolicy(nil)
	for _, test := range []struct {
		network, address string
		permitted        bool
	}{
		{"tcp4", "8.8.8.8:1", true},
		{"tcp6", "[2606:4700::1111]:65535", true},
		{"tcp4", "127.0.0.1:80", false},
		{"tcp6", "[::ffff:127.0.0.1]:80", false},
		{"tcp6", "[fe80::1%lo]:80", false},
		{"udp4", "8.8.8.8:53", false},
		{"unix", "/var/run/docker.sock", false},
		{"tcp4", "example.com:80", false},
		{"tcp4", "", false},
	} {
		err := p.control(t.Context(), test.network, test.address, nil)
		var blocked *BlockedAddressError
		if (err == nil) != test.permitted || (err != nil && !errors.As(err, &blocked)) {
			t.Errorf("control(%s, %s) = %v, want permitted %v", test.network, test.address, err, test.permitted)
		}
	}
}

func TestLoopbackIsBlockedHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	srv := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	c := New(Options{})
	t.Cleanup(c.Close)
	for host, addresses := range map[string]string{
		"127.0.0.1":          "127.0.0.1",
		"localhost":          "127.0.0.1 [::1]",
		"LOCALHOST":          "127.0.0.1 [::1]",
		"[::1]":              "[::1]",
		"[::ffff:127.0.0.1]": "127.0.0.1",
		"[::ffff:7f00:1]":    "127.0.0.1",
		"0.0.0.0":            "0.0.0.0",
		"[::]":               "[::]",
		"127.255.255.254":    "127.255.255.254",
		"[64:ff9b::7f00:1]":  "[64:ff9b::7f00:1]",
	} {
		res := c.Post(t.Context(), Request{URL: "http://" + host + ":" + port + "/"})
		if res.Class != BlockedAddress || res.StatusCode != 0 || res.Body != nil || res.ResponseHeaders != nil {
			t.Errorf("%q: got %+v, want blocked and no answer", host, res)
		}
		address, ok := strings.CutSuffix(res.Address, ":"+port)
		if !ok || !slices.Contains(strings.Fields(addresses), address) || !strings.Contains(res.Error, strings.Trim(address, "[]")) {
			t.Errorf("%q: address %q, %q; want one of %s in both", host, res.Address, res.Error, addresses)
		}
		wantWords(t, res, "private or special-purpose address")
	}
	if res := c.Post(t.Context(), Request{URL: "http://:" + port}); res.Class != BlockedAddress || res.Address != "" {
		t.Errorf("no host: got %+v, want blocked and no address", res)
	}
	if reached.Load() != 0 {
		t.Errorf("the server was reached %d times", reached.Load())
	}
}
