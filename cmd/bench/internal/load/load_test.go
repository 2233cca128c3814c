package load

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/receive"
)

// Of even calls no error adds up, however many there are.
func TestEvenCallsAreDueByTheirNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call int
		rate float64
		want time.Duration
	}{
		{0, 50, 0},
		{1, 50, 20 * time.Millisecond},
		{3000, 50, time.Minute},
		{1_000_000, 3, 333_333*time.Second + 333_333_333},
	} {
		s := newSchedule(Even, c.rate)
		s.calls = c.call
		if got := s.next(); got.Round(time.Microsecond) != c.want.Round(time.Microsecond) {
			t.Errorf("call %d at %v/s: got %v, want %v", c.call, c.rate, got, c.want)
		}
		if got := s.calls; got != c.call+1 {
			t.Errorf("%d calls were counted after call %d", got, c.call)
		}
	}
}

// Poisson arrivals come at the rate asked for, are the same each time, and differ
// as those of producers who know nothing of each other: the gaps' deviation is
// their mean, and 1 - 1/e of them are shorter than it.
func TestPoissonArrivals(t *testing.T) {
	t.Parallel()
	const rate, calls = 50.0, 20_000
	one, two := newSchedule(Poisson, rate), newSchedule(Poisson, rate)
	var last time.Duration
	var sum, squares float64
	shorter := 0
	for range calls {
		at := one.next()
		if again := two.next(); again != at {
			t.Fatalf("the second run has a call at %v where the first had one at %v", again, at)
		}
		gap := (at - last).Seconds()
		if gap < 0 {
			t.Fatalf("a call at %v after one at %v", at, last)
		}
		sum, squares, last = sum+gap, squares+gap*gap, at
		if gap < 1/rate {
			shorter++
		}
	}
	mean := sum / calls
	deviation := math.Sqrt(squares/calls - mean*mean)
	if math.Abs(mean*rate-1) > 0.03 {
		t.Errorf("got %.2f calls a second, want %.0f", 1/mean, rate)
	}
	if math.Abs(deviation/mean-1) > 0.05 {
		t.Errorf("the gaps deviate by %.2f of their mean, want 1", deviation/mean)
	}
	if share := float64(shorter) / calls; math.Abs(share-(1-1/math.E)) > 0.02 {
		t.Errorf("%.3f of the gaps are shorter than the mean, want %.3f", share, 1-1/math.E)
	}
}

// An alert that was answered late is late since it was to be sent, however late
// that was done.
func TestNoteCountsFromWhenItWasToBeSent(t *testing.T) {
	t.Parallel()
	begun := time.Now().Add(-time.Second)
	l := loader{answers: measure.NewHistogram(), done: Done{Begun: begun.UnixNano(), Sent: []int64{-1, -1, -1}, Errors: map[string]int{}}}
	l.note(1, []bool{true, false}, begun.Add(20*time.Millisecond), nil)
	l.note(0, []bool{false}, begun, errNoAnswer)
	if want := []int64{-1, 20_000, -1}; !slices.Equal(l.done.Sent, want) {
		t.Errorf("sent: got %v, want %v", l.done.Sent, want)
	}
	if l.answers.TotalCount() != 1 || l.answers.Max() < 979_000 {
		t.Errorf("got %d answers, the latest after %d µs; want 1 after 980000 at least", l.answers.TotalCount(), l.answers.Max())
	}
	if diff := cmp.Diff(map[string]int{"no answer": 1}, l.done.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if at := l.done.SentAt(1); at != begun.UnixNano()+20_000_000 {
		t.Errorf("alert 1 was to be sent at %d", at)
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	p := NewPayloads(Shape{Prefix: "single", LogType: "Bench.1"})
	one := p.One(12)
	if n := len(one); n < 650 || n > 850 {
		t.Errorf("the payload has %d bytes, want about 700", n)
	}
	if id, ok := receive.AlertIDOf([]byte(one)); !ok || id != "single-00000012" {
		t.Errorf("got alertId %q, %v", id, ok)
	}
	var batch struct {
		Alerts []struct{ AlertID string }
	}
	if err := json.Unmarshal([]byte(p.batch(7, 3)), &batch); err != nil {
		t.Fatal(err)
	}
	if len(batch.Alerts) != 3 || batch.Alerts[2].AlertID != "single-00000009" {
		t.Errorf("got %+v", batch)
	}
}

func TestPayloadOfASize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2 << 10, 16 << 10, 64 << 10} {
		body := NewPayloads(Shape{Prefix: "large", LogType: "Bench.1", ContextBytes: size}).One(3)
		var read struct {
			AlertID string
			Context json.RawMessage `json:"alertContext"`
		}
		if err := json.Unmarshal([]byte(body), &read); err != nil {
			t.Fatal(err)
		}
		if n := len(read.Context); n < size*95/100 || n > size*105/100 {
			t.Errorf("got a context of %d bytes, want about %d", n, size)
		}
		if id, ok := receive.AlertIDOf([]byte(body)); !ok || id != read.AlertID {
			t.Errorf("the receiver finds %q, the alert is %q", id, read.AlertID)
		}
	}
}

func TestPayloadsAreSpreadOverLogTypes(t *testing.T) {
	t.Parallel()
	p := NewPayloads(Shape{Prefix: "wide", LogType: "Bench.Wide", Spread: 3})
	var batch struct {
		Alerts []struct{ LogTypes []string }
	}
	if err := json.Unmarshal([]byte(p.batch(4, 3)), &batch); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range batch.Alerts {
		got = append(got, a.LogTypes...)
	}
	if want := []string{"Bench.Wide.1", "Bench.Wide.2", "Bench.Wide.0"}; !slices.Equal(got, want) {
		t.Errorf("alerts 4 to 6: got %v, want %v", got, want)
	}
}

func TestReadBatchAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		want   []bool
		err    string
	}{
		"all":        {`{"results":[{"index":0,"status":"accepted"},{"index":1,"status":"repeated"}]}`, []bool{true, true}, ""},
		"one not":    {`{"results":[{"index":0,"status":"refused","problem":{"code":"overloaded"}},{"index":1,"status":"accepted"}]}`, []bool{false, true}, "in a batch: refused overloaded"},
		"too few":    {`{"results":[{"index":0,"status":"accepted"}]}`, []bool{false, false}, "an answer to a batch that cannot be read"},
		"no JSON":    {`<html>`, []bool{false, false}, "an answer to a batch that cannot be read"},
		"far beyond": {`{"results":[{"index":0,"status":"accepted"},{"index":2,"status":"accepted"}]}`, []bool{true, false}, "an answer to a batch with an index beyond it"},
	} {
		got := make([]bool, 2)
		said := ""
		if err := readBatchAnswer([]byte(c.answer), got); err != nil {
			said = err.Error()
		}
		if !slices.Equal(got, c.want) || said != c.err {
			t.Errorf("%s: got %v, %q; want %v, %q", name, got, said, c.want, c.err)
		}
	}
}
