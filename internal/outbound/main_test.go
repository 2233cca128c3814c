package outbound

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // see the package comment
	// net/http reads the environment's proxies once, at the first use.
	os.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	os.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	goleak.VerifyTestMain(m)
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// newClient returns a client that may reach this machine.
func newClient(t testing.TB, timeout time.Duration) *Client {
	t.Helper()
	c := New(Options{Allow: []netip.Prefix{loopback}, Timeout: timeout, UserAgent: "Belfry/test"})
	t.Cleanup(c.Close)
	return c
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// serveTCP runs handle for each connection and returns the URL to reach it.
// What handle still waits for ends with the test.
func serveTCP(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    []net.Conn
	)
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			running.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// readRequest reads one whole request and returns its body.
func readRequest(r *bufio.Reader) (string, error) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(req.Body)
	return string(body), err
}

// answerOnce reads a request, writes answer and closes the connection.
func answerOnce(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := readRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		io.WriteString(conn, answer)
	}
}

func wantClass(t *testing.T, res Result, class Class, code int) {
	t.Helper()
	if res.Class != class || res.StatusCode != code {
		t.Errorf("got %s, status %d, %q; want %s, status %d", res.Class, res.StatusCode, res.Error, class, code)
	}
}

func wantWords(t *testing.T, res Result, words string) {
	t.Helper()
	if !strings.Contains(res.Error, words) || (words == "" && res.Error != "") {
		t.Errorf("error %q, want %q in it", res.Error, words)
	}
}
