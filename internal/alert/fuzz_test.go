package alert_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"belfry/internal/alert"
	"belfry/internal/invalid"
)

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		example,
		smallest(""),
		smallest(`"alertContext":{"b":[1.0,null,{"c":"\u00e9"}],"a":-1e9},"logTypes":["x"],"destinations":["SKIP"]`),
		smallest(`"title":"\ud83d\ude00\n\\","x":{"a":1,"a":2},"createdAt":"2020-10-13T03:35+02:00:01"`),
		smallest(`"t\u0069tle":"\ud800","y":"\u0000","y":1,"tags":["",null]`),
		smallest(`"title":"\udfff\u0000","alertContext":{"a\u0000":["\ud800",{"b":"\\u0000"}],"a\u0000":""},"tags":["` + "\xff" + `"]`),
		`[]`, `{`, `{"a":1,}`, `{"a" "b"}`, "\ufeff{}", `{"":{"":[[]]}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := alert.Parse(raw)
		checkKindOfError(t, raw, err)
		if err != nil {
			return
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, raw, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		if again := mustParse(t, indented.String()); !cmp.Equal(p, again, cmpopts.IgnoreUnexported(alert.Alert{})) {
			t.Errorf("indented, it is another alert (-want +got)\n%s", cmp.Diff(p, again, cmpopts.IgnoreUnexported(alert.Alert{})))
		}
		checkStorable(t, p)
		p.Fill(time.Unix(1, 2), alert.NewAlertID, func(id string) string { return "https://belfry/alerts" })
		checkRoundTrip(t, p.Alert)
	})
}

// checkKindOfError holds Parse to encoding/json's word on what is an object.
func checkKindOfError(t *testing.T, raw []byte, err error) {
	t.Helper()
	var object map[string]json.RawMessage
	isObject := json.Unmarshal(raw, &object) == nil && object != nil
	var malformed invalid.Malformed
	var fields invalid.FieldErrors
	switch {
	case errors.As(err, &malformed) && isObject && bytes.Count(raw, []byte("["))+bytes.Count(raw, []byte("{")) <= 100:
		t.Errorf("got %v for an object", err)
	case !errors.As(err, &malformed) && !isObject:
		t.Errorf("got %v for what is no object, want Malformed", err)
	case err != nil && !errors.As(err, &malformed) && !errors.As(err, &fields):
		t.Errorf("got an error of another kind: %v", err)
	case errors.As(err, &fields) && len(fields) == 0:
		t.Error("got an Invalid that names nothing")
	}
}

// checkStorable tests that the database takes an alert, and that it was altered
// only if it had to be.
func checkStorable(t *testing.T, p alert.Parsed) {
	t.Helper()
	a := p.Alert
	texts := append([]string{a.DetectionID, a.AlertID, a.Link, a.Title, a.Name, a.Description, a.Runbook, a.Version, string(a.Context)}, a.Tags...)
	texts = append(append(append(texts, a.LogTypes...), p.Ignored...), a.Altered...)
	if a.Override != nil {
		texts = append(texts, *a.Override...)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			t.Errorf("the database would refuse %q", text)
		}
	}
	if a.Altered != nil && !strings.Contains(strings.Join(texts, ""), "\ufffd") && !strings.Contains(string(a.Context), `\ufffd`) {
		t.Errorf("altered %v, but nothing was", a.Altered)
	}
}

// checkRoundTrip tests that a receiver could post what it got.
func checkRoundTrip(t *testing.T, want alert.Alert) {
	t.Helper()
	payload := mustPayload(t, want)
	if again := mustPayload(t, want); again != payload {
		t.Errorf("the second payload differs\n%s\n%s", payload, again)
	}
	got := mustParse(t, payload).Alert
	want.LogTypes, want.Override, want.Altered, want.InputHash = []string{}, nil, nil, got.InputHash
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(alert.Alert{})); diff != "" {
		t.Errorf("%s (-want +got)\n%s", payload, diff)
	}
}
