package api

import (
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/dispatch"
)

const (
	largeBody     = 1 << 20
	largeAtOnce   = 2 // a batch of 16 MiB takes several times that while it is read
	largePatience = 10 * time.Second
)

// crowd is how many alerts or batches may be on their way in at a time, from before
// they are read: half a second's worth. Each takes some 50 kB of memory; with no
// bound, producers that do not wait for each other would take all of it as soon as
// they come faster than they can be served.
const crowd = 1024

// atMost lets so many requests in at a time. Others are told at once to come back,
// and their connections closed: an idle one takes memory too.
func atMost(n int64) echo.MiddlewareFunc {
	var in atomic.Int64
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			defer in.Add(-1)
			if in.Add(1) > n {
				c.Response().Header().Set(echo.HeaderConnection, "close")
				return dispatch.ErrOverloaded
			}
			return next(c)
		}
	}
}

// few lets so many requests with large bodies through at a time, from before they
// are read; others wait a little and are then told to come back.
func few(n int, patience time.Duration) echo.MiddlewareFunc {
	slots := make(chan struct{}, n)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if length := c.Request().ContentLength; 0 <= length && length <= largeBody {
				return next(c)
			}
			patient := time.NewTimer(patience)
			defer patient.Stop()
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				return next(c)
			case <-patient.C:
				return dispatch.ErrOverloaded
			case <-c.Request().Context().Done():
				return c.Request().Context().Err()
			}
		}
	}
}
