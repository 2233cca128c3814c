//go:build linux

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// answeredWithin is 2 s where the machine is quiet: see make hostile-clients.
var answeredWithin = flag.Duration("answered-within", 10*time.Second, "how long a producer's post may take while clients are hostile")

const (
	hostileFor = 3 * time.Second

	// What docs/operating.md says a process takes at most, while clients are hostile.
	mostMemory = 400 << 20
)

// hostility is what many clients do to a server. They go on until ctx ends.
type hostility struct {
	name  string
	n     int // clients
	sends func(token string) []byte
	body  int // bytes of 'x' after that
}

func unfinished(path, more string) func(string) []byte {
	return func(token string) []byte {
		return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s",
			path, token, more)
	}
}

var hostilities = []hostility{
	{"two unfinished chunked batches", 2, unfinished("/api/v1/alerts/batch", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), 0},
	{"posts of one byte of 500", 1024, unfinished("/api/v1/alerts", "Content-Length: 500\r\n\r\n{"), 0},
	{"more posts of one byte of 500 than are read at once", 2000, unfinished("/api/v1/alerts", "Content-Length: 500\r\n\r\n{"), 0},
	{"unfinished headers of 60 kB", 8000, func(string) []byte { return []byte("GET / HTTP/1.1\r\nHost: x\r\nX: ") }, 60_000},
	{"unfinished headers of 12 kB", 8000, func(string) []byte { return []byte("GET / HTTP/1.1\r\nHost: x\r\nX: ") }, 12_000},
	{"uploads of 1 MiB that lack a byte", 1000, unfinished("/api/v1/alerts", "Content-Length: 1048576\r\n\r\n"), 1<<20 - 1},
	{"batches of 16 MiB that lack a byte", 20, unfinished("/api/v1/alerts/batch", "Content-Length: 16777216\r\n\r\n"), 16<<20 - 1},
	{"unfinished bodies without a valid token", 1024, func(string) []byte {
		return unfinished("/api/v1/alerts", "Content-Length: 500\r\n\r\n{")("wrong")
	}, 0},
	{"unfinished bodies to pages", 2200, func(string) []byte {
		return []byte("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
	}, 0},
	{"unfinished sign-ins", 1024, func(string) []byte {
		return []byte("POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
	}, 0},
}

// attack opens all connections, sends on each, and returns when all has been sent or
// refused. The connections stay open until the test ends.
func (h hostility) attack(t *testing.T, address, token string) {
	t.Helper()
	body := bytes.Repeat([]byte("x"), h.body)
	var (
		mu      sync.Mutex
		conns   []net.Conn
		clients sync.WaitGroup
		turns   = make(chan struct{}, 200)
	)
	t.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	for range h.n {
		turns <- struct{}{}
		clients.Go(func() {
			defer func() { <-turns }()
			c, err := net.DialTimeout("tcp", address, 5*time.Second)
			if err != nil {
				return // refused: that is an answer
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			if c.SetDeadline(time.Now().Add(time.Second)) != nil {
				return
			}
			if _, err := c.Write(h.sends(token)); err == nil {
				_, _ = c.Write(body) // it may be refused in the middle
			}
		})
	}
	clients.Wait()
}

// memory returns the resident memory of a process, and the most it had so far, in bytes.
func (c *child) memory(t *testing.T) (now, most int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) int {
		m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(raw)
		if m == nil {
			t.Fatalf("no %s in %s", name, raw)
		}
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		return n << 10
	}
	return read("VmRSS"), read("VmHWM")
}

// producing posts alerts, one on a connection that is kept and one on a new one in turn,
// until ctx ends, and returns how long the slowest took and what was not accepted.
func producing(ctx context.Context, base, token string) (posts int, slowest time.Duration, wrong []string) {
	kept, fresh := &http.Client{Transport: &http.Transport{}}, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	defer kept.CloseIdleConnections()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for ; ctx.Err() == nil; posts++ {
		client := kept
		if posts%2 == 0 {
			client = fresh
		}
		began := time.Now()
		if err := post1(client, base, token); err != nil {
			wrong = append(wrong, fmt.Sprintf("after %v: %v", time.Since(began).Round(time.Millisecond), err))
		}
		slowest = max(slowest, time.Since(began))
		<-pause.C
	}
	return posts, slowest, wrong
}

func post1(client *http.Client, base, token string) error {
	r, err := http.NewRequest(http.MethodPost, base+"/api/v1/alerts", strings.NewReader(`{"id":"x","severity":"LOW","type":"RULE"}`))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("%d %s", resp.StatusCode, said)
	}
	return err
}

// Whatever many hostile clients do, a producer is answered in time, even one that shares
// their address and token, and memory stays below what is documented.
func TestE2EHostileClients(t *testing.T) {
	heavy(t, 1)
	for _, h := range hostilities {
		t.Run(h.name, func(t *testing.T) {
			c, admin := serving(t, pgtest.NewURL(t))
			base := *admin.base.Load()
			// Its token is known before somebody guesses tokens from the same address: a new
			// one would be slowed down too.
			admin.call(t, http.StatusAccepted, http.MethodPost, "/api/v1/alerts", newAlert("before"), nil)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var (
				producer sync.WaitGroup
				posts    int
				slowest  time.Duration
				wrong    []string
			)
			producer.Go(func() { posts, slowest, wrong = producing(ctx, base, adminToken) })
			began := time.Now()
			h.attack(t, strings.TrimPrefix(base, "http://"), adminToken)
			attacked := time.Since(began)
			<-time.After(hostileFor - min(attacked, hostileFor/2))
			stop()
			producer.Wait()
			now, most := c.memory(t)
			t.Logf("%d clients in %v: %d posts, slowest %v, %d wrong, memory %d MiB, at most %d MiB", h.n, attacked.Round(time.Millisecond),
				posts, slowest.Round(time.Millisecond), len(wrong), now>>20, most>>20)
			if len(wrong) > 0 || slowest > *answeredWithin || posts == 0 {
				t.Errorf("%d of %d posts went wrong, the slowest took %v: %.300q", len(wrong), posts, slowest, wrong)
			}
			if most > mostMemory {
				t.Errorf("%d MiB of memory, want at most %d", most>>20, mostMemory>>20)
			}
			c.stop(t, 20*time.Second)
		})
	}
}
