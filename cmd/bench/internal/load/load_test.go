package load

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/receive"
)

func TestDue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call int
		rate float64
		want time.Duration
	}{
		{0, 50, 0},
		{1, 50, 20 * time.Millisecond},
		{3000, 50, time.Minute},
		{1_000_000, 3, 333_333*time.Second + 333_333_333}, // no error adds up
	} {
		if got := due(c.call, c.rate); got.Round(time.Microsecond) != c.want.Round(time.Microsecond) {
			t.Errorf("call %d at %v/s: got %v, want %v", c.call, c.rate, got, c.want)
		}
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
	p := NewPayloads("single", "Bench.1")
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
