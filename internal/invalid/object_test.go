package invalid_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/invalid"
)

// found returns what is wrong with a body, as "field code".
func found(wrong invalid.FieldErrors) []string {
	var list []string
	for _, f := range wrong {
		list = append(list, f.Field+" "+f.Code)
	}
	return list
}

func TestReadFindsWhatIsWrongAtAnyDepth(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       []string
	}{
		{"nothing", `{"a":{"b":[{"c":1},{"c":1}],"c":"c"},"b":null}`, nil},
		{"the same name in two objects", `{"a":[{"a":{"a":1}},{"a":1}]}`, nil},
		{"twice", `{"a":1,"a":2}`, []string{"a duplicate"}},
		{"twice, with another between them", `{"a":1,"b":2,"a":2}`, []string{"a duplicate"}},
		{"three times", `{"a":1,"a":2,"a":3}`, []string{"a duplicate"}},
		{"twice, once in escapes", `{"a":1,"\u0061":2}`, []string{"a duplicate"}},
		{"two names twice", `{"b":1,"a":1,"b":2,"a":2}`, []string{"a duplicate", "b duplicate"}},
		{"other case", `{"a":1,"A":2}`, []string{"A unknown_field"}},
		{"in an object", `{"a":{"x":1,"x":2}}`, []string{"a.x duplicate"}},
		{"in an array", `{"a":[1,{"x y":1,"x y":2}]}`, []string{`a[1]["x y"] duplicate`}},
		{"deep", `{"a":{"b":[[{"c":{"d":1,"d":1}}]]}}`, []string{"a.b[0][0].c.d duplicate"}},
		{"behind an object with the same names", `{"a":{"x":{"x":1},"y":1,"x":1}}`, []string{"a.x duplicate"}},
		{"unknown and twice", `{"z":1,"z":2}`, []string{"z duplicate"}},
		{"unknown", `{"z":1,"y":{"z":1}}`, []string{"y unknown_field", "z unknown_field"}},
		{"NUL", `{"a":"\u0000","b":["\u0000\ud800"]}`, []string{"a nul", "b[0] nul"}},
		{"half a surrogate pair", `{"a":{"x":"\ud800"},"b":"\udc00 \ud800"}`, []string{"a.x format", "b format"}},
		{"in a name", `{"a":{"x\u0000":1},"b\ud800":1}`, []string{"a[\"x\ufffd\"] nul", "b\ufffd format"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, wrong, err := invalid.Read([]byte(tt.body), "a", "b")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, found(wrong)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadReturnsValuesAsWritten(t *testing.T) {
	t.Parallel()
	body, wrong, err := invalid.Read([]byte(` { "a" : [ 1.0 ] , "\u0062":"\u0041" } `), "a", "b")
	if err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if string(body["a"]) != "[ 1.0 ]" || string(body["b"]) != `"\u0041"` || len(body) != 2 {
		t.Errorf("got %s", body)
	}
}

func TestReadMalformed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                     "the body is empty",
		"[]":                   "the body must be a JSON object",
		"null":                 "the body must be a JSON object",
		`{"a":1`:               "the body ends in the middle of its JSON, at line 1, column 7",
		"{}{}":                 "the body holds more than one JSON value: the second starts at line 1, column 3",
		"{\"a\":\n\"\xff\"}":   "the body is not valid UTF-8 at line 2, column 2",
		"{\"\xed\xa0\x80\":1}": "the body is not valid UTF-8 at line 1, column 3",
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}": "the body is nested more than 100 levels deep",
	} {
		_, _, err := invalid.Read([]byte(body), "a")
		var malformed invalid.Malformed
		if !errors.As(err, &malformed) || malformed.Message != want {
			t.Errorf("%.40q: got %v, want %s", body, err, want)
		}
	}
}

func TestWhatIsFoundIsBounded(t *testing.T) {
	t.Parallel()
	var unknown, nul strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&unknown, `"u%d":1,`, i)
		fmt.Fprintf(&nul, `"\u0000",`)
	}
	for _, body := range []string{"{" + unknown.String() + `"a":1}`, `{"a":[` + nul.String() + `1]}`, "{" + unknown.String() + unknown.String() + `"a":1}`} {
		_, wrong, err := invalid.Read([]byte(body), "a")
		if err != nil || len(wrong) != 100 {
			t.Errorf("%.40s: %d, %v", body, len(wrong), err)
		}
	}
}

func TestNested(t *testing.T) {
	t.Parallel()
	body, wrong, ok := invalid.Nested([]byte(`{"a":1,"z":2}`), "a")
	if diff := cmp.Diff([]string{"z unknown_field"}, found(wrong)); diff != "" || !ok || string(body["a"]) != "1" {
		t.Errorf("%s, %v (-want +got)\n%s", body, ok, diff)
	}
	for _, raw := range []string{"", "null", "[]", `"{}"`, "1"} {
		if _, _, ok := invalid.Nested([]byte(raw), "a"); ok {
			t.Errorf("%q is no object", raw)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	wrong := invalid.FieldErrors{{Field: "a", Code: invalid.CodeType, Message: "must be a string"}, {Field: "b", Code: invalid.CodeNUL, Message: "is bad"}}
	if wrong.Error() != "a must be a string; b is bad" || wrong.Err() == nil || !wrong.Has("b") || wrong.Has("c") {
		t.Errorf("got %s", wrong)
	}
	if invalid.FieldErrors(nil).Err() != nil {
		t.Error("nothing is wrong, and it is an error")
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	o := invalid.Split(`{"c":3, "a":[1], "b":2,"a":{"d":4}}`)
	for name, want := range map[string]string{"a": "[1] true", "b": "2 false", "c": "3 false", "d": " false", "": " false"} {
		value, repeated := o.Find(name)
		if got := fmt.Sprint(value, " ", repeated); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	for i, want := range []bool{true, false, false, false} {
		if got := o.Repeated(i); got != want {
			t.Errorf("member %d is repeated: %v", i, got)
		}
	}
	if len(invalid.Split("{}")) != 0 || len(invalid.Split(" { } ")) != 0 {
		t.Error("an empty object has members")
	}
}

func TestPlaceIsCutShort(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"` + strings.Repeat("é", 64) + `":"\u0000"}`:                                       strings.Repeat("é", 64),
		`{"` + strings.Repeat("é", 65) + `":"\u0000"}`:                                       strings.Repeat("é", 64) + "…",
		`{"a":{"` + strings.Repeat("x", 126) + `":"\u0000"}}`:                                "a." + strings.Repeat("x", 64) + "…",
		`{"a":` + strings.Repeat(`{"bc":`, 50) + `"\u0000"` + strings.Repeat("}", 51):        ("a" + strings.Repeat(".bc", 50))[:128] + "…",
		`{"a":` + strings.Repeat(`{"bc":`, 42) + `{"d":["\u0000"]` + strings.Repeat("}", 44): "a" + strings.Repeat(".bc", 42) + ".…",
		`{"a":{"":"\u0000"}}`:               `a[""]`,
		`{"a":{"b\"\\":["\u0000"]}}`:        `a["b\"\\"][0]`,
		`{"a":{"b_-1é":"\u0000"}}`:          "a.b_-1é",
		`{"a b":{"c.d":"\u0000"}}`:          `a b["c.d"]`,
		"{\"a\":{\"\\u0001\":\"\\u0000\"}}": "a[\"\ufffd\"]",
	} {
		_, wrong, err := invalid.Read([]byte(body), "a")
		if err != nil || len(wrong) == 0 || wrong[0].Field != want {
			t.Errorf("%s: got %v, %v, want %s", body, wrong, err, want)
		}
	}
}
