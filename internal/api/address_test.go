package api

import (
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

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
