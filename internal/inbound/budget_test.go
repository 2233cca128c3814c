package inbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var roomy = Bodies{
	Small: 1 << 20, Large: 4 << 20, AtOnce: 100, Waiting: 100, MaxWait: 20 * time.Second,
	Grace: 20 * time.Second, Floor: 64 << 10, Now: time.Now,
}

// taking is a server that takes bodies and keeps what it took until it may let go.
type taking struct {
	*Budget
	address string
	limit   int64
	taken   chan int      // the length of each body
	refused chan int      // the status of each that was not taken
	letGo   chan struct{} // closed: at once
}

func serveTaking(t *testing.T, bounds Bodies) *taking {
	t.Helper()
	s := &taking{Budget: NewBudget(bounds), limit: 2 << 20, taken: make(chan int, 100), refused: make(chan int, 1000), letGo: make(chan struct{})}
	over := make(chan struct{}) // the test, however it ends
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := s.Take(w, r, r.Header.Get("Caller"), s.limit)
		for status, reason := range map[int]error{413: ErrTooLarge, 408: ErrTooSlow, 503: ErrFull, 400: ErrBroken} {
			if errors.Is(err, reason) {
				w.Header().Set("Connection", "close")
				w.WriteHeader(status)
				s.refused <- status
				return
			}
		}
		if err != nil {
			panic(err)
		}
		defer body.Release()
		s.taken <- len(body.Bytes)
		select {
		case <-s.letGo:
		case <-over:
		}
		_, _ = w.Write(body.Bytes)
	}))
	t.Cleanup(web.Close)
	t.Cleanup(func() { close(over) })
	s.address = strings.TrimPrefix(web.URL, "http://")
	return s
}

// sent is a request whose body comes bit by bit.
type sent struct {
	io.WriteCloser
	answer chan int // its status, 0 if there was none
}

// send begins a request as a caller; what is written to it is its body. A length of -1
// announces none.
func (s *taking) send(t *testing.T, caller string, length int64) sent {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+s.address, r)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = length
	req.Header.Set("Caller", caller)
	answer := make(chan int, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			answer <- 0
			return
		}
		resp.Body.Close()
		answer <- resp.StatusCode
	}()
	return sent{w, answer}
}

// whole sends a body of n bytes in one go.
func (s *taking) whole(t *testing.T, caller string, n int) sent {
	t.Helper()
	c := s.send(t, caller, int64(n))
	go func() {
		_, _ = c.Write(make([]byte, n)) // the answer says what became of it
		c.Close()
	}()
	return c
}

func (s sent) want(t *testing.T, status int) {
	t.Helper()
	select {
	case got := <-s.answer:
		if got != status {
			t.Errorf("answered %d, want %d", got, status)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no answer, want %d", status)
	}
}

// empty waits until nothing is given out any more.
func (s *taking) empty(t *testing.T) {
	t.Helper()
	until(t, "all was given back", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.callers {
			if !c.none() {
				return false
			}
		}
		return s.used == [2]int64{} && len(s.reading) == 0 && len(s.waiting) == 0
	})
}

// Bodies of any length come whole, announced or not, and give back what they took.
func TestTake(t *testing.T) {
	t.Parallel()
	s := serveTaking(t, roomy)
	close(s.letGo)
	for _, n := range []int{1, step - 1, step, step + 1, smallBody - 1, smallBody, smallBody + 1, smallBody + 2, 1 << 20, 2 << 20} {
		for _, announced := range []bool{true, false} {
			body := strings.Repeat("0123456789abcde\n", n/16+1)[:n]
			var r io.Reader = strings.NewReader(body)
			if !announced {
				r = io.MultiReader(r)
			}
			resp, err := http.Post("http://"+s.address, "", r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != body {
				t.Errorf("%d bytes, announced %t: status %d, %d bytes came back, %v", n, announced, resp.StatusCode, len(got), err)
			}
			<-s.taken
		}
	}
	for _, length := range []int64{2<<20 + 1, -1} {
		c := s.send(t, "a", length)
		go func() { _, _ = c.Write(make([]byte, 2<<20+1)); c.Close() }()
		if got := <-s.refused; got != 413 { // the client may be too busy with sending to see it
			t.Errorf("a body of one byte more than the limit: %d, want 413", got)
		}
	}
	s.empty(t)
}

// A body that stops coming is given up, and one that comes slowly but steadily is not.
func TestABodyMustKeepComing(t *testing.T) {
	t.Parallel()
	bounds := roomy
	bounds.Grace = 300 * time.Millisecond
	bounds.Floor = 1 << 30 // the grace is all there is
	s := serveTaking(t, bounds)
	close(s.letGo)
	for _, length := range []int64{500, 500_000, -1} {
		c := s.send(t, "a", length)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		c.want(t, 408)
	}
	s.empty(t)

	bounds.Floor = 10 // a byte buys 100 ms
	s = serveTaking(t, bounds)
	close(s.letGo)
	c := s.send(t, "a", 500)
	for _, part := range []string{strings.Repeat("x", 400), strings.Repeat("x", 100)} {
		<-time.After(400 * time.Millisecond) // more than the grace
		if _, err := c.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	c.want(t, 200)
}

// A body that breaks off is not taken for a whole one.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	s := serveTaking(t, roomy)
	close(s.letGo)
	for name, request := range map[string]string{
		"chunks that are none": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"the end of it all":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
	} {
		p := server{address: s.address}.dial(t, "127.0.0.1")
		if _, err := io.WriteString(p, request); err != nil {
			t.Fatal(err)
		}
		if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(p.answers, nil)
		if err != nil || resp.StatusCode != 400 {
			t.Errorf("%s: %v %v", name, resp, err)
		}
	}
	s.empty(t)
}

// Large bodies wait for each other; small ones and other callers need not.
func TestBudgetIsShared(t *testing.T) {
	t.Parallel()
	s := serveTaking(t, roomy) // 4 MiB for large bodies, 3 for one caller
	first, second := s.whole(t, "a", 2<<20), s.whole(t, "a", 1<<20)
	<-s.taken
	<-s.taken
	third := s.whole(t, "a", 100_000)
	until(t, "the third waits", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.waiting) == 1
	})
	small, other := s.whole(t, "a", smallBody), s.whole(t, "b", 1<<20)
	<-s.taken
	<-s.taken
	fourth := s.whole(t, "c", 100_000) // within its part, and all is given out
	until(t, "the fourth waits too", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.waiting) == 2
	})
	close(s.letGo)
	for _, c := range []sent{first, second, third, small, other, fourth} {
		c.want(t, 200)
	}
	s.empty(t)
}

// Whoever waits in vain is told so, and of too many the oldest is.
func TestBudgetIsFull(t *testing.T) {
	t.Parallel()
	bounds := roomy
	bounds.Waiting = 4 // three for one caller
	s := serveTaking(t, bounds)
	holds := []sent{s.whole(t, "a", 2<<20), s.whole(t, "a", 1<<20)}
	<-s.taken
	<-s.taken
	waits := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d wait", n), func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.waiting) == n
		})
	}
	var waiting []sent
	for i := range 3 {
		waiting = append(waiting, s.whole(t, "a", 100_000))
		waits(i + 1)
	}
	waiting = append(waiting, s.whole(t, "a", 100_000))
	waiting[0].want(t, 503)
	waits(3)
	close(s.letGo)
	for _, c := range append(holds, waiting[1:]...) {
		c.want(t, 200)
	}
	s.empty(t)

	bounds.MaxWait = 50 * time.Millisecond
	s = serveTaking(t, bounds)
	hold := s.whole(t, "a", 2<<20)
	<-s.taken
	s.send(t, "a", 2<<20).want(t, 503) // nothing of it comes: what a server closes on may take the answer with it
	close(s.letGo)
	hold.want(t, 200)
	s.empty(t)
}

// Bodies that stall give way to those that wait, the latest first, and to nobody else.
func TestStalledBodiesGiveWay(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	bounds := roomy
	bounds.AtOnce, bounds.Grace = 4, time.Hour
	bounds.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := serveTaking(t, bounds)
	close(s.letGo)
	begun := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d are read", n), func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.reading) == n
		})
	}
	other := s.send(t, "b", 500) // the latest, but not of the caller that wants more than its part
	if _, err := other.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	begun(1)
	ahead.Add(int64(time.Minute))
	var stalled []sent
	for i := range 3 { // all that one caller gets of four
		c := s.send(t, "a", 500)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		stalled = append(stalled, c)
		begun(i + 2)
		ahead.Add(int64(time.Minute))
	}
	s.whole(t, "a", 500).want(t, 200)
	stalled[0].want(t, 408)
	for _, c := range append(stalled[1:], other) {
		if _, err := c.Write([]byte(strings.Repeat("x", 499))); err != nil {
			t.Fatal(err)
		}
		c.Close()
		c.want(t, 200)
	}
	s.empty(t)
}

// Where a place is missing, and not room, a stalled body of any size gives way.
func TestAStalledBodyGivesItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stalls, waits int }{"a large one waits": {500, 100_000}, "a small one waits": {100_000, 500}} {
		var ahead atomic.Int64
		bounds := roomy
		bounds.AtOnce, bounds.Grace = 1, time.Hour
		bounds.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		s := serveTaking(t, bounds)
		close(s.letGo)
		stalled := s.send(t, "a", int64(c.stalls))
		if _, err := stalled.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		until(t, name, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.reading) == 1
		})
		ahead.Add(int64(time.Minute))
		s.whole(t, "b", c.waits).want(t, 200)
		stalled.want(t, 408)
		s.empty(t)
	}
}

// However bodies come and go, nothing stays given out.
func TestBudgetLeaksNothing(t *testing.T) {
	t.Parallel()
	bounds := roomy
	bounds.Small, bounds.Large, bounds.AtOnce, bounds.Waiting, bounds.MaxWait = 100_000, 3<<20, 6, 4, 20*time.Millisecond
	s := serveTaking(t, bounds)
	close(s.letGo)
	var all sync.WaitGroup
	answers := make(chan int, 300)
	for i := range cap(answers) {
		all.Go(func() {
			length := []int{10, 5_000, 60_000, 70_000, 2 << 20, 3 << 20}[i%6]
			var r io.Reader = strings.NewReader(strings.Repeat("x", length))
			if i%4 == 0 {
				r = io.MultiReader(r)
			}
			req, err := http.NewRequest(http.MethodPost, "http://"+s.address, r)
			if err != nil {
				return
			}
			req.Header.Set("Caller", string(rune('a'+i%3)))
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
				answers <- resp.StatusCode
			}
		})
		if i%20 == 0 {
			all.Wait()
		}
		select {
		case <-s.taken:
		default:
		}
	}
	go func() {
		for range s.taken {
		}
	}()
	all.Wait()
	close(answers)
	counts := map[int]int{}
	for status := range answers {
		counts[status]++
	}
	if counts[200] == 0 || counts[413] == 0 {
		t.Errorf("answers %v", counts)
	}
	s.empty(t)
}
