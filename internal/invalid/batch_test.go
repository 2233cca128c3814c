package invalid_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/invalid"
)

func batch(t *testing.T, body string, most int) (items, wrong []string) {
	t.Helper()
	raws, fields, err := invalid.Batch([]byte(body), "alerts", most)
	if err != nil {
		t.Fatalf("%.100q: %v", body, err)
	}
	for _, raw := range raws {
		items = append(items, string(raw))
	}
	return items, found(fields)
}

func TestBatchKeepsElementsApart(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	tests := []struct {
		name, list string
		want       []string
	}{
		{"objects", `{"a":1}, {"a":[1,{"b":2}]}`, []string{`{"a":1}`, `{"a":[1,{"b":2}]}`}},
		{"marks in strings", `{"a":"]},{\"[\\"},{"b":"\\\\"}`, []string{`{"a":"]},{\"[\\"}`, `{"b":"\\\\"}`}},
		{"other values", ` 1 , "a,]" , null,[ ],true `, []string{"1", `"a,]"`, "null", "[ ]", "true"}},
		{"not UTF-8", "{\"a\":\"\xff\"},{}", []string{"{\"a\":\"\xff\"}", "{}"}},
		{"no JSON", `{"a":NaN},{a:1},{"b" 1},{"c":1,},{'d':2},{}`, []string{`{"a":NaN}`, `{a:1}`, `{"b" 1}`, `{"c":1,}`, `{'d':2}`, `{}`}},
		{"a bare line break", "{\"a\":\"\n\"},{}", []string{"{\"a\":\"\n\"}", "{}"}},
		{"a word", `nope,{}`, []string{"nope", "{}"}},
		{"too deep", `{},{"a":` + deep + `},{}`, []string{"{}", `{"a":` + deep + `}`, "{}"}},
		{"none", ``, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			items, wrong := batch(t, ` { "alerts" : [`+tt.list+`] } `, 100)
			if diff := cmp.Diff(tt.want, items); diff != "" || wrong != nil {
				t.Errorf("%v (-want +got)\n%s", wrong, diff)
			}
		})
	}
}

func TestBatchRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"alerts":[{}],"alerts":[]}`:           {"alerts duplicate"},
		`{"alerts":[],"\u0061lerts":null}`:      {"alerts duplicate"},
		`{"alerts":[],"alerts":[],"alerts":[]}`: {"alerts duplicate"},
		`{"alerts":{}}`:                         {"alerts type"},
		`{"alerts":"[]"}`:                       {"alerts type"},
		`{"alerts":null}`:                       nil,
		`{}`:                                    nil,
		`{"Alerts":[],"alerts":[]}`:             {"Alerts unknown_field"},
		`{"x":{"x":1},"x":2,"alerts":[]}`:       {"x unknown_field"},
	} {
		if _, wrong := batch(t, body, 100); !cmp.Equal(want, wrong) {
			t.Errorf("%s: got %v, want %v", body, wrong, want)
		}
	}
	var many strings.Builder
	for i := range 300 {
		many.WriteString(`"` + strings.Repeat("x", i+1) + `":1,`)
	}
	if _, wrong := batch(t, "{"+many.String()+`"alerts":[]}`, 100); len(wrong) > 100 {
		t.Errorf("%d are named", len(wrong))
	}
}

func TestBatchMalformed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"": "is empty", " ": "is empty", "[]": "must be a JSON object", "null": "must be a JSON object", `"x"`: "must be a JSON object",
		"{": "ends in the middle", `{"alerts"`: "ends in the middle", `{"alerts":`: "ends in the middle", `{"alerts":[`: "ends in the middle",
		`{"alerts":[{`: "ends in the middle", `{"alerts":["`: "ends in the middle", `{"alerts":["\`: "ends in the middle", `{"alerts":[]`: "ends in the middle",
		`{"alerts":[{]}`: "not valid JSON", `{"alerts":[{}{}]}`: "not valid JSON", `{"alerts":[{},]}`: "not valid JSON", `{"alerts":[,{}]}`: "not valid JSON",
		`{"alerts":[{}]}}`: "more than one JSON value", `{"alerts":[{}]} {}`: "more than one JSON value", `{"alerts" [{}]}`: "not valid JSON",
		`{alerts:[]}`: "not valid JSON", `{"alerts":[],}`: "not valid JSON", `{"x":nope,"alerts":[]}`: "not valid JSON", `{"\q":1}`: "not valid JSON",
		"\ufeff{}": "byte order mark", "{\"\xff\":1}": "not valid UTF-8", "{\"x\":\"\xff\"}": "not valid UTF-8", `{1:2}`: "not valid JSON", `{"a":}`: "not valid JSON",
		`{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}": "nested more than 100",
	} {
		items, wrong, err := invalid.Batch([]byte(body), "alerts", 100)
		var malformed invalid.Malformed
		if !errors.As(err, &malformed) || !strings.Contains(malformed.Message, want) || items != nil || wrong != nil {
			t.Errorf("%.60q: got %v, %v, %v, want %q", body, err, items, wrong, want)
		}
	}
}

func TestBatchKeepsNoMoreThanOneBeyondMost(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 1, 9: 9, 10: 10, 11: 11, 5000: 11} {
		if items, _ := batch(t, `{"alerts":[`+strings.Repeat("1,", n-1)+`1]}`, 10); len(items) != want {
			t.Errorf("of %d: %d", n, len(items))
		}
	}
}

// FuzzBatch holds Batch to encoding/json where the body is JSON.
func FuzzBatch(f *testing.F) {
	for _, body := range []string{`{"alerts":[{"a":"\""},1,[{}]]}`, `{"alerts":[nope,"x\\"],"x":1}`, `{"alerts":[],"alerts":{}}`, `{"alerts":[{]}`, "\ufeff{}", `{"a":["\`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		items, wrong, err := invalid.Batch(raw, "alerts", len(raw))
		var object map[string]json.RawMessage
		isObject := utf8.Valid(raw) && invalid.Check(raw) == nil && json.Unmarshal(raw, &object) == nil
		if isObject && err != nil {
			t.Fatalf("got %v for an object", err)
		}
		if !isObject || len(wrong) > 0 {
			return
		}
		var want []json.RawMessage
		if err := json.Unmarshal(object["alerts"], &want); err != nil && object["alerts"] != nil {
			t.Fatalf("the list is none, and nothing is wrong: %v", err)
		}
		if len(items) != len(want) {
			t.Fatalf("%d elements, want %d", len(items), len(want))
		}
		for i := range items {
			if string(items[i]) != string(want[i]) {
				t.Errorf("got %s, want %s", items[i], want[i])
			}
		}
	})
}

// FuzzRead holds Read to encoding/json's word on what is an object.
func FuzzRead(f *testing.F) {
	for _, body := range []string{`{"a":{"b":1,"b":2}}`, `{"a":"\u0000"}`, `{"\ud800":[[{"":1}]]}`, `{`, `[]`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, wrong, err := invalid.Read(raw, "a")
		var object map[string]json.RawMessage
		isObject := utf8.Valid(raw) && invalid.Check(raw) == nil && json.Unmarshal(raw, &object) == nil
		if isObject != (err == nil) {
			t.Fatalf("object: %v, got %v", isObject, err)
		}
		if err == nil && wrong == nil && !cmp.Equal(map[string]json.RawMessage(body), object) {
			t.Errorf("got %s, want %s", body, object)
		}
		for _, f := range wrong {
			if !utf8.ValidString(f.Field) || strings.ContainsRune(f.Field, 0) || f.Message == "" || len(f.Field) > 1024 {
				t.Errorf("got %+v", f)
			}
		}
	})
}
