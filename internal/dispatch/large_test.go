package dispatch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// What waits for its turn keeps a small alert in memory and no large one, whichever of
// its fields makes it large.
func TestLargeAlertsAreNotKept(t *testing.T) {
	t.Parallel()
	f := start(t)
	hook := f.webhook(t, "http://127.0.0.1:9")
	setState(t, f, hook, destination.Paused)
	large := strings.Repeat("0123456789abcdef", postgres.MaxKept/16)
	part := large[:len(large)*2/3]
	for i, fields := range []string{
		`"description":"` + large + `"`, `"runbook":"` + large + `"`, `"alertContext":{"a":"` + large + `"}`,
		`"description":"` + part + `","runbook":"` + part + `"`,
	} {
		f.accept(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertId":"large-%d",%s}`, i, fields))
	}
	f.accept(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertId":"small","description":%q}`, large[:1000]))
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		outs, err := tx.LockReleasable(t.Context(), hook.ID, []delivery.Reason{delivery.Paused}, 1, 4, 100)
		if err != nil {
			return err
		}
		kept := 0
		for _, out := range outs {
			if out.Alert.Size() > postgres.MaxKept {
				t.Errorf("%s is kept, with %d bytes", out.Alert.AlertID, out.Alert.Size())
			}
			if out.Alert.ID != uuid.Nil {
				kept++
			}
		}
		if len(outs) != 5 || kept != 1 {
			t.Errorf("%d of %d deliveries have their alert, want the one that is small of 5", kept, len(outs))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
