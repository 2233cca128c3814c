package invalid_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/invalid"
)

// A reader names everything that is wrong, each field once, by the first thing wrong.
func TestReader(t *testing.T) {
	t.Parallel()
	r, err := invalid.NewReader([]byte(`{"text":1,"null":null,"number":"x","far":11,"half":1.5,"truth":"true","list":["a",null],"fine":["a"],"other":1}`),
		"text", "null", "number", "far", "half", "truth", "list", "fine", "absent")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Text("text"); got != "" {
		t.Errorf("text %q", got)
	}
	r.Wrong("text", invalid.CodeFormat, "is said already")
	r.Text("null")
	r.Text("absent")
	r.Number("number", 0, 10)
	r.Number("far", 0, 10)
	r.Whole("half", 0, 10)
	r.Truth("truth")
	if list, given := r.List("list"); list != nil || given {
		t.Errorf("list %q, %v", list, given)
	}
	if list, given := r.List("null"); list != nil || !given {
		t.Errorf("null as a list: %q, %v", list, given)
	}
	if list, given := r.List("fine"); !cmp.Equal(list, []string{"a"}) || !given {
		t.Errorf("fine %q, %v", list, given)
	}
	want := []string{"far format", "half type", "list type", "number type", "other unknown_field", "text type", "truth type"}
	if err := r.Errors.Sorted(); err == nil {
		t.Error("nothing is wrong")
	}
	if diff := cmp.Diff(want, found(r.Errors)); diff != "" {
		t.Errorf("wrong (-want +got)\n%s", diff)
	}
}
