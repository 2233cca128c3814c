package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNoHTTPAnswer(t *testing.T) {
	t.Parallel()
	c := newClient(t, 5*time.Second)
	for name, test := range map[string]struct {
		handle func(net.Conn)
		class  Class
		words  string
	}{
		"closed at once":         {func(net.Conn) {}, Reset, "the connection was lost"},
		"closed after request":   {answerOnce(""), Reset, "lost while waiting for the answer"},
		"closed in status line":  {answerOnce("HTTP/1.1 2"), Protocol, "malformed HTTP"},
		"closed in headers":      {answerOnce("HTTP/1.1 200 OK\r\nX-A: "), Reset, "lost while reading the answer's headers"},
		"SSH banner":             {banner("SSH-2.0-OpenSSH_9.6\r\n"), Protocol, "malformed HTTP"},
		"SMTP banner":            {banner("220 mail.example ESMTP\r\n"), Protocol, "malformed HTTP"},
		"HTTP/0.9":               {answerOnce("<html>hello</html>\n"), Protocol, "malformed HTTP"},
		"NUL bytes":              {answerOnce("\x00\x00\x00\x00\r\n\r\n"), Protocol, "malformed HTTP"},
		"bad status code":        {answerOnce("HTTP/1.1 2x0 OK\r\n\r\n"), Protocol, "malformed HTTP status code"},
		"status code 0":          {answerOnce("HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"), Protocol, "no valid status code"},
		"bad header":             {answerOnce("HTTP/1.1 200 OK\r\nsecret-echo\r\n\r\n"), Protocol, "malformed MIME header"},
		"NUL in a header":        {answerOnce("HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\n"), Protocol, "malformed MIME header"},
		"bad transfer encoding":  {answerOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: secret-echo\r\n\r\n"), Protocol, "unsupported transfer encoding"},
		"bad content length":     {answerOnce("HTTP/1.1 200 OK\r\nContent-Length: secret-echo\r\n\r\n"), Protocol, "bad Content-Length"},
		"headers past the limit": {answerOnce("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 128<<10) + "\r\n\r\n"), Protocol, "response headers exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := c.Post(t.Context(), Request{URL: serveTCP(t, test.handle)})
			wantClass(t, res, test.class, 0)
			if strings.HasSuffix(name, "banner") && res.Error == "the answer is not valid HTTP" {
				return // the banner was there before the request; net/http then says nothing
			}
			wantWords(t, res, test.words)
			if strings.Contains(res.Error, "secret-echo") {
				t.Errorf("error %q quotes the answer", res.Error)
			}
		})
	}
}

func banner(text string) func(net.Conn) {
	return func(conn net.Conn) {
		io.WriteString(conn, text)
		io.Copy(io.Discard, conn)
	}
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := newClient(t, 5*time.Second)

	res := c.Post(t.Context(), Request{URL: "http://" + l.Addr().String()})
	wantClass(t, res, Refused, 0)
	wantWords(t, res, "connection refused")
	if res.Address != l.Addr().String() {
		t.Errorf("address %q, want %s", res.Address, l.Addr())
	}
	// A name with an empty label is not looked up anywhere.
	res = c.Post(t.Context(), Request{URL: "http://" + l.Addr().String(), Secrets: []string{"refused"}})
	if res.Error != "connection ****" {
		t.Errorf("error %q holds a secret", res.Error)
	}
	res = c.Post(t.Context(), Request{URL: "http://no-such..example/path"})
	wantClass(t, res, DNS, 0)
	if want := "the host name was not found"; res.Error != want || res.Address != "" {
		t.Errorf("error %q, address %q; want %q and none", res.Error, res.Address, want)
	}
}

func TestTLSFailures(t *testing.T) {
	t.Parallel()
	c := newClient(t, 5*time.Second)
	start := func(config *tls.Config) *httptest.Server {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.TLS = config
		srv.StartTLS()
		t.Cleanup(srv.Close)
		return srv
	}
	secure := start(nil)
	old := start(&tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	strict := start(&tls.Config{ClientAuth: tls.RequireAnyClientCert})
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	junk := serveTCP(t, banner("SSH-2.0-OpenSSH_9.6\r\n"))
	// A ServerHello of TLS 1.0: for what it does then, crypto/tls has no type.
	oddHello := serveTCP(t, banner("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"+strings.Repeat("r", 32)+"\x00\xc0\x2f\x00"))

	trusting := newClient(t, 5*time.Second)
	trusting.keep.TLSClientConfig.RootCAs = x509.NewCertPool()
	trusting.keep.TLSClientConfig.RootCAs.AddCert(secure.Certificate())

	for name, test := range map[string]struct {
		client *Client
		url    string
		class  Class
		code   int
		words  string
	}{
		"self-signed":             {c, secure.URL, TLS, 0, "unknown authority"},
		"another name":            {trusting, strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), TLS, 0, "not valid for this host name"},
		"trusted":                 {trusting, secure.URL, Acked, 200, ""},
		"https to plain HTTP":     {c, strings.Replace(plain.URL, "http:", "https:", 1), TLS, 0, "does not speak TLS"},
		"https to another thing":  {c, strings.Replace(junk, "http:", "https:", 1), TLS, 0, "does not speak TLS"},
		"http to TLS":             {c, strings.Replace(secure.URL, "https:", "http:", 1), Rejected, 400, ""},
		"too old":                 {c, old.URL, TLS, 0, "handshake failed"},
		"odd version":             {c, strings.Replace(oddHello, "http:", "https:", 1), TLS, 0, "handshake failed: tls: server selected unsupported protocol version"},
		"wants our certificate":   {trusting, strict.URL, TLS, 0, "handshake failed"},
		"closed in the handshake": {c, strings.Replace(serveTCP(t, func(net.Conn) {}), "http:", "https:", 1), Reset, 0, "in the TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := test.client.Post(t.Context(), Request{URL: test.url})
			wantClass(t, res, test.class, test.code)
			wantWords(t, res, test.words)
		})
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for want, errs := range map[Class][]error{
		DNS: {&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, &net.DNSError{IsTimeout: true}},
		Refused: {
			dial(syscall.ECONNREFUSED), dial(syscall.EHOSTUNREACH), dial(syscall.ENETUNREACH), dial(syscall.EACCES),
			&net.OpError{Op: "proxyconnect", Err: errors.New("x")}, proxyError(502),
		},
		Reset: {
			io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, fmt.Errorf("write: %w", syscall.EPIPE),
			&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
			errors.New("http: server closed idle connection"), errors.New("http2: client connection lost"),
		},
		Timeout:        {dial(syscall.ETIMEDOUT), os.ErrDeadlineExceeded, context.DeadlineExceeded},
		TLS:            {tls.RecordHeaderError{}, &tls.CertificateVerificationError{Err: x509.HostnameError{}}, tls.AlertError(40)},
		BlockedAddress: {&net.OpError{Op: "dial", Err: &BlockedAddressError{}}},
		Protocol:       {&net.OpError{Op: "dial", Err: &net.AddrError{Err: "invalid port"}}, errors.New("malformed HTTP response")},
	} {
		for _, err := range errs {
			if got := classOf(err); got != want {
				t.Errorf("classOf(%v) = %s, want %s", err, got, want)
			}
		}
	}
}

func TestWordsOfFailures(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"could not connect: too many open files":          dialError(syscall.EMFILE),
		"could not connect":                               dialError(io.EOF),
		"the name server did not answer":                  dnsError(&net.DNSError{IsTimeout: true}),
		"the host name could not be resolved":             dnsError(&net.DNSError{Err: "server misbehaving", Name: "secret.example"}),
		"the certificate has expired or is not yet valid": tlsError(x509.CertificateInvalidError{Reason: x509.Expired}),
		"the TLS handshake failed: tls: bad":              tlsError(errors.New(`tls: bad "secret"`)),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	want := []Class{"acked", "rejected", "redirected", "timeout", "dns", "refused", "reset", "tls", "blocked_address", "protocol", "interrupted"}
	if diff := cmp.Diff(want, Classes()); diff != "" {
		t.Errorf("Classes (-want +got)\n%s", diff)
	}
}
