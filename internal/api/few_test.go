package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/dispatch"
)

// Bodies of sixteen megabytes are read a few at a time; the others wait, and are
// refused before they are read if that takes long.
func TestFew(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	handler := few(1, 20*time.Millisecond)(func(echo.Context) error {
		inside <- struct{}{}
		<-leave
		return nil
	})
	call := func() error { return ofSize(handler, largeBody+1) }
	first := make(chan error, 1)
	go func() { first <- call() }()
	<-inside
	if err := call(); !errors.Is(err, dispatch.ErrOverloaded) {
		t.Errorf("the second got %v, want ErrOverloaded", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Errorf("the first got %v", err)
	}
	go func() { first <- ofSize(handler, largeBody) }()
	<-inside // a small one passes
	<-first
	go func() { first <- call() }()
	<-inside // the slot is free again
	if err := <-first; err != nil {
		t.Errorf("the third got %v", err)
	}
}

func ofSize(handler echo.HandlerFunc, length int64) error {
	r := httptest.NewRequest("POST", "/", nil)
	r.ContentLength = length
	return handler(echo.New().NewContext(r, httptest.NewRecorder()))
}

// Of a crowd of producers so many are let in; the others are told at once to come
// back, on another connection.
func TestAtMost(t *testing.T) {
	t.Parallel()
	in, out := make(chan struct{}), make(chan struct{})
	e := echo.New()
	e.POST("/", func(c echo.Context) error {
		in <- struct{}{}
		<-out
		return c.NoContent(http.StatusOK)
	}, atMost(2))
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if !errors.Is(err, dispatch.ErrOverloaded) {
			t.Errorf("got %v", err)
		}
		_ = c.NoContent(http.StatusServiceUnavailable)
	}
	post := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		return w
	}
	for range 2 { // the room is there again afterwards
		var posting sync.WaitGroup
		for range 2 {
			posting.Go(func() {
				if w := post(); w.Code != http.StatusOK {
					t.Errorf("one of two got %d", w.Code)
				}
			})
		}
		<-in
		<-in
		if w := post(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Connection") != "close" {
			t.Errorf("the third got %d, connection %q", w.Code, w.Header().Get("Connection"))
		}
		out <- struct{}{}
		out <- struct{}{}
		posting.Wait()
	}
}
