package migrations_test

import (
	"errors"
	"slices"
	"testing"

	"belfry/migrations"
)

// Every step can be taken back, and leaves what was there before it; and after that
// it can be applied again.
func TestEveryStepDownAndUp(t *testing.T) {
	t.Parallel()
	want, pool := schemas(t), empty(t, nil)
	up := func() {
		t.Helper()
		steps, err := migrations.Up(t.Context(), pool, func(text string) { t.Log(text) })
		if err != nil || len(steps) != len(want)-1 {
			t.Fatalf("%d steps applied, %v", len(steps), err)
		}
	}
	up()
	steps := status(t, pool)
	for i, s := range slices.Backward(steps) {
		undone, err := migrations.Down(t.Context(), pool, func(text string) { t.Log(text) })
		if err != nil || undone.Version != s.Version {
			t.Fatalf("took back %v, %v; want %s", undone, err, s.Name)
		}
		before := int64(0)
		if i > 0 {
			before = steps[i-1].Version
		}
		tookBack(t, "after "+s.Name+" was taken back", schema(t, pool), want[before])
	}
	if _, err := migrations.Down(t.Context(), pool, func(text string) { t.Log(text) }); !errors.Is(err, migrations.ErrNone) {
		t.Errorf("took back one more: %v", err)
	}
	up()
	differ(t, "up again", schema(t, pool), want[steps[len(steps)-1].Version])
}
