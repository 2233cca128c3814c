package receive

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Mixed are the times after which the path mixed answers, in turns by webhook-id.
var Mixed = []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}

// wait does what the path says before 200 is answered.
func (b *inboxes) wait(r *http.Request, a Arrival) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch kind {
	case "hang":
		<-r.Context().Done()
	case "gate":
		select {
		case <-b.gate:
		case <-r.Context().Done():
		}
	case "slow":
		text, _, _ := strings.Cut(rest, "/")
		if ms, err := strconv.Atoi(text); err == nil {
			waitFor(r, time.Duration(ms)*time.Millisecond)
		}
	case "mixed":
		waitFor(r, mixedTime(a.WebhookID))
	}
}

// mixedTime is the same each time a delivery is sent.
func mixedTime(id uuid.UUID) time.Duration { return Mixed[int(id[15])%len(Mixed)] }

func waitFor(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	after := time.NewTimer(d)
	defer after.Stop()
	select {
	case <-after.C:
	case <-r.Context().Done():
	}
}
