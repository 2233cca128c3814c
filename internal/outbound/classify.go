package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// Class is the sort of outcome an attempt had.
type Class string

// The classes. Every attempt has exactly one.
const (
	Acked          Class = "acked"           // 200 to 299
	Rejected       Class = "rejected"        // any other answer but a redirect
	Redirected     Class = "redirected"      // 300 to 399
	Timeout        Class = "timeout"         // the deadline passed before an answer's headers came
	DNS            Class = "dns"             // the host name could not be resolved
	Refused        Class = "refused"         // no connection, or no way there
	Reset          Class = "reset"           // the connection was lost before an answer
	TLS            Class = "tls"             // the handshake or the certificate failed
	BlockedAddress Class = "blocked_address" // our policy does not let us go there
	Protocol       Class = "protocol"        // the answer is not HTTP, or the request cannot be
	Interrupted    Class = "interrupted"     // the caller stopped before an answer came, or our own machine failed
)

// Classes returns every class.
func Classes() []Class {
	return []Class{
		Acked, Rejected, Redirected, Timeout, DNS, Refused, Reset, TLS, BlockedAddress, Protocol, Interrupted,
	}
}

func classOfStatus(code int) Class {
	switch {
	case code >= 200 && code <= 299:
		return Acked
	case code >= 300 && code <= 399:
		return Redirected
	}
	return Rejected
}

// classify returns the class of a request that got no answer, and what happened
// in words. The words are ours: what an error of net/http says may quote the
// URL, a header or the answer.
func (t *trace) classify(ctx context.Context, err error) (Class, string) {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Timeout, "timed out while " + t.phase()
	case ctx.Err() != nil:
		return Interrupted, "stopped by the sender while " + t.phase()
	case t.isOurs(err):
		return Interrupted, "the sender ran out of sockets, ports or memory"
	}
	class := classOf(err)
	if class == Protocol && t.failedTLS() {
		class = TLS // crypto/tls has no type for most of its errors
	}
	return class, t.words(class, err)
}

func (t *trace) words(class Class, err error) string {
	switch class {
	case Timeout:
		return "timed out while " + t.phase()
	case Reset:
		return cmp.Or(givenUp(err), "the connection was lost while "+t.phase())
	case DNS:
		return dnsError(err)
	case TLS:
		return tlsError(err)
	case Refused:
		return cmp.Or(t.unreachable(err), dialError(err))
	}
	if blocked, ok := errors.AsType[*BlockedAddressError](err); ok {
		return blocked.Error()
	}
	return t.protocolError(err)
}

// classOf returns the class of a round trip's error, Protocol if nothing more
// exact is known of it.
func classOf(err error) Class {
	network, ok := errors.AsType[net.Error](err)
	timedOut := ok && network.Timeout()
	switch {
	case is[*BlockedAddressError](err):
		return BlockedAddress
	case is[*net.DNSError](err):
		return DNS
	case hasNoFamily(err):
		return Refused
	case is[*net.AddrError](err):
		return Protocol
	case isTLS(err):
		return TLS
	case timedOut:
		return Timeout
	case isLost(err), isStreamError(err):
		return Reset
	case isRefused(err):
		return Refused
	}
	return Protocol
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isTLS(err error) bool {
	// How crypto/tls wraps an alert, which is of a type without a name.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	return is[tls.RecordHeaderError](err) || is[*tls.CertificateVerificationError](err) || is[tls.AlertError](err) ||
		is[x509.UnknownAuthorityError](err) || is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err)
}

// isLost reports whether err is the loss of a connection that stood.
func isLost(err error) bool {
	for _, lost := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	// These are net/http's own and have no exported name.
	text := err.Error()
	return text == "http: server closed idle connection" || text == "http2: client connection lost" || isGoAway(err)
}

func isRefused(err error) bool {
	if is[proxyError](err) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect")
}

func (t *trace) failedTLS() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tlsFailed && !t.got
}

func dnsError(err error) string {
	switch dns, ok := errors.AsType[*net.DNSError](err); {
	case ok && dns.IsNotFound:
		return "the host name was not found"
	case ok && dns.IsTimeout:
		return "the name server did not answer"
	}
	return "the host name could not be resolved"
}

func tlsError(err error) string {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case is[tls.RecordHeaderError](err):
		return "the server does not speak TLS on this port"
	case is[x509.UnknownAuthorityError](err):
		return "the certificate is signed by an unknown authority"
	case is[x509.HostnameError](err):
		return "the certificate is not valid for this host name"
	case ok && invalid.Reason == x509.Expired:
		return "the certificate has expired or is not yet valid"
	case ok:
		return "the certificate is not valid"
	}
	return "the TLS handshake failed: " + unquoted(err)
}

func dialError(err error) string {
	if proxy, ok := errors.AsType[proxyError](err); ok {
		return proxy.Error()
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !ok:
		return "could not connect"
	case errno == syscall.ECONNREFUSED:
		return "connection refused"
	}
	return "could not connect: " + errno.Error()
}

// malformations are the parts of net/http's errors that say what is wrong with
// an answer and quote nothing of it.
var malformations = []string{
	"malformed HTTP response", "malformed HTTP version", "malformed HTTP status code", "malformed MIME header",
	"response headers exceeded", "unsupported transfer encoding", "too many transfer encodings",
	"bad Content-Length", "invalid header", "unsupported protocol scheme",
}

func (t *trace) protocolError(err error) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	what := "the request could not be sent"
	if t.got {
		what = "the answer is not valid HTTP"
	}
	for _, m := range malformations {
		if strings.Contains(err.Error(), m) {
			return what + ": " + m
		}
	}
	return what
}

// bodyError says why the body of an answer ended early.
func bodyError(ctx context.Context, err error) string {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "timed out"
	case ctx.Err() != nil:
		return "stopped by the sender"
	case isLost(err), isStreamError(err):
		return "the connection was lost"
	}
	return "it is not valid HTTP"
}

// unquoted returns the text of err up to the first quotation: after that it may
// be anything that the other side sent.
func unquoted(err error) string {
	text, _, _ := strings.Cut(err.Error(), `"`)
	return strings.TrimRight(strings.ToValidUTF8(text, "?"), " :")
}
