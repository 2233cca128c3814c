package outbound

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
	"unicode"

	"belfry/internal/masking"
)

// Header is one header field.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Request is what to send, and which parts of it are secrets that must never be stored.
type Request struct {
	Method string // "" is POST
	URL    string
	// Header is sent as given, in addition to Content-Type: application/json and
	// User-Agent. Names that are not a sender's to choose are left out: see Post.
	Header []Header
	Body   []byte
	// Payload is the version of the alert's payload that Body is. 0 stands for any
	// other body: the result keeps what of it may be stored.
	Payload int
	// Secrets are header values and signing secrets. What else of the request is
	// secret (its URL, parts of these values) is found without being told.
	Secrets []string
}

// Timing is how long each part of an exchange took. A part is zero if it did not
// happen; one that the end of the exchange cut off counts up to there.
type Timing struct {
	DNS, Connect, TLS time.Duration
	FirstByte         time.Duration // from the request's last byte to the answer's first
	Body              time.Duration
}

// Result is the outcome of a request. Secrets in anything that was sent or
// received are replaced by "****".
type Result struct {
	Class      Class
	StatusCode int // 0: no answer
	StartedAt  time.Time
	Duration   time.Duration
	Timing     Timing
	Address    string // IP address and port that was dialled or refused, "" if none
	// Sent is the request as it went out. RequestHeaders lacks Host and Content-Length, which net/http adds.
	// Both lists are sorted by name.
	Sent                            Sent
	RequestHeaders, ResponseHeaders []Header
	HeadersTruncated                bool   // there were more of the answer's headers than are kept, 16 KiB
	Body                            []byte // the first 64 KiB; nil if no answer came
	BodySize                        int64  // bytes seen, or the declared Content-Length if that is larger
	Truncated                       bool   // there was more than Body, or would have been
	RetryAfter                      time.Duration
	RetriedStale                    bool   // the first try met a stale connection and was repeated on a fresh one
	NeverHeals                      bool   // the receiver said that no other try will do better
	Error                           string // in words; "" if an answer came in full
}

// Sent is the part of a request that its headers do not show.
type Sent struct {
	Method   string // "" is POST
	URL      string // scheme and host: the rest may be secret; "" when there was no request
	Payload  int    // as in Request
	Body     []byte // the first 64 KiB, secrets replaced; nil for a payload
	BodySize int64  // of a body that is no payload
}

// Truncated reports whether the body went on after what is kept of it.
func (s Sent) Truncated() bool { return s.BodySize > maxBody }

func sentOf(r Request, u *url.URL, m *masking.Masker) Sent {
	s := Sent{Method: r.Method, URL: u.Scheme + "://" + u.Host, Payload: r.Payload}
	if r.Payload == 0 {
		s.Body, s.BodySize = m.Body(masking.Part{Text: r.Body, Limit: maxBody}), int64(len(r.Body))
		if s.Body == nil {
			s.Body = []byte{} // there was one, and it was empty
		}
	}
	return s
}

// errURL and the other errors of newRequest end up in Result.Error.
var errURL = errors.New("the URL cannot be used")

// unsendable are names that shape the request itself, and two more: with either
// idempotency name net/http takes a POST to be repeatable and sends it again
// without telling us.
var unsendable = map[string]bool{
	"Idempotency-Key": true, "X-Idempotency-Key": true,
	"Host": true, "Content-Length": true, "Content-Type": true, "Transfer-Encoding": true, "Trailer": true,
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authorization": true,
	"Te": true, "Upgrade": true, "Expect": true,
}

// Post sends r once and returns what came of it. It never follows a redirect.
//
// Headers named Idempotency-Key, X-Idempotency-Key, Content-Type, Host or after
// another thing that net/http manages are not sent.
//
// The class is Interrupted if ctx was cancelled before an answer's headers came,
// and Timeout if its deadline or the client's own passed. Once headers are there
// the class is by status code, however reading the body ends.
//
// A request that meets a kept connection which the destination has just closed,
// and gets not a byte of answer, is sent once more on a fresh connection, within
// the same deadline.
func (c *Client) Post(ctx context.Context, r Request) Result {
	started := c.now()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	m := c.maskers.Masker(masking.Sent{URL: r.URL, Secrets: r.Secrets, Proxy: c.proxy})
	res := c.exchange(ctx, r, m)
	res.StartedAt, res.Duration = started, c.now().Sub(started)
	res.Error = m.Text(res.Error)
	return res
}

func (c *Client) exchange(ctx context.Context, r Request, m *masking.Masker) Result {
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return Result{Class: Protocol, Error: err.Error()}
	}
	res := Result{Sent: sentOf(r, req.URL, m), RequestHeaders: sentHeaders(m, req.Header, r.Secrets)}
	t := &trace{now: c.now, addresses: c.addresses}
	resp, err := c.keep.RoundTrip(t.follow(req))
	if err != nil && t.stale() && isLost(err) && ctx.Err() == nil {
		res.RetriedStale = true
		t = &trace{now: c.now, addresses: c.addresses}
		resp, err = c.fresh.RoundTrip(t.follow(req))
	}
	if err != nil {
		res.Class, res.Error = t.classify(ctx, err)
		res.Timing = t.timing(c.now())
		res.Address = t.tried(err)
		return res
	}
	res.Address = t.dialled()
	res.Timing = t.timing(c.now())
	c.receive(ctx, resp, m, &res)
	return res
}

// receive reads the answer into res.
func (c *Client) receive(ctx context.Context, resp *http.Response, m *masking.Masker, res *Result) {
	defer resp.Body.Close() //nolint:errcheck // nothing is left to learn from it
	began := c.now()
	if resp.StatusCode < 100 {
		res.Class, res.Error = Protocol, "the answer has no valid status code"
		return
	}
	res.StatusCode, res.Class = resp.StatusCode, classOfStatus(resp.StatusCode)
	res.ResponseHeaders, res.HeadersTruncated = receivedHeaders(m, resp.Header)
	res.RetryAfter = retryAfter(resp, began)
	res.Body = []byte{}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return // what follows is not HTTP and has no end
	}
	got := readBody(resp, maxBody+m.Reach())
	res.Body = m.Body(masking.Part{
		Text: got.kept, ContentType: resp.Header.Get("Content-Type"), Limit: maxBody, Cut: got.err != nil,
	})
	res.BodySize = got.size
	res.Truncated = got.size > maxBody || got.err != nil
	if got.err != nil {
		res.Error = "the answer's body was cut short: " + bodyError(ctx, got.err)
	}
	res.Timing.Body = c.now().Sub(began)
}

func (c *Client) newRequest(ctx context.Context, r Request) (*http.Request, error) {
	target := sendable(r.URL)
	u, err := url.Parse(target)
	if err != nil || strings.ContainsFunc(r.URL, unicode.IsControl) || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errURL
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodPost), target, bytes.NewReader(r.Body))
	if err != nil {
		return nil, errURL
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Content-Type", "application/json")
	if u.User != nil {
		// http.Client does this; a Transport does not.
		password, _ := u.User.Password()
		req.SetBasicAuth(u.User.Username(), password)
	}
	for _, h := range r.Header {
		switch name := http.CanonicalHeaderKey(h.Name); {
		case unsendable[name]:
		case name == "User-Agent", name == "Authorization":
			req.Header.Set(name, h.Value)
		default:
			req.Header[h.Name] = append(req.Header[h.Name], h.Value)
		}
	}
	return req, nil
}

// follow returns a copy of req that reports to t. It is sent with a Transport,
// not with an http.Client: that one follows redirects, and fails on an answer
// whose Location it cannot parse.
func (t *trace) follow(req *http.Request) *http.Request {
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), t.hooks()))
	req.Body, _ = req.GetBody() // of a bytes.Reader: cannot fail
	return req
}

// proxyError is the status a proxy answered to CONNECT.
type proxyError int

func (e proxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d to CONNECT", int(e))
}
