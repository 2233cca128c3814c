package alert_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/alert"
	"belfry/internal/invalid"
)

func TestParseNamesEveryWrongFieldInSchemaOrder(t *testing.T) {
	t.Parallel()
	body := `{
		"zz": 1, "destinations": [1, "a", ""], "alertContext": 1, "logTypes": ["", 1], "version": 1,
		"tags": ["a", "\n", 1], "runbook": 1, "description": 1, "alertId": "/", "name": 1, "title": 1,
		"link": "x", "type": "x", "severity": "x", "createdAt": "x", "zz": 2, "aa\u0000": 1, "aa\u0000": 2
	}`
	want := []string{
		"id required", "createdAt format", "severity enum", "type enum", "link format", "title type", "name type",
		"alertId format", "description type", "runbook type", "tags[1] control_character", "tags[2] type", "version type",
		"logTypes[0] required", "logTypes[1] type", "alertContext type",
		"destinations[0] type", "destinations[2] required", "aa\ufffd duplicate", "zz duplicate",
	}
	if diff := cmp.Diff(want, wrong(t, body)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseErrorsDoNotRepeatTheInput(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	long := strings.Repeat(secret, 40_000)
	for _, body := range []string{
		`{"id":"` + secret, secret, `{"id":` + secret + `}`, `{} ` + secret, `"` + secret + `"`, "{\"id\":\"" + secret + "\xff",
		`{"id":["` + secret + `"],"severity":"` + secret + `","type":"` + secret + `","link":"` + secret + `:/","createdAt":"` + secret + `",
		"alertId":"/` + secret + `","tags":["` + secret + `\n"],"logTypes":["` + long + `"],"alertContext":"` + secret + `",
		"title":"` + long + `","name":"` + secret + `\u0000","version":"` + secret + `\ud800","destinations":"` + secret + `","x":"` + secret + `\u0000"}`,
	} {
		_, err := alert.Parse([]byte(body))
		if err == nil {
			t.Errorf("Parse(%.100s): got no error", body)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("Parse(%.100s): the error repeats the input: %.300s", body, err)
		}
	}
}

func TestParseErrorsAreBounded(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	body.WriteString(`{"` + strings.Repeat("é", 100_000) + `\u0000":1`)
	for i := range 20_000 {
		fmt.Fprintf(&body, `,"%d":1,"%d":1`, i, i)
	}
	body.WriteString(`}`)
	_, err := alert.Parse([]byte(body.String()))
	var fields invalid.FieldErrors
	if !errors.As(err, &fields) || len(fields) != 3+100 || len(err.Error()) > 10_000 {
		t.Errorf("got %d errors of %d bytes", len(fields), len(err.Error()))
	}
	long := `"` + strings.Repeat("é", 100_000) + `":1`
	_, err = alert.Parse([]byte(smallest(long + "," + long)))
	want := strings.Repeat("é", 64) + "… is named more than once"
	if err == nil || err.Error() != want {
		t.Errorf("got %.1000v, want %s", err, want)
	}
}

func TestInvalidAsText(t *testing.T) {
	t.Parallel()
	_, err := alert.Parse([]byte(`{"severity":"LOW","tags":[1]}`))
	const want = "id is required; type is required; tags[0] must be a string"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	got, err := json.Marshal(err)
	if err != nil {
		t.Fatal(err)
	}
	const wantJSON = `[{"field":"id","code":"required","message":"is required"},` +
		`{"field":"type","code":"required","message":"is required"},` +
		`{"field":"tags[0]","code":"type","message":"must be a string"}]`
	if diff := cmp.Diff(wantJSON, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
