package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// doubler writes JSON in which the member at one place is given twice.
type doubler struct {
	out    strings.Builder
	place  string
	places []string // of all members
}

func (d *doubler) write(v any, at string) {
	switch v := v.(type) {
	case map[string]any:
		d.out.WriteByte('{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			place := strings.TrimPrefix(at+"."+name, ".")
			d.places = append(d.places, place)
			times := 1
			if place == d.place {
				times = 2
			}
			for n := range times {
				if i+n > 0 {
					d.out.WriteByte(',')
				}
				fmt.Fprintf(&d.out, "%q:", name)
				d.write(v[name], place)
			}
		}
		d.out.WriteByte('}')
	case []any:
		d.out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				d.out.WriteByte(',')
			}
			d.write(e, fmt.Sprintf("%s[%d]", at, i))
		}
		d.out.WriteByte(']')
	default:
		d.out.WriteString(js(v))
	}
}

// doubled returns a body for each member of v, at any depth, with that given twice.
func doubled(v any) map[string]string {
	var first doubler
	first.write(v, "")
	bodies := map[string]string{}
	for _, place := range slices.Compact(slices.Sorted(slices.Values(first.places))) {
		d := doubler{place: place}
		d.write(v, "")
		bodies[place] = d.out.String()
	}
	return bodies
}

// A name that is given twice is refused, wherever it is: of two readers each may
// believe another one. Within an alert's context it is the producer's business.
func TestNamesGivenTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.rows(t)
	for _, o := range contractOperations(t, takesBody) {
		bodies := doubled(o.RequestBody.Value.Content["application/json"].Example)
		if len(bodies) == 0 {
			t.Errorf("%s: nothing can be given twice", o.OperationID)
		}
		for place, body := range bodies {
			a := s.call(t, o.method, s.ids.Replace(o.path), body)
			switch {
			case strings.Contains(place, "alertContext."), o.OperationID == "postAlerts" && place != "alerts":
				continue // see below
			case a.status != 422:
				t.Errorf("%s %s: %d %s", o.OperationID, place, a.status, a.body)
			default:
				p := decode[Problem](t, a, 422)
				if len(p.Errors) != 1 || p.Errors[0].Field != place || p.Errors[0].Code != FieldErrorCodeDuplicate {
					t.Errorf("%s %s: %+v", o.OperationID, place, p.Errors)
				}
			}
		}
	}
	after := s.rows(t)
	for _, table := range []string{"alerts", "deliveries", "river_job"} { // of contexts and batches there may be new ones
		delete(before, table)
		delete(after, table)
	}
	if js(before) != js(after) {
		t.Errorf("rows before: %v, after: %v", before, after)
	}
}

// A batch's alert with a name given twice is refused alone.
func TestNamesGivenTwiceInABatch(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	good := `{"id":"a","severity":"LOW","type":"RULE","alertContext":{"a":1,"a":2}}`
	answer := decode[BatchAnswer](t, h.post(t, batchPath, `{"alerts":[`+good+`,{"id":"a","id":"b","severity":"LOW","type":"RULE"},`+good+`]}`), 202)
	if answer.Accepted != 2 || answer.Refused != 1 || answer.Results[1].Problem.Errors[0].Field != "id" || answer.Results[1].Problem.Errors[0].Code != FieldErrorCodeDuplicate {
		t.Errorf("got %+v", answer)
	}
	stored := decode[AlertDetails](t, h.get(t, alertsPath+"/"+*answer.Results[0].AlertID), 200)
	if got := string(stored.Alert.AlertContext); got != `{"a":1,"a":2}` {
		t.Errorf("the context is %s", got)
	}
}

// One bad alert never spoils its batch, however bad it is.
func TestBatchOfBadAlerts(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	const good = `{"id":"a","severity":"LOW","type":"RULE"}`
	for name, bad := range map[string]string{
		"too deep for the decoder": `{"a":` + deep(20_000) + `}`, "too deep for an alert": `{"a":` + deep(100) + `}`,
		"NaN": `{"id":"a","severity":"LOW","type":"RULE","alertContext":{"score":NaN}}`, "a trailing comma": `{"id":"a",}`,
		"a bare line break": "{\"id\":\"a\nb\"}", "a word": "nope", "a list": "[]", "null": "null", "an id that is not UTF-8": "{\"id\":\"\xff\",\"severity\":\"LOW\",\"type\":\"RULE\"}",
	} {
		answer := decode[BatchAnswer](t, h.post(t, batchPath, `{"alerts":[`+good+`,`+bad+`,`+good+`]}`), 202)
		if answer.Accepted != 2 || answer.Refused != 1 || answer.Results[1].Status != BatchStatusRefused || !json.Valid([]byte(js(answer))) {
			t.Errorf("%s: %+v", name, answer)
		}
	}
}
