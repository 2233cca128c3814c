package audit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/receive"
)

// at is an arrival so many milliseconds after the Unix epoch.
func at(ms int, alertID string, webhook byte) receive.Arrival {
	return receive.Arrival{WebhookID: uuid.UUID{15: webhook}, AlertID: alertID, At: int64(ms) * 1e6}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	l := load.Done{Prefix: "a", Begun: 1000 * 1e6, Sent: []int64{0, 20_000, 40_000, 60_000, 80_000, -1, 120_000, 140_000}}
	came := []receive.Arrival{
		at(1005, "a-00000000", 1),                                                       // at once
		at(1050, "a-00000001", 2), at(1030, "a-00000001", 2), at(1060, "a-00000001", 2), // thrice
		at(1500, "a-00000005", 3), at(1500, "b-00000000", 9), at(1501, "b-00000000", 9), // not accepted; another load's
	}
	states := map[string]string{
		"a-00000000": "delivered", "a-00000001": "retrying", // its ack was not recorded yet
		"a-00000002": "held", "a-00000003": "failed", "a-00000004": "delivered", // which it was not
		"a-00000007": "queued",
	}
	late := map[int]time.Duration{}
	got := Compare(l, came, states, time.UnixMilli(2000), func(i int, d time.Duration) { late[i] = d })
	want := Found{Accepted: 7, Refused: 1, Lost: 3, Owed: 2, Duplicates: 2}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantLate := map[int]time.Duration{
		0: 5 * time.Millisecond, 1: 10 * time.Millisecond, 2: 960 * time.Millisecond, 3: 940 * time.Millisecond,
		4: 920 * time.Millisecond, 6: 880 * time.Millisecond, 7: 860 * time.Millisecond,
	}
	if diff := cmp.Diff(wantLate, late); diff != "" {
		t.Errorf("latencies (-want +got):\n%s", diff)
	}
}

func TestCompareWithoutADatabase(t *testing.T) {
	t.Parallel()
	l := load.Done{Prefix: "a", Sent: []int64{0, 0}}
	got := Compare(l, []receive.Arrival{at(1, "a-00000000", 1)}, nil, time.UnixMilli(2), func(int, time.Duration) {})
	if want := (Found{Accepted: 2, Lost: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
