package api

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"belfry/internal/dispatch"
)

// pressureSeconds is how far back the readiness looks at what became of calls with
// alerts.
const pressureSeconds = 10

// pressure remembers, second by second, how many calls with alerts were refused for
// want of room and how many were not.
type pressure struct {
	now func() time.Time

	mu      sync.Mutex
	seconds [pressureSeconds]struct {
		at           int64 // Unix time
		taken, never int
	}
}

func newPressure(now func() time.Time) *pressure { return &pressure{now: now} }

// note is the middleware that remembers.
func (p *pressure) note(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		p.add(errors.Is(err, dispatch.ErrOverloaded))
		return err
	}
}

func (p *pressure) add(refused bool) {
	at := p.now().Unix()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.seconds[at%pressureSeconds]
	if s.at != at {
		s.at, s.taken, s.never = at, 0, 0
	}
	if refused {
		s.never++
	} else {
		s.taken++
	}
}

// state says how it goes: whether calls were refused lately, and whether nothing else
// happened, in each of the last seconds but the present one. A short burst is not that.
func (p *pressure) state() (detail string, busy, shut bool) {
	now := p.now().Unix()
	p.mu.Lock()
	defer p.mu.Unlock()
	taken, refused, bad := 0, 0, 0
	for _, s := range p.seconds {
		if now-s.at >= pressureSeconds {
			continue
		}
		taken, refused = taken+s.taken, refused+s.never
		if s.at != now && s.never > 0 {
			bad++
		}
	}
	if refused == 0 {
		return "None were refused for want of room.", false, false
	}
	detail = fmt.Sprintf("Of %d calls with alerts in the last %d s, %d were refused for want of room.", taken+refused, pressureSeconds, refused)
	return detail, true, taken == 0 && bad >= pressureSeconds-1
}
