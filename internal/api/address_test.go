package api

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"belfry/internal/access"
	"belfry/internal/inbound"
)

// Echo has the address of a caller from nobody but us: by itself it would take any
// X-Forwarded-For or X-Real-IP for it (GO-2026-6872, GO-2026-6875).
func TestEchoBelievesNoStranger(t *testing.T) {
	t.Parallel()
	e := newServer(Config{Now: time.Now, Proxies: inbound.Proxies{netip.MustParsePrefix("10.0.0.0/8")}}).routes()
	for peer, want := range map[string]string{"192.0.2.1:1234": "192.0.2.1", "10.0.0.1:1234": "203.0.113.9"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "127.0.0.1, 203.0.113.9")
		r.Header.Set("X-Real-IP", "127.0.0.1")
		if got := e.NewContext(r, httptest.NewRecorder()).RealIP(); got != want {
			t.Errorf("from %s: %s, want %s", peer, got, want)
		}
	}
}

// Of the room for bodies a token has a part, and before anybody is known a network:
// all addresses of one host's are one.
func TestSenderOfABody(t *testing.T) {
	t.Parallel()
	s := newServer(Config{Now: time.Now})
	sender := func(peer, name string) string {
		r := httptest.NewRequest("POST", "/sign-in", nil)
		r.RemoteAddr = peer
		return s.sender(context.WithValue(t.Context(), requestKey{}, &request{http: r, caller: access.Caller{Name: name}}))
	}
	if one, same, other := sender("[2001:db8::1]:1", ""), sender("[2001:db8::2]:1", ""), sender("[2001:db8:0:1::1]:1", ""); one != same || one == other {
		t.Errorf("got %s, %s, %s", one, same, other)
	}
	if got := sender("192.0.2.1:1", "producer"); got != "producer" {
		t.Errorf("got %s for a token", got)
	}
}
