package main

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/api"
	"belfry/internal/inbound"
)

// maxHeader is how many bytes the header of a request may have. net/http reads 4096
// more than it is told.
const maxHeader = 16 << 10

// limited bounds the connections of a listener. docs/operating.md says what they come to.
func (in instance) limited(l net.Listener, registry prometheus.Registerer) *inbound.Listener {
	limited := inbound.Limit(l, inbound.Connections{
		Open: 4096, OpenPerAddress: 2048, Fresh: 1024, FreshPerAddress: 512,
		Write: 30 * time.Second, Exempt: in.proxies, Now: time.Now, Refusal: api.Unread,
	})
	count := func(name, help string, n func(inbound.Counts) int64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(n(limited.Counts())) }))
	}
	count("belfry_connections_pushed_out_total", "Waiting connections that were closed to make room for others.",
		func(c inbound.Counts) int64 { return c.PushedOut })
	count("belfry_connections_refused_total", "New connections that were closed because all others were busy.",
		func(c inbound.Counts) int64 { return c.Refused })
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "belfry_connections_open", Help: "Connections to this server."},
		func() float64 { return float64(limited.Counts().Open) }))
	return limited
}

// server answers on a listener that is limited. Handlers that take a body, or answer for
// long, set deadlines of their own.
func (in instance) server(handler http.Handler, l *inbound.Listener) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    maxHeader - 4096,
		ConnState:         l.ConnState,
		ConnContext:       l.ConnContext,
		ErrorLog:          slog.NewLogLogger(in.log.Handler(), slog.LevelDebug),
	}
}
