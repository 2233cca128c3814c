// Package receive is the receiver of a run, in a process of its own, and the way to ask
// it what came.
package receive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"belfry/cmd/bench/internal/process"
)

// Command is the receiver. A path says what it answers:
//
//	POST /ok/N         200 at once
//	POST /slow/MS/N    200 after MS milliseconds
//	POST /mixed/N      200 after 0, 50, 200 or 500 ms, by the webhook-id
//	POST /hang/N       nothing, until the client leaves
//	POST /gate/N       nothing, until the gate is opened; then 200 at once
//	GET  /open         opens the gate
//	GET  /count?path=  how many requests a path has got; without path, all of them
//	GET  /arrivals?path=  all of them, as appendArrival writes them
type Command struct {
	Listeners   int    `help:"Ports to listen on: as many hosts, to an HTTP client." default:"1"`
	Certificate string `help:"Listen on two ports with TLS more, one for HTTP/1.1 and one for HTTP/2: the certificate." type:"path" placeholder:"FILE"`
	Key         string `help:"Its key." type:"path" placeholder:"FILE"`
}

// Addresses are where a receiver listens.
type Addresses struct {
	Plain []string `json:"plain"`
	HTTP1 string   `json:"http1"` // with TLS, and no other protocol
	HTTP2 string   `json:"http2"` // with TLS, and no other protocol
}

// Run prints the addresses as JSON and receives until ctx ends.
func (c *Command) Run(ctx context.Context, to process.Streams) error {
	var at Addresses
	b := &inboxes{of: map[string]*inbox{}, gate: make(chan struct{})}
	plain := newServer(b)
	defer plain.Close() //nolint:errcheck // the process ends
	for range c.Listeners {
		l, err := listen()
		if err != nil {
			return err
		}
		at.Plain = append(at.Plain, l.Addr().String())
		go plain.Serve(l) //nolint:errcheck // ends with Close
	}
	if c.Certificate != "" {
		for _, secure := range []struct {
			version int
			address *string
		}{{1, &at.HTTP1}, {2, &at.HTTP2}} {
			server := newServer(b)
			server.Protocols = &http.Protocols{}
			server.Protocols.SetHTTP1(secure.version == 1)
			server.Protocols.SetHTTP2(secure.version == 2)
			defer server.Close() //nolint:errcheck // the process ends
			l, err := listen()
			if err != nil {
				return err
			}
			*secure.address = l.Addr().String()
			go server.ServeTLS(l, c.Certificate, c.Key) //nolint:errcheck // ends with Close
		}
	}
	if err := json.NewEncoder(to.Out).Encode(at); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
}

func listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// inboxes remember what came, by path.
type inboxes struct {
	mu sync.RWMutex
	of map[string]*inbox

	open sync.Once
	gate chan struct{} // closed once it is open
}

type inbox struct {
	mu   sync.Mutex
	came []Arrival
}

func (b *inboxes) at(path string) *inbox {
	b.mu.RLock()
	found := b.of[path]
	b.mu.RUnlock()
	if found != nil {
		return found
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[path] == nil {
		b.of[path] = &inbox{}
	}
	return b.of[path]
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// ServeHTTP implements http.Handler.
func (b *inboxes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		b.control(w, r)
		return
	}
	a, err := readArrival(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in := b.at(r.URL.Path)
	in.mu.Lock()
	in.came = append(in.came, a)
	in.mu.Unlock()
	b.wait(r, a)
}

// readArrival takes the time when all of the body is there.
func readArrival(r *http.Request) (Arrival, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	if size := max(int(r.ContentLength), 0); cap(*buffer) < size {
		*buffer = make([]byte, size)
	}
	body := (*buffer)[:max(int(r.ContentLength), 0)]
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return Arrival{}, err
	}
	a := Arrival{At: time.Now().UnixNano(), HTTP: uint8(r.ProtoMajor)}
	id, ok := AlertIDOf(body)
	if !ok {
		return a, errors.New("no alertId")
	}
	a.AlertID = id
	var err error
	a.WebhookID, err = uuid.Parse(r.Header.Get("webhook-id"))
	return a, err
}

// control answers bench run.
func (b *inboxes) control(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/open":
		b.open.Do(func() { close(b.gate) })
	case "/count":
		fmt.Fprint(w, b.count(r.URL.Query().Get("path")))
	case "/arrivals":
		var out []byte
		for _, a := range b.at(r.URL.Query().Get("path")).soFar() {
			if out = appendArrival(out, a); len(out) > 64<<10 {
				_, _ = w.Write(out) // who asked has left, if not
				out = out[:0]
			}
		}
		_, _ = w.Write(out)
	default:
		http.NotFound(w, r)
	}
}

// count is how many requests a path has got, or all paths.
func (b *inboxes) count(path string) int {
	if path != "" {
		return len(b.at(path).soFar())
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := 0
	for _, in := range b.of {
		all += len(in.soFar())
	}
	return all
}

func (in *inbox) soFar() []Arrival {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.came[:len(in.came):len(in.came)]
}
