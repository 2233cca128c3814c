package destination

import (
	"fmt"
	"testing"

	"belfry/internal/outbound"
)

func TestResponseStorage(t *testing.T) {
	t.Parallel()
	got := outbound.Result{
		StatusCode: 500, Class: outbound.Rejected, BodySize: 4, Body: []byte("body"), ResponseHeaders: []outbound.Header{{Name: "A", Value: "b"}},
	}
	for storage, want := range map[ResponseStorage]string{
		StoreFull: "body [{A b}]", "": "body [{A b}]", StoreHeaders: " [{A b}]", StoreNone: " []",
	} {
		r := storage.Keep(got)
		if kept := fmt.Sprintf("%s %v", r.Body, r.ResponseHeaders); kept != want {
			t.Errorf("%q keeps %q, want %q", storage, kept, want)
		}
		if r.StatusCode != 500 || r.Class != outbound.Rejected || r.BodySize != 4 {
			t.Errorf("%q loses facts: %+v", storage, r)
		}
	}
}
