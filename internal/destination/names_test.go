package destination

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPatchNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, patch string
		now         string
		former      []string
		wrong       []string
	}{
		{"nothing", `{}`, "SOAR", []string{"One", "Two"}, nil},
		{"another name", `{"displayName":"X"}`, "X", []string{"One", "Two", "SOAR"}, nil},
		{"the same name", `{"displayName":"soar"}`, "soar", []string{"One", "Two"}, nil},
		{"a former name", `{"displayName":"ONE"}`, "ONE", []string{"Two", "SOAR"}, nil},
		{"a wrong name", `{"displayName":"SKIP"}`, "", nil, []string{"displayName: format"}},
		{"fewer former names", `{"formerNames":["two"]}`, "SOAR", []string{"Two"}, nil},
		{"the same former names", `{"formerNames":["Two","One"]}`, "SOAR", []string{"One", "Two"}, nil},
		{"no former names", `{"formerNames":[]}`, "SOAR", []string{}, nil},
		{"null", `{"formerNames":null}`, "SOAR", []string{}, nil},
		{"both", `{"formerNames":["One"],"displayName":"X"}`, "X", []string{"One", "SOAR"}, nil},
		{"its present name as a former one", `{"formerNames":["SOAR"]}`, "", nil, []string{"formerNames[0]: conflict"}},
		{"a new former name", `{"formerNames":["One","X"]}`, "", nil, []string{"formerNames[1]: conflict"}},
		{"no list", `{"formerNames":"One"}`, "", nil, []string{"formerNames: type"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := stored()
			before.FormerNames = []string{"One", "Two"}
			got, err := before.Patch([]byte(tt.patch))
			if diff := cmp.Diff(tt.wrong, wrong(t, err)); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.former, got.FormerNames); diff != "" || got.DisplayName != tt.now {
				t.Errorf("%q (-want +got)\n%s", got.DisplayName, diff)
			}
			if diff := cmp.Diff([]string{"One", "Two"}, before.FormerNames); diff != "" {
				t.Errorf("what it was is changed too\n%s", diff)
			}
		})
	}
}

// Former names are bounded, and none is dropped quietly.
func TestManyFormerNames(t *testing.T) {
	t.Parallel()
	d := stored()
	for i := range maxFormerNames {
		var err error
		if d, err = d.Patch(fmt.Appendf(nil, `{"displayName":"name %d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.Patch([]byte(`{"displayName":"one more"}`))
	if diff := cmp.Diff([]string{"displayName: too_many"}, wrong(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := d.Patch([]byte(`{"displayName":"one more","formerNames":[]}`)); err != nil {
		t.Error(err)
	}
}
