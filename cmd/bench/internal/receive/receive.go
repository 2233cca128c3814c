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
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"belfry/cmd/bench/internal/process"
)

// Command is the receiver. A path says what it answers:
//
//	POST /ok/N         200 at once
//	POST /slow/MS/N    200 after MS milliseconds
//	POST /hang/N       nothing, until the client leaves
//	GET  /count?path=  how many requests a path has got
//	GET  /arrivals?path=  all of them, as appendArrival writes them
type Command struct {
	Listeners int `help:"Ports to listen on: as many hosts, to an HTTP client." default:"1"`
}

// Run prints the addresses as JSON and receives until ctx ends.
func (c *Command) Run(ctx context.Context, to process.Streams) error {
	var addresses []string
	h := &inboxes{of: map[string]*inbox{}}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	defer server.Close() //nolint:errcheck // the process ends
	for range c.Listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		addresses = append(addresses, l.Addr().String())
		go server.Serve(l) //nolint:errcheck // ends with Close
	}
	if err := json.NewEncoder(to.Out).Encode(addresses); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// inboxes remember what came, by path.
type inboxes struct {
	mu sync.RWMutex
	of map[string]*inbox
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
		b.report(w, r)
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
	wait(r)
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
	a := Arrival{At: time.Now().UnixNano()}
	id, ok := AlertIDOf(body)
	if !ok {
		return a, errors.New("no alertId")
	}
	a.AlertID = id
	var err error
	a.WebhookID, err = uuid.Parse(r.Header.Get("webhook-id"))
	return a, err
}

// wait does what the path says before 200 is answered.
func wait(r *http.Request) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch kind {
	case "hang":
		<-r.Context().Done()
	case "slow":
		text, _, _ := strings.Cut(rest, "/")
		ms, err := strconv.Atoi(text)
		if err != nil {
			return
		}
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
		case <-r.Context().Done():
		}
	}
}

// report answers bench run.
func (b *inboxes) report(w http.ResponseWriter, r *http.Request) {
	in := b.at(r.URL.Query().Get("path"))
	in.mu.Lock()
	came := in.came[:len(in.came):len(in.came)]
	in.mu.Unlock()
	if r.URL.Path == "/count" {
		fmt.Fprint(w, len(came))
		return
	}
	var out []byte
	for _, a := range came {
		if out = appendArrival(out, a); len(out) > 64<<10 {
			_, _ = w.Write(out) // who asked has left, if not
			out = out[:0]
		}
	}
	_, _ = w.Write(out)
}
