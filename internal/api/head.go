package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// headIsGet answers HEAD wherever GET is answered: the same way, and net/http, which
// knows what came, leaves the body out. Routes of its own for each would only be more
// code to generate.
func headIsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), headKey{}, true)) // a copy
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

type headKey struct{}

// method returns the method that came.
func method(c echo.Context) string {
	if c.Request().Context().Value(headKey{}) != nil {
		return http.MethodHead
	}
	return c.Request().Method
}

// allowHead adds HEAD to an Allow header that has GET.
func allowHead(h http.Header) {
	allowed := strings.Split(h.Get(echo.HeaderAllow), ", ")
	if slices.Contains(allowed, http.MethodGet) && !slices.Contains(allowed, http.MethodHead) {
		h.Set(echo.HeaderAllow, strings.Join(append(allowed, http.MethodHead), ", "))
	}
}
