package inbound

import (
	"net/http"
	"net/netip"
	"testing"
)

// Nobody but a proxy of ours is believed about an address.
func TestClient(t *testing.T) {
	t.Parallel()
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		proxies Proxies
		peer    string
		header  http.Header
		want    string
	}{
		"no proxies, no headers": {nil, "192.0.2.1:5000", nil, "192.0.2.1"},
		"no proxies, a claim":    {nil, "192.0.2.1:5000", http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Real-Ip": {"198.51.100.7"}}, "192.0.2.1"},
		"a stranger's claim":     {proxies, "192.0.2.1:5000", http.Header{"X-Forwarded-For": {"198.51.100.7"}}, "192.0.2.1"},
		"a proxy's word":         {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"198.51.100.7"}}, "198.51.100.7"},
		"the caller's own words before the proxy's": {
			proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"127.0.0.1, 203.0.113.9,198.51.100.7"}}, "198.51.100.7",
		},
		"in a line of its own":       {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"127.0.0.1", "198.51.100.7"}}, "198.51.100.7"},
		"two proxies":                {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"1.2.3.4, 198.51.100.7, 10.2.2.2"}}, "198.51.100.7"},
		"proxies only":               {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"10.3.3.3, 10.2.2.2"}}, "10.3.3.3"},
		"a proxy that says nothing":  {proxies, "10.1.1.1:5000", nil, "10.1.1.1"},
		"X-Real-IP never counts":     {proxies, "10.1.1.1:5000", http.Header{"X-Real-Ip": {"198.51.100.7"}}, "10.1.1.1"},
		"no address":                 {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"198.51.100.7, unknown"}}, "10.1.1.1"},
		"nothing after a comma":      {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"198.51.100.7,"}}, "10.1.1.1"},
		"with a port":                {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {"198.51.100.7:1234"}}, "198.51.100.7"},
		"IPv6":                       {proxies, "[fd00::1]:5000", http.Header{"X-Forwarded-For": {"2001:db8::7"}}, "2001:db8::7"},
		"IPv6 in brackets":           {proxies, "[fd00::1]:5000", http.Header{"X-Forwarded-For": {"[2001:db8::7]:99"}}, "2001:db8::7"},
		"IPv4 in IPv6 is IPv4":       {proxies, "[::ffff:10.1.1.1]:5000", http.Header{"X-Forwarded-For": {"::ffff:198.51.100.7"}}, "198.51.100.7"},
		"a zone is not part of it":   {nil, "[fe80::1%eth0]:5000", nil, "fe80::1"},
		"a peer without an address":  {proxies, "@", http.Header{"X-Forwarded-For": {"198.51.100.7"}}, "invalid IP"},
		"a thousand commas, no more": {proxies, "10.1.1.1:5000", http.Header{"X-Forwarded-For": {",,,,"}}, "10.1.1.1"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: c.header}
		if got := c.proxies.Client(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::9": "2001:db8:1:2::/64", "": "invalid Prefix",
	} {
		a, _ := netip.ParseAddr(addr) // the zero Addr for ""
		if got := Group(a).String(); got != want {
			t.Errorf("%q: %s, want %s", addr, got, want)
		}
	}
}
