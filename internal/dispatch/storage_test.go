package dispatch

import (
	"fmt"
	"net/http"
	"testing"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
)

// What a destination's answers may hold is its owner's to say: what is not to be
// stored is in no attempt, of deliveries and of tests.
func TestOnlyWhatIsToBeStoredIs(t *testing.T) {
	t.Parallel()
	f := start(t)
	hook := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Case", "4711")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "a name")
	})
	for storage, want := range map[destination.ResponseStorage]string{
		destination.StoreFull: "a name true", destination.StoreHeaders: " true", destination.StoreNone: " false",
	} {
		d := f.webhook(t, hook.URL, func(d *destination.Destination) { d.ResponseStorage = storage })
		a := f.accept(t, `{"id":"R","severity":"HIGH","type":"RULE","destinations":["`+d.ID.String()+`"]}`)
		f.wait(t, a.Deliveries[0].ID, is(delivery.Delivered))
		tested, _, err := f.Test(t.Context(), d, alert.High, alert.Rule, By{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		stored := f.attempts(t, a.Deliveries[0].ID)[0]
		for what, x := range map[string]delivery.Attempt{"delivery": stored, "test": tested} {
			headers := false
			for _, h := range x.ResponseHeaders {
				headers = headers || h.Name == "X-Case"
			}
			if got := fmt.Sprintf("%s %v", x.Body, headers); got != want || x.StatusCode != 202 || x.BodySize != 6 || x.ResponseStorage != storage {
				t.Errorf("%s, %s: stored %q, status %d, size %d, want %q", storage, what, got, x.StatusCode, x.BodySize, want)
			}
		}
		if n := count(t, f, `SELECT count(*) FROM attempts WHERE destination_id = $1 AND (octet_length(coalesce(body, '')) > 0) = $2`, d.ID, storage == destination.StoreFull); n != 2 {
			t.Errorf("%s: %d attempts are stored so, want 2", storage, n)
		}
	}
}
