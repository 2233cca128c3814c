package api

import (
	"errors"
	"net/http/httptest"
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
