package api

import (
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/dispatch"
)

const (
	largeBody     = 1 << 20
	largeAtOnce   = 2 // a batch of 16 MiB takes several times that while it is read
	largePatience = 10 * time.Second
)

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
