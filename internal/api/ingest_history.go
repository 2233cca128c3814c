package api

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/dispatch"
)

// historySeconds is how many seconds of calls with alerts the readiness considers.
const historySeconds = 10

// ingestHistory counts, for each second, how many calls with alerts were refused because
// there was no room, and how many were taken.
type ingestHistory struct {
	now func() time.Time

	mu      sync.Mutex
	seconds [historySeconds]struct {
		at             int64 // Unix time
		taken, refused int
	}
}

func newIngestHistory(now func() time.Time) *ingestHistory { return &ingestHistory{now: now} }

// note is the middleware that counts calls. A call that came to nothing for another
// reason (a wrong token, a wrong body, a database that is away) counts as neither: it
// does not show that there was room.
func (h *ingestHistory) note(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		switch {
		case errors.Is(err, dispatch.ErrOverloaded):
			h.add(0, 1)
		case requestFrom(c.Request().Context()).taken:
			h.add(1, 0)
		}
		return err
	}
}

func (h *ingestHistory) add(taken, refused int) {
	at := h.now().Unix()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.seconds[at%historySeconds]
	if s.at != at {
		s.at, s.taken, s.refused = at, 0, 0
	}
	s.taken, s.refused = s.taken+taken, s.refused+refused
}

// state says whether calls were refused lately (busy), and whether in each of the last
// seconds but the present one some were and none was taken (shut). A short burst does not
// make it shut.
func (h *ingestHistory) state() (detail string, busy, shut bool) {
	now := h.now().Unix()
	h.mu.Lock()
	defer h.mu.Unlock()
	taken, refused, bad := 0, 0, 0
	for _, s := range h.seconds {
		if now-s.at >= historySeconds {
			continue
		}
		taken, refused = taken+s.taken, refused+s.refused
		if s.at != now && s.refused > 0 {
			bad++
		}
	}
	if refused == 0 {
		return "No call with alerts was refused lately.", false, false
	}
	detail = fmt.Sprintf("In the last %d s, %d calls with alerts were refused because there was no room, and %d were accepted.",
		historySeconds, refused, taken)
	return detail, true, taken == 0 && bad >= historySeconds-1
}
