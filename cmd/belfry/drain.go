package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"belfry/internal/inbound"
)

// drainHandler serves requests, and knows when those that came before a stop are answered.
type drainHandler struct {
	http.Handler
	workerOnly bool // it only answers health checks, metrics and profiles
	draining   atomic.Bool
	inFlight   sync.RWMutex
}

// workerOnly is the answer to all else, as the contract has problems.
const workerOnly = `{"type":"about:blank","title":"Not found","status":404,"code":"not_found",` +
	`"detail":"This replica only delivers: its BELFRY_ROLES lack api."}` + "\n"

// ServeHTTP implements http.Handler.
func (d *drainHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.workerOnly && !aboutItself(r.URL.Path) {
		inbound.Abandon(w, r, time.Now())
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, workerOnly)
		return
	}
	if !d.draining.Load() {
		d.inFlight.RLock()
		defer d.inFlight.RUnlock()
	}
	d.Handler.ServeHTTP(w, r)
}

// aboutItself reports whether a path says how this process does.
func aboutItself(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics" || strings.HasPrefix(path, "/debug/pprof/")
}

// drain waits for the requests in flight, but not longer than it is given. Requests
// that come from now on are answered too, but not waited for.
func (d *drainHandler) drain(ctx context.Context, longest time.Duration) {
	d.draining.Store(true)
	done := make(chan struct{})
	go func() {
		d.inFlight.Lock()
		defer d.inFlight.Unlock()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(longest):
	case <-ctx.Done():
	}
}
