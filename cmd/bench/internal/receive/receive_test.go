package receive

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

const body = `{"alertId":"a-1"}`

func post(ctx context.Context, c *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("webhook-id", uuid.NewString())
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // the status is all we want
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered with %d", url, resp.StatusCode)
	}
	return nil
}

// What a gate gets is there to be seen at once, and is answered once it is open.
func TestGate(t *testing.T) {
	t.Parallel()
	b := &inboxes{of: map[string]*inbox{}, gate: make(chan struct{})}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { b.open.Do(func() { close(b.gate) }) }) // whatever went wrong
	r := &Receiver{Addresses: Addresses{Plain: []string{strings.TrimPrefix(srv.URL, "http://")}}}
	answered := make(chan error, 1)
	go func() { answered <- post(t.Context(), srv.Client(), srv.URL+"/gate/1") }()
	// It waits for the state, within a minute.
	within, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := 0; n == 0; {
		var err error
		if n, err = r.Count(within, ""); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-answered:
		t.Fatalf("a closed gate answered, with error %v", err)
	default:
	}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-answered, post(t.Context(), srv.Client(), srv.URL+"/gate/2")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"": 2, "/gate/1": 1, "/gate/2": 1, "/ok/1": 0} {
		if got, err := r.Count(t.Context(), path); err != nil || got != want {
			t.Errorf("count at %q: got %d, %v; want %d", path, got, err, want)
		}
	}
}

// Mixed answers are of all times about equally often.
func TestMixedTimes(t *testing.T) {
	t.Parallel()
	times := map[time.Duration]int{}
	for last := range 256 {
		times[mixedTime(uuid.UUID{15: byte(last)})]++
	}
	for _, d := range Mixed {
		if times[d] != 64 {
			t.Errorf("%v: %d of 256, want 64", d, times[d])
		}
	}
}

// A receiver with an identity speaks one protocol at each port with TLS, and is
// believed by who trusts its authority.
func TestSecurePorts(t *testing.T) {
	t.Parallel()
	who, err := NewIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(who.Authority)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	defer client.CloseIdleConnections()
	at := startHere(t, Command{Listeners: 2, Certificate: who.Certificate, Key: who.Key})
	if len(at.Plain) != 2 {
		t.Fatalf("got %d ports without TLS, want 2", len(at.Plain))
	}
	for url, want := range map[string]uint8{
		"http://" + at.Plain[1] + "/ok/0": 1, "https://" + at.HTTP1 + "/ok/1": 1, "https://" + at.HTTP2 + "/ok/2": 2,
	} {
		if err := post(t.Context(), client, url); err != nil {
			t.Fatal(err)
		}
		r := &Receiver{Addresses: at}
		came, err := r.Arrivals(t.Context(), url[len(url)-len("/ok/0"):])
		if err != nil {
			t.Fatal(err)
		}
		if len(came) != 1 || came[0].HTTP != want || came[0].AlertID != "a-1" {
			t.Errorf("%s: got %+v, want one by HTTP/%d", url, came, want)
		}
	}
}
