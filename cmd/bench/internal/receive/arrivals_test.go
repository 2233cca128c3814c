package receive

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestArrivals(t *testing.T) {
	t.Parallel()
	want := []Arrival{{uuid.New(), "single-1", time.Now().UnixNano(), 1}, {uuid.New(), "", 0, 2}, {uuid.New(), "ä", 1, 1}}
	var raw []byte
	for _, a := range want {
		raw = appendArrival(raw, a)
	}
	got, err := readArrivals(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := readArrivals(bytes.NewReader(raw[:len(raw)-1])); err == nil {
		t.Error("what was cut short was read without an error")
	}
}
