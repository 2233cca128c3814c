package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"belfry/internal/access"
	"belfry/internal/dispatch"
	"belfry/internal/live"
)

const (
	eventsBeat = 15 * time.Second // proxies close what is silent for long
	eventsFor  = 15 * time.Minute // then the caller must show again who it is

	// Streams that may be open, of one replica. Those of a session count for the
	// token that opened it too.
	maxStreams        = 500
	maxTokenStreams   = 100
	maxSessionStreams = 20
)

// errStreams is returned to a caller that has as many streams as it may.
var errStreams = errors.New("too many event streams of one caller")

// onlookers counts the streams that are open.
type onlookers struct {
	mu  sync.Mutex
	all int
	of  map[onlooker]int
}

// onlooker is a token or a session. A token that is not stored goes by its name.
type onlooker struct {
	id   uuid.UUID
	name string
}

// enter counts a stream in, unless there are too many.
func (o *onlookers) enter(c access.Caller) (leave func(), err error) {
	token, session := onlooker{id: c.TokenID}, onlooker{id: c.SessionID}
	if c.TokenID == uuid.Nil {
		token.name = c.Name
	}
	has := session != onlooker{}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.of[token] >= maxTokenStreams, has && o.of[session] >= maxSessionStreams:
		return nil, errStreams
	case o.all >= maxStreams:
		return nil, dispatch.ErrOverloaded
	case o.of == nil:
		o.of = map[onlooker]int{}
	}
	count := func(n int) {
		o.all += n
		o.add(token, n)
		if has {
			o.add(session, n)
		}
	}
	count(1)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		count(-1)
	}, nil
}

func (o *onlookers) add(who onlooker, n int) {
	if o.of[who] += n; o.of[who] == 0 {
		delete(o.of, who)
	}
}

// serveEvents streams what changes, as server-sent events, until the caller
// leaves, or the server stops, or it is time to show again who calls. Strict
// handlers cannot flush, so this one stands for itself.
func (s *Server) serveEvents(c echo.Context) error {
	leave, err := s.onlookers.enter(of(c.Request().Context()).caller)
	if err != nil {
		return err
	}
	defer leave()
	changes, cancel := s.Dispatcher.Events.Subscribe()
	defer cancel()

	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must not gather
	w.WriteHeader(http.StatusOK)
	if method(c) == http.MethodHead {
		return nil
	}
	if err := s.streamEvents(c, changes); err != nil && c.Request().Context().Err() == nil {
		s.Log.DebugContext(c.Request().Context(), "events ended", "request_id", of(c.Request().Context()).id, "error", err)
	}
	return nil
}

func (s *Server) streamEvents(c echo.Context, changes <-chan live.Event) error {
	control := http.NewResponseController(c.Response())
	send := func(text string) error {
		if err := control.SetWriteDeadline(s.Now().Add(eventsBeat)); err != nil {
			return err
		}
		if _, err := c.Response().Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	// The server's ReadTimeout has set one for the whole exchange.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if err := send(fmt.Sprintf("retry: %d\n\n", time.Second.Milliseconds())); err != nil {
		return err
	}
	beat, look, over := time.NewTicker(eventsBeat), time.NewTicker(time.Second), time.NewTimer(eventsFor)
	known := time.NewTicker(tokenCacheFor)
	defer known.Stop()
	defer beat.Stop()
	defer look.Stop()
	defer over.Stop()
	for {
		var err error
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-over.C:
			return nil
		case ev, ok := <-changes:
			if !ok {
				return errors.New("the caller reads too slowly")
			}
			err = send(eventText(ev))
		case <-beat.C:
			err = send(": still here\n\n")
		case <-look.C:
			if s.Draining() {
				return nil
			}
		case <-known.C:
			if s.strange(c.Request()) {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// strange reports whether a caller that was let in would no longer be: the token
// was revoked, or the session has ended. While the database does not answer
// nobody is.
func (s *Server) strange(r *http.Request) bool {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	_, err := s.authenticate(ctx, r, s.byToken)
	return errors.Is(err, errUnauthenticated)
}

// eventText writes an event as the specification of server-sent events has it.
func eventText(ev live.Event) string {
	kind := ev.Kind
	ev.Kind = ""
	data, err := json.Marshal(struct {
		live.Event
		Kind string `json:"kind,omitempty"` // it is the event's name
	}{Event: ev})
	if err != nil {
		return ""
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", kind, data)
}
