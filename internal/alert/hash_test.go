package alert_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"belfry/internal/alert"
)

func hashOf(t *testing.T, body string) string {
	t.Helper()
	return hex.EncodeToString(mustParse(t, body).Alert.InputHash)
}

// TestInputHashForm pins the canonical form: stored hashes outlive releases.
func TestInputHashForm(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"smallest", `{"type":"POLICY","severity":"LOW","id":"a"}`, `{"id":"a","severity":"LOW","type":"POLICY"}`},
		{
			"names are sorted at every depth, numbers and arrays stay, nulls at the top go",
			smallest(` "zz" : {"b" : [ 2, 1.0, {"y":null,"x":-0} ], "a" : 1E+5} , "link":null, "gone":null, "Tags": true`),
			`{"Tags":true,"id":"a","severity":"LOW","type":"POLICY","zz":{"a":1E+5,"b":[2,1.0,{"x":-0,"y":null}]}}`,
		},
		{
			"strings have one form",
			smallest(`"t\u0069tle":"\u00e9\/\t\"\\\u001f\ud83d\ude00\u003c\u007f"`),
			`{"id":"a","severity":"LOW","title":"é/\u0009\"\\\u001f😀<` + "\x7f" + `","type":"POLICY"}`,
		},
		{"empty containers", smallest(`"x":{ },"y":[ ]`), `{"id":"a","severity":"LOW","type":"POLICY","x":{},"y":[]}`},
		{
			"a nested name twice keeps its order",
			smallest(`"x":{"b":2,"a":3,"b":1,"ab":0}`),
			`{"id":"a","severity":"LOW","type":"POLICY","x":{"a":3,"ab":0,"b":2,"b":1}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := sha256.Sum256([]byte("belfry-alert-v1\n" + tt.want))
			if got := hashOf(t, tt.body); got != hex.EncodeToString(want[:]) {
				t.Errorf("%s is not hashed as %s", tt.body, tt.want)
			}
		})
	}
	const want = "7b4a011c9b3f320dc83ebe4cf34cc2a183e101afeb5d40557d0f30eb8191648c"
	if got := hashOf(t, example); got != want {
		t.Errorf("the hash of the seeds' example is %s, was %s", got, want)
	}
}

func TestInputHashTellsInputsApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, more := range []string{
		``, `"title":""`, `"title":"a"`, `"title":"A"`, `"title":"a "`, `"new":1`, `"new":1.0`, `"new":"1"`, `"New":1`,
		`"new":{}`, `"new":[]`, `"new":[null]`, `"new":{"a":null}`, `"new":[1,2]`, `"new":[2,1]`, `"new":[12]`, `"new":["1","2"]`,
		`"new":["1,2"]`, `"new":{"a":{"b":1}}`, `"new":{"a":{},"b":1}`, `"new":{"a":1,"a":2}`, `"new":{"a":2,"a":1}`,
		`"createdAt":"2020-10-13T03:35:24Z"`, `"createdAt":"2020-10-13T03:35:24.0Z"`, `"tags":[]`, `"destinations":[]`,
		`"logTypes":["a"]`, `"logTypes":["a","a"]`,
	} {
		hash := hashOf(t, smallest(more))
		if other, ok := seen[hash]; ok {
			t.Errorf("%q and %q have the same hash", more, other)
		}
		seen[hash] = more
	}
}

func TestInputHashComesBeforeDefaults(t *testing.T) {
	t.Parallel()
	p := mustParse(t, smallest(""))
	before := bytes.Clone(p.Alert.InputHash)
	p.Fill(p.Alert.CreatedAt, alert.NewAlertID, func(string) string { return "https://belfry/" })
	if !bytes.Equal(before, p.Alert.InputHash) {
		t.Error("a default changed the hash")
	}
}

// TestInputHashIgnoresHowTheInputIsWritten writes one random value twice, with
// its names shuffled, random white space and random escapes.
func TestInputHashIgnoresHowTheInputIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		context := drawValue(rt, 4)
		seed := rapid.Uint64().Draw(rt, "seed")
		body := func(seed uint64) string {
			w := writer{random: rand.New(rand.NewPCG(seed, 0))}
			return w.value(map[string]any{
				"id": "a", "severity": "LOW", "type": "RULE", "title": drawnText(context), "extra": context,
			})
		}
		first, second := body(seed), body(seed+1)
		if hashOf(t, first) != hashOf(t, second) {
			rt.Fatalf("another hash for\n%s\n%s", first, second)
		}
	})
}

func drawnText(v any) string {
	text, _ := v.(string)
	return text
}

func drawValue(rt *rapid.T, depth int) any {
	kinds := 4
	if depth == 0 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds-1).Draw(rt, "kind") {
	case 0:
		return strings.ReplaceAll(rapid.StringN(0, 8, -1).Draw(rt, "text"), "\x00", "")
	case 1:
		return json.Number(fmt.Sprint(rapid.Int64().Draw(rt, "number")))
	case 2:
		list := make([]any, rapid.IntRange(0, 3).Draw(rt, "length"))
		for i := range list {
			list[i] = drawValue(rt, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(rt, "size") {
		object[strings.ReplaceAll(rapid.StringN(0, 3, -1).Draw(rt, "name"), "\x00", "")] = drawValue(rt, depth-1)
	}
	return object
}

// writer writes the same value in another way for every seed.
type writer struct {
	random *rand.Rand
}

func (w writer) space() string {
	return []string{"", "", " ", "\n\t"}[w.random.IntN(4)]
}

func (w writer) value(v any) string {
	switch v := v.(type) {
	case string:
		return w.text(v)
	case json.Number:
		return w.space() + v.String() + w.space()
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = w.value(element)
		}
		return w.space() + "[" + w.space() + strings.Join(parts, ",") + "]" + w.space()
	case map[string]any:
		parts := make([]string, 0, len(v))
		for name, element := range v {
			parts = append(parts, w.text(name)+":"+w.value(element))
		}
		w.random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return w.space() + "{" + w.space() + strings.Join(parts, ",") + "}" + w.space()
	}
	return "null"
}

func (w writer) text(s string) string {
	var b strings.Builder
	b.WriteString(w.space() + `"`)
	for _, r := range s {
		switch {
		case r > 0xffff && w.random.IntN(2) == 0:
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		case r <= 0xffff && (r < ' ' || r == '"' || r == '\\' || w.random.IntN(2) == 0):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"` + w.space()
}
