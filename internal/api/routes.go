package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"belfry/internal/access"
)

// routes are those of openapi.yaml, and the pages of the console.
func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.Binder = rawBody{}
	// A client's address is what inbound says: Echo has believed any X-Forwarded-For before.
	e.IPExtractor = func(r *http.Request) string { return s.Proxies.Client(r).String() }
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: s.logPanic}), s.identify, s.abandonBody, clearFraming, s.refuseCrossOrigin, readableParameters, s.orConsole)

	before := make(map[string][]echo.MiddlewareFunc, len(operations))
	for name, o := range operations {
		before[name] = s.before(name, o)
	}
	RegisterHandlersWithOptions(e, NewStrictHandler(s, nil), RegisterHandlersOptions{OperationMiddlewares: before})
	e.GET("/api/v1/events", s.serveEvents, before["streamEvents"]...)
	e.GET("/metrics", s.serveMetrics, before["getMetrics"]...)
	e.GET("/debug/pprof/:profile", s.serveProfile, before["getProfile"]...)
	e.GET("/openapi.yaml", s.serveContract, before["getOpenAPI"]...)
	e.GET("/docs", s.serveDocs, before["getDocs"]...)
	e.GET("/", s.servePage)
	e.GET("/alerts/*", s.servePage) // where links in alerts point
	e.GET("/sign-in", s.serveSignIn)
	e.POST("/sign-in", s.submitSignIn, s.takeBody(s.intake.anonymous, maxSignIn))
	return e
}

// before returns the middleware of an operation. It finds out who calls and whether they
// may, and only then reads what they send.
func (s *Server) before(name string, o operation) []echo.MiddlewareFunc {
	var steps []echo.MiddlewareFunc
	if o.body.withAlerts() {
		steps = append(steps, s.ingested.note, s.intake.refuseEarly)
	}
	if !o.public && !(o.opens && s.OpenMetrics) {
		steps = append(steps, s.requireScope(o.scope, s.lookupFor(o)))
	}
	if o.body == noBody {
		return steps
	}
	steps = append(steps, checkQuery(name), s.takeBody(s.intake.budget(o.body), o.body.limit()))
	if o.body.withAlerts() {
		steps = append(steps, s.intake.limitInFlight)
	}
	if !o.lasting {
		steps = append(steps, s.timeout)
	}
	return steps
}

// lookupFor returns how a caller's token is looked up for an operation. An operation
// that changes what others may do reads the token from the database.
func (s *Server) lookupFor(o operation) tokenLookup {
	if o.fresh || o.scope == access.Admin {
		return s.byTokenNow
	}
	return s.byToken
}

// timeout ends a call that waits for too long: a database connection can be dead
// without an error.
func (s *Server) timeout(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.CallTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}
