package api

import (
	"errors"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/postgres"
)

// errProfiling: the runtime makes one CPU profile, and one trace, at a time.
var errProfiling = errors.New("another profile of this kind is running")

// serveProfile is what net/http/pprof would serve, without its pages, and with our
// errors.
func (s *Server) serveProfile(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, echo.MIMEOctetStream)
	name := c.Param("profile")
	switch name {
	case "cpu":
		return watch(c, func() error { return pprof.StartCPUProfile(c.Response()) }, pprof.StopCPUProfile)
	case "trace":
		return watch(c, func() error { return trace.Start(c.Response()) }, trace.Stop)
	case "heap", "allocs", "goroutine", "threadcreate": // nothing samples block and mutex
		c.Response().WriteHeader(http.StatusOK)
		return pprof.Lookup(name).WriteTo(c.Response(), 0)
	}
	return postgres.ErrNotFound
}

// watch runs a profile for as long as the query says, or until the caller is gone.
func watch(c echo.Context, start func() error, stop func()) error {
	seconds, err := strconv.Atoi(c.QueryParam("seconds"))
	if err != nil {
		seconds = 10 // the default of the contract, which has checked what is given
	}
	if start() != nil {
		return errProfiling
	}
	defer stop()
	select {
	case <-time.After(time.Duration(seconds) * time.Second):
	case <-c.Request().Context().Done():
	}
	return nil
}
