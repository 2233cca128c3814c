package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/dispatch"
	"belfry/internal/inbound"
	"belfry/internal/invalid"
)

// Bodies may have this many bytes.
const (
	maxBody   = 1 << 20
	maxBatch  = 16 << 20
	maxSignIn = 4 << 10
)

// maxInFlightIngest is how many calls with alerts may be worked at a time, from when their
// bodies have been read: half a second's worth. Each takes some 50 kB of memory. Without
// a bound, producers that send faster than they can be served would take all of it.
const maxInFlightIngest = 1024

// intake holds the budgets of bytes for bodies. Calls with alerts, other calls, and
// callers that are not known yet each have their own, so that none can keep another out.
type intake struct {
	alerts, others, anonymous *inbound.Budget
	calls                     atomic.Int64 // with alerts, whose bodies have been read
}

// The bounds of bodies. Of alerts there is room for 48 MiB, of which a caller gets at
// most three quarters; what is made of a body while it is worked takes several times
// what it takes itself.
func newIntake(now func() time.Time) *intake {
	alerts := inbound.Bodies{
		Small: 16 << 20, Large: 32 << 20, AtOnce: 1024, Waiting: 2048,
		MaxWait: 5 * time.Second, Grace: 5 * time.Second, Floor: 64 << 10, Now: now,
	}
	others := alerts
	others.Small, others.Large, others.AtOnce, others.Waiting = 2<<20, 6<<20, 128, 64
	anonymous := alerts
	anonymous.Small, anonymous.Large, anonymous.AtOnce, anonymous.Waiting = 1<<20, 0, 128, 64
	return &intake{
		alerts: inbound.NewBudget(alerts), others: inbound.NewBudget(others), anonymous: inbound.NewBudget(anonymous),
	}
}

// budget returns the budget that bodies of a kind are read within.
func (in *intake) budget(k bodyKind) *inbound.Budget {
	switch {
	case k.withAlerts():
		return in.alerts
	case k == anonymousBody:
		return in.anonymous
	}
	return in.others
}

// takenBody is a body that was read. Its bytes are those that a handler gets from it.
type takenBody struct {
	*inbound.Taken
	rest []byte
}

// Read implements [io.Reader], for forms.
func (t *takenBody) Read(p []byte) (int, error) {
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close implements [io.Closer].
func (t *takenBody) Close() error { return nil }

// takeBody reads the body of a request before anything else is done with it, within a
// budget and a limit of its own.
func (s *Server) takeBody(budget *inbound.Budget, limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength == 0 {
				return next(c)
			}
			t, err := budget.Take(c.Response().Writer, r, s.sender(r.Context()), limit)
			if err != nil {
				return intakeError(err)
			}
			defer t.Release()
			requestFrom(r.Context()).bodyRead = true
			r.Body = &takenBody{Taken: t, rest: t.Bytes}
			return next(c)
		}
	}
}

// sender is who sends a body, for what one of them gets of a budget: a token, or a
// network while nobody knows whose it is.
func (s *Server) sender(ctx context.Context) string {
	if name := requestFrom(ctx).caller.Name; name != "" {
		return name
	}
	return s.network(ctx).String()
}

// intakeError says what became of a body that was not taken.
func intakeError(err error) error {
	switch {
	case errors.Is(err, inbound.ErrTooLarge):
		return echo.ErrStatusRequestEntityTooLarge
	case errors.Is(err, inbound.ErrFull):
		return dispatch.ErrOverloaded
	case errors.Is(err, inbound.ErrBroken):
		return invalid.Malformed{Message: "The body broke off before its end, or its chunks cannot be read."}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, inbound.ErrTooSlow):
		return err
	}
	return fmt.Errorf("take body: %w", err)
}

// refuseEarly refuses a call with alerts before its body is read, while as many are
// worked as may be. limitInFlight does so once the body has been read. Their connections
// are closed, because an idle connection takes memory too.
func (in *intake) refuseEarly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if in.calls.Load() >= maxInFlightIngest {
			return tooMany(c)
		}
		return next(c)
	}
}

func (in *intake) limitInFlight(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		defer in.calls.Add(-1)
		if in.calls.Add(1) > maxInFlightIngest {
			return tooMany(c)
		}
		return next(c)
	}
}

func tooMany(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderConnection, "close")
	return dispatch.ErrOverloaded
}

// clearFraming refuses a request whose end two proxies could see in different places,
// and ends its connection.
func clearFraming(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch inbound.FramingOf(c.Request()) {
		case inbound.Ambiguous:
			c.Response().Header().Set(echo.HeaderConnection, "close")
			return invalid.Malformed{Message: "A request has either Content-Length or Transfer-Encoding, not both."}
		case inbound.Unseen:
			c.Response().Header().Set(echo.HeaderConnection, "close")
		}
		return next(c)
	}
}

// abandonBody ends the connection after any answer to a request whose body was not read.
func (s *Server) abandonBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Before(func() {
			if !requestFrom(c.Request().Context()).bodyRead {
				inbound.Abandon(c.Response().Writer, c.Request(), s.Now())
			}
		})
		return next(c)
	}
}
