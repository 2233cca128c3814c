package alert_test

import (
	"errors"
	"strings"
	"testing"

	"belfry/internal/alert"
	"belfry/internal/invalid"
)

func TestParseMalformed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"empty", "", "the body is empty"},
		{"blank", " \n", "the body is empty"},
		{"array", "[{}]", "must be a JSON object"},
		{"string", `"{}"`, "must be a JSON object"},
		{"null", "null", "must be a JSON object"},
		{"number", " 1 ", "must be a JSON object"},
		{"two values", "{}\n {}", "second starts at line 2, column 2"},
		{"trailing comma", "{\"id\":\"a\",\n}", "not valid JSON at line 2, column 1"},
		{"column in characters", `{"é":x}`, "not valid JSON at line 1, column 6"},
		{"cut off", `{"id":"a"`, "ends in the middle of its JSON, at line 1, column 10"},
		{"comment", "{} // x", "second starts at line 1, column 4"},
		{"single quotes", "{'id':1}", "not valid JSON at line 1, column 2"},
		{"bare line break", "{\"id\":\"a\nb\"}", "not valid JSON at line 1, column 9"},
		{"bare NUL", "{\"id\":\"a\x00b\"}", "not valid JSON at line 1, column 9"},
		{"byte order mark", "\ufeff{}", "byte order mark"},
		{"not UTF-8, outside of text", "{\"id\":\n\xff}", "not valid JSON at line 2, column 1"},
		{"too deep", smallest(`"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100)), "more than 100 levels"},
		{"too deep and cut off", strings.Repeat("[", 1<<20), "more than 100 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := alert.Parse([]byte(tt.body))
			var malformed invalid.Malformed
			if !errors.As(err, &malformed) || !strings.Contains(malformed.Message, tt.want) {
				t.Errorf("got %v, want Malformed with %q", err, tt.want)
			}
		})
	}
	t.Run("many brackets are not deep", func(t *testing.T) {
		t.Parallel()
		mustParse(t, smallest(`"x":[`+strings.Repeat("[],", 200)+"[]]"))
		mustParse(t, smallest(`"x":[`+strings.Repeat(`{"a":[]},`, 100)+"1]"))
	})
	t.Run("too deep behind many that are not", func(t *testing.T) {
		t.Parallel()
		_, err := alert.Parse([]byte(smallest(`"x":[` + strings.Repeat("[],", 200) + strings.Repeat("[", 99) + strings.Repeat("]", 99) + "]")))
		if err == nil || err.Error() != "the body is nested more than 100 levels deep" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("100 levels are allowed", func(t *testing.T) {
		t.Parallel()
		mustParse(t, smallest(`"x":`+strings.Repeat("[", 99)+strings.Repeat("]", 99)))
		mustParse(t, smallest(`"x":"`+strings.Repeat("[{", 100)+`","y":"\"[`+strings.Repeat("[", 100)+`"`))
	})
}
