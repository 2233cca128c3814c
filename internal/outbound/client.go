// Package outbound is the only way this program speaks HTTP to the world. Its
// client is safe to aim at addresses that users typed: it does not reach private
// networks, follow redirects, wait for ever or read without end, and what it
// hands back of an answer holds none of the secrets that the request carried.
//
// One leak is net/http's and cannot be stopped here: it writes the first bytes
// of an answer nobody asked for to the standard logger of package log. The
// program that uses this package sends that logger to [io.Discard].
package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"belfry/internal/masking"
)

const (
	defaultTimeout  = 15 * time.Second
	defaultInFlight = 256
	maxHeaderBytes  = 64 << 10
	minIdleConns    = 1024 // kept of all hosts together
	maxTLSSessions  = 1024 // remembered, one for each name of a host
)

// Options of a Client. The zero value is usable.
type Options struct {
	// Allow names networks that may be reached although they are not public. An
	// IPv4-mapped IPv6 address counts as its IPv4 address. Cloud metadata
	// addresses, and NAT64 addresses of IPv4 that is not public, are opened only
	// by a prefix that is exactly that address.
	Allow []netip.Prefix
	// Timeout is the one deadline over DNS, connect, TLS, headers and body.
	// Default 15 s.
	Timeout time.Duration
	// MaxInFlight is how many requests the caller makes at a time. As many
	// connections to one host are kept: all of them may be to the gateway of one
	// company, however many destinations are behind it. Default 256.
	MaxInFlight int
	// UserAgent is sent unless the request brings its own. Default "Belfry".
	UserAgent string
	// Proxy is an HTTP, HTTPS or SOCKS5 proxy that every request goes through.
	// The connection to it is exempt from the address policy, and the addresses
	// behind it are not seen here: the proxy must enforce a policy of its own.
	// Nil means none; the environment's proxies are always ignored.
	Proxy *url.URL
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Client sends requests to destinations. It is safe for concurrent use.
type Client struct {
	keep      *http.Transport
	fresh     *http.Transport
	policy    *policy
	timeout   time.Duration
	userAgent string
	proxy     *url.URL
	maskers   masking.Cache
	now       func() time.Time
	addresses func() ([]net.Addr, error) // of this machine
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{
		policy:    newPolicy(o.Allow),
		timeout:   o.Timeout,
		userAgent: cmp.Or(o.UserAgent, "Belfry"),
		proxy:     o.Proxy,
		now:       o.Now,
		maskers:   masking.NewCache(),
		addresses: net.InterfaceAddrs,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	sessions := tls.NewLRUClientSessionCache(maxTLSSessions)
	inFlight := cmp.Or(o.MaxInFlight, defaultInFlight)
	c.keep = c.transport(inFlight, sessions)
	c.fresh = c.transport(inFlight, sessions)
	c.fresh.DisableKeepAlives = true
	return c
}

// Close closes the idle connections.
func (c *Client) Close() {
	c.keep.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}

// Permits returns an error in words if the address policy refuses addr, so that
// a user can be warned about an address before anything is sent. What counts is
// the check that every dial makes: a name can resolve to anything at any time.
func (c *Client) Permits(addr netip.Addr) error { return c.policy.permits(addr) }

// transport returns one that keeps as many connections to a host as there may be
// requests in flight. A new connection resumes the TLS session of an earlier one: the
// certificates that were checked then are checked again against the name and the time.
func (c *Client) transport(inFlight int, sessions tls.ClientSessionCache) *http.Transport {
	// The timeouts are those of the whole exchange. They matter because a dial
	// outlives the request that began it: a later one may use its connection.
	dialer := &net.Dialer{Timeout: c.timeout, ControlContext: c.policy.control}
	t := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: sessions},
		TLSHandshakeTimeout: c.timeout,
		// Decoding would let 50 KB of answer become 50 MB.
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           max(minIdleConns, inFlight),
		MaxIdleConnsPerHost:    inFlight,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			// net/http would buffer 4 MB a stream of an answer we do not read.
			MaxReceiveBufferPerStream:     256 << 10,
			MaxReceiveBufferPerConnection: 2 << 20,
			// Without pings a connection whose peer vanished takes every
			// request to its deadline.
			SendPingTimeout: 10 * time.Second,
			PingTimeout:     5 * time.Second,
		},
	}
	if c.proxy != nil {
		dialer.ControlContext = nil
		t.Proxy = http.ProxyURL(c.proxy)
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return proxyError(resp.StatusCode)
			}
			return nil
		}
	}
	return t
}
