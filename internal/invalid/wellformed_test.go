package invalid_test

import (
	"slices"
	"strings"
	"testing"

	"belfry/internal/invalid"
)

func TestCheckCountsDepthAndNotBrackets(t *testing.T) {
	t.Parallel()
	nest := func(open, closing string, n int) string {
		return strings.Repeat(open, n) + "1" + strings.Repeat(closing, n)
	}
	for name, tt := range map[string]struct {
		value string
		deep  bool
	}{
		"99 arrays":                       {nest("[", "]", 99), false},
		"100 arrays":                      {nest("[", "]", 100), true},
		"99 objects":                      {nest(`{"a":`, "}", 99), false},
		"100 objects":                     {nest(`{"a":`, "}", 100), true},
		"98 of both":                      {nest(`[{"a":`, "}]", 49), false},
		"100 of both":                     {nest(`[{"a":`, "}]", 50), true},
		"many side by side":               {"[" + strings.Repeat("[],{},", 500) + "1]", false},
		"deep behind many":                {"[" + strings.Repeat("[],{},", 500) + nest("[", "]", 99) + "]", true},
		"brackets in a string":            {`"` + strings.Repeat("[{", 200) + `"`, false},
		"brackets behind a quote":         {`"\"` + strings.Repeat("[{", 200) + `"`, false},
		"brackets behind two quotes":      {`"\"` + strings.Repeat("[{", 200) + `\""`, false},
		"brackets behind a backslash":     {`["\\",` + nest("[", "]", 99) + "]", true},
		"closing ones in a string":        {"[" + strings.Repeat(`["]]]]",`, 99) + "1" + strings.Repeat("]", 100), true},
		"closing ones behind a backslash": {"[" + strings.Repeat(`["\"]]]]",`, 99) + "1" + strings.Repeat("]", 100), true},
	} {
		err := invalid.Check([]byte(`{"a":` + tt.value + `}`))
		if tooDeep := err != nil && err.Error() == "the body is nested more than 100 levels deep"; tooDeep != tt.deep || (err != nil) != tt.deep {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestScanner(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "1", "-1.5e3": "-1.5e3", "null": "null", "true ": "true", "1,2": "1", "1]": "1", "1}": "1", `"a\"b",1`: `"a\"b"`, `{"a":"}"},1`: `{"a":"}"}`, `[[1],"]"] `: `[[1],"]"]`,
	} {
		s := invalid.Scanner{Text: text}
		if got := s.Skip(); got != want || s.Pos != len(want) {
			t.Errorf("%s: got %s and is at %d, want %s", text, got, s.Pos, want)
		}
	}
	if got := invalid.Elements(`[ 1 ,"a,]", [2,[3]],{"b":4} ]`); !slices.Equal(got, []string{"1", `"a,]"`, "[2,[3]]", `{"b":4}`}) {
		t.Errorf("got %q", got)
	}
	s := invalid.Scanner{Text: "x12", Pos: 1} // to the end of the text, from within it
	if got := s.Skip(); got != "12" || s.Pos != 3 {
		t.Errorf("got %s and is at %d", got, s.Pos)
	}
}
