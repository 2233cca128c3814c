package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

type receiveCommand struct {
	Listen     string        `help:"Address to listen on." default:"127.0.0.1:8081" placeholder:"HOST:PORT"`
	Status     int           `help:"Status code of every answer." default:"200"`
	Body       string        `help:"Body of every answer." default:"success"`
	FailFirst  int           `help:"Answer 500 to the first N requests of each webhook-id, which is to say of each delivery; requests without a webhook-id count together." placeholder:"N"`
	Delay      time.Duration `help:"Wait this long before every answer." placeholder:"DURATION"`
	Secret     []string      `hidden:"" secret:"" env:"BELFRY_SIGNING_SECRET"`
	SecretFile string        `help:"File that holds the signing secret of the destination (whsec_…), to check signatures with; several are allowed, one a line. Or set BELFRY_SIGNING_SECRET. A wrong signature is shown and answered like a right one." env:"BELFRY_SIGNING_SECRET_FILE" type:"path" placeholder:"FILE"`
	Headers    bool          `help:"Print the headers of every request too, credentials included."`
}

const (
	// maxReceived is more than the largest alert that Belfry accepts.
	maxReceived = 4 << 20

	// maxSeen is how many webhook-ids are remembered; then the oldest is forgotten.
	maxSeen = 100_000

	// receiveDrain is how long a stop waits for requests that are still coming in.
	receiveDrain = 3 * time.Second
)

// errStopping is why requests in flight are answered without their delay.
var errStopping = errors.New("stopping")

// Run receives until ctx ends.
func (c *receiveCommand) Run(ctx context.Context, to streams) error {
	keys, err := c.secrets()
	switch {
	case c.Status < 200 || c.Status > 599:
		err = errors.Join(err, errors.New("--status must be from 200 to 599"))
	case c.FailFirst < 0:
		err = errors.Join(err, errors.New("--fail-first must not be negative"))
	case c.Delay < 0:
		err = errors.Join(err, errors.New("--delay must not be negative"))
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	c.welcome(to.out, listener.Addr())
	r := &receiver{receiveCommand: *c, keys: keys, now: time.Now, out: to.out, seen: map[string]*sighting{}}

	requests, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	server := &http.Server{
		Handler:           r,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       120 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("receive: %w", err)
	case <-ctx.Done():
	}
	stop(errStopping)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveDrain)
	defer cancel()
	if server.Shutdown(drain) != nil {
		server.Close() //nolint:errcheck // a sender does not finish its request
	}
	return nil
}

// welcome says how to point a destination here, and what it will get.
func (c *receiveCommand) welcome(out io.Writer, at net.Addr) {
	plan := fmt.Sprintf("%d %q", c.Status, c.Body)
	if c.FailFirst > 0 {
		plan = fmt.Sprintf("500 to the first %d of the requests of each webhook-id, then %s", c.FailFirst, plan)
	}
	if c.Delay > 0 {
		plan += fmt.Sprintf(", each after %s", c.Delay)
	}
	fmt.Fprintf(out, "Listening on %s. Answering %s.\n", at, plan)
	fmt.Fprintf(out, "Point a destination at http://%s/ (any path will do).\n", destinationHost(at))
	fmt.Fprint(out, "Unless it is `belfry dev`, Belfry must be allowed to reach that: see BELFRY_EGRESS_ALLOW.\n\n")
}

// destinationHost is the address as a sender can use it: one cannot connect to
// 0.0.0.0.
func destinationHost(at net.Addr) string {
	tcp, ok := at.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return at.String()
	}
	name, err := os.Hostname()
	if err != nil {
		return at.String()
	}
	return fmt.Sprintf("%s:%d", name, tcp.Port)
}

// receiver answers as it is told and prints what it gets.
type receiver struct {
	receiveCommand
	keys [][]byte
	now  func() time.Time

	mu    sync.Mutex // one request is numbered and printed at a time
	out   io.Writer
	count int
	seen  map[string]*sighting // by webhook-id
	order []string             // the webhook-ids, oldest first
}

// sighting is what is remembered of a webhook-id.
type sighting struct{ first, times int }

// received is a request that has come in.
type received struct {
	*http.Request
	at      time.Time
	body    []byte
	err     error // of reading the body
	number  int
	seen    sighting // this time included
	verdict string   // on the signature
	answer  answer
}

type answer struct {
	status int
	body   string
	why    string // when it is not the usual one
}

// ServeHTTP implements http.Handler. `belfry health` asks for /readyz.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	got := received{Request: req, at: r.now()}
	switch looks := req.Method == http.MethodGet || req.Method == http.MethodHead; {
	case looks && (req.URL.Path == "/" || req.URL.Path == "/readyz"):
		answer{status: http.StatusOK, body: "belfry receive is listening\n"}.send(w)
		return
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		got.answer = answer{http.StatusMethodNotAllowed, "only POST is received here\n", "not a POST"}
		r.note(&got)
		got.answer.send(w)
		return
	}
	got.body, got.err = io.ReadAll(http.MaxBytesReader(w, req.Body, maxReceived))
	got.verdict = verify(r.keys, req.Header, got.body, got.at)
	r.note(&got)
	if !r.wait(req.Context()) {
		r.print(fmt.Appendf(nil, "#%d: the sender hung up before the answer\n\n", got.number))
		return
	}
	got.answer.send(w)
}

// note numbers a request, decides what it is answered, and prints it.
func (r *receiver) note(got *received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	got.number = r.count
	if got.Method == http.MethodPost {
		got.seen = r.remember(got.Header.Get("webhook-id"), got.number)
		got.answer = r.decide(got)
	}
	r.out.Write(got.text(r.Headers)) //nolint:errcheck // printing is for eyes
}

// remember counts a request of a webhook-id.
func (r *receiver) remember(id string, number int) sighting {
	s := r.seen[id]
	if s == nil {
		if len(r.order) == maxSeen {
			delete(r.seen, r.order[0])
			r.order = r.order[1:]
		}
		s = &sighting{first: number}
		r.seen[id] = s
		r.order = append(r.order, id)
	}
	s.times++
	return *s
}

func (r *receiver) decide(got *received) answer {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(got.err, &tooLong):
		return answer{http.StatusRequestEntityTooLarge, "too long\n", "longer than is read here"}
	case got.err != nil:
		return answer{http.StatusBadRequest, "cut short\n", "cut short"}
	case got.seen.times <= r.FailFirst:
		return answer{http.StatusInternalServerError, "failing, as told\n", fmt.Sprintf("failure %d of %d, as told", got.seen.times, r.FailFirst)}
	}
	return answer{status: r.Status, body: r.Body}
}

// wait reports whether there is still someone to answer after the delay. A stop
// ends the delay.
func (r *receiver) wait(ctx context.Context) bool {
	if r.Delay == 0 {
		return true
	}
	timer := time.NewTimer(r.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return errors.Is(context.Cause(ctx), errStopping)
	}
}

func (r *receiver) print(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Write(text) //nolint:errcheck // printing is for eyes
}

func (a answer) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	io.WriteString(w, a.body) // refused where the status allows no body
}
