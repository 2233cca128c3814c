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
	eventsHeartbeat = 15 * time.Second // proxies close connections on which nothing comes
	eventsLifetime  = 15 * time.Minute // then the caller must authenticate again

	// Streams that may be open, of one replica. Those of a session count for the
	// token that opened it too.
	maxStreams        = 500
	maxTokenStreams   = 100
	maxSessionStreams = 20
)

// errStreams is returned to a caller that has as many streams as it may.
var errStreams = errors.New("too many event streams of one caller")

// streams counts the event streams that are open.
type streams struct {
	mu  sync.Mutex
	all int
	of  map[streamOwner]int
}

// streamOwner is a token or a session. A token that is not stored goes by its name.
type streamOwner struct {
	id   uuid.UUID
	name string
}

// enter counts a stream in, unless there are too many.
func (s *streams) enter(c access.Caller) (leave func(), err error) {
	token, session := streamOwner{id: c.TokenID}, streamOwner{id: c.SessionID}
	if c.TokenID == uuid.Nil {
		token.name = c.Name
	}
	has := session != streamOwner{}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of[token] >= maxTokenStreams, has && s.of[session] >= maxSessionStreams:
		return nil, errStreams
	case s.all >= maxStreams:
		return nil, dispatch.ErrOverloaded
	case s.of == nil:
		s.of = map[streamOwner]int{}
	}
	count := func(n int) {
		s.all += n
		s.add(token, n)
		if has {
			s.add(session, n)
		}
	}
	count(1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		count(-1)
	}, nil
}

func (s *streams) add(who streamOwner, n int) {
	if s.of[who] += n; s.of[who] == 0 {
		delete(s.of, who)
	}
}

// serveEvents streams what changes, as server-sent events, until the caller
// leaves, the server stops, or the stream has lasted so long that the caller must
// authenticate again. Generated strict handlers cannot flush, so this is a plain one.
func (s *Server) serveEvents(c echo.Context) error {
	leave, err := s.streams.enter(requestFrom(c.Request().Context()).caller)
	if err != nil {
		return err
	}
	defer leave()
	changes, cancel := s.Dispatcher.Events.Subscribe()
	defer cancel()

	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must not buffer
	w.WriteHeader(http.StatusOK)
	if method(c) == http.MethodHead {
		return nil
	}
	if err := s.streamEvents(c, changes); err != nil && c.Request().Context().Err() == nil {
		s.Log.DebugContext(c.Request().Context(), "events ended", "request_id", requestFrom(c.Request().Context()).id, "error", err)
	}
	return nil
}

func (s *Server) streamEvents(c echo.Context, changes <-chan live.Event) error {
	control := http.NewResponseController(c.Response())
	send := func(text string) error {
		if err := control.SetWriteDeadline(s.Now().Add(eventsHeartbeat)); err != nil {
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
	heartbeat, lifetime := time.NewTicker(eventsHeartbeat), time.NewTimer(eventsLifetime)
	drainCheck, authCheck := time.NewTicker(time.Second), time.NewTicker(tokenCacheFor)
	defer heartbeat.Stop()
	defer lifetime.Stop()
	defer drainCheck.Stop()
	defer authCheck.Stop()
	for {
		var err error
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-lifetime.C:
			return nil
		case ev, ok := <-changes:
			if !ok {
				return errors.New("the caller reads too slowly")
			}
			err = send(eventText(ev))
		case <-heartbeat.C:
			err = send(": still here\n\n")
		case <-drainCheck.C:
			if s.Draining() {
				return nil
			}
		case <-authCheck.C:
			if s.signedOut(c.Request()) {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// signedOut reports whether a caller that was let in would now be refused, because
// the token was revoked or the session has ended. It is false while the database does
// not answer.
func (s *Server) signedOut(r *http.Request) bool {
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
