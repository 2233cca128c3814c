package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// What is not asked for as the contract says is refused, and not left out.
func TestUnknownParameters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, o := range contractOperations(t, func(o contractOperation) bool { return strings.HasPrefix(o.path, "/api/") }) {
		p := wantProblem(t, s.call(t, o.method, s.ids.Replace(o.path)+"?zz=1&Limit=2&zz", ""), 422, ProblemCodeInvalid, "zz", "Limit")
		for _, e := range p.Errors {
			if e.Code != FieldErrorCodeUnknownField {
				t.Errorf("%s: %+v", o.OperationID, e)
			}
		}
		wantProblem(t, s.call(t, o.method, s.ids.Replace(o.path)+"?zz=%zz", ""), 400, ProblemCodeMalformed)
	}
	wantProblem(t, s.get(t, alertsPath+"?zz=1", anonymous), 401, ProblemCodeUnauthenticated)
	wantStatus(t, s.get(t, "/healthz?zz=1"), 200) // a probe may have its reasons
}

// Everything wrong with a query is named in one answer.
func TestParameters(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	long, id := strings.Repeat("é", 257), "destinationId="+anyID
	for query, want := range map[string]string{
		alertsPath + "?limit=200&q=" + long[:400] + "&unrouted=false&" + id:                 "",
		alertsPath + "?limit=1&severity=,LOW,&from=2020-10-13T03:35:24.5%2B02:00":           "",
		alertsPath + "?zz=1&limit=201&q=" + long + "&logType=a," + long + "&type=X,RULE":    "limit format, logType too_long, q too_long, type enum, zz unknown_field",
		alertsPath + "?limit=1.5&unrouted=1&destinationId=x&from=2020-10-13&to=&cursor=x":   "cursor format, destinationId format, from format, limit format, to format, unrouted format",
		alertsPath + "?limit=1&limit=2&q=a&q=b&" + id + "&" + id:                            "destinationId duplicate, limit duplicate, q duplicate",
		deliveriesPath + "?" + id + "," + anyID + "&" + id:                                  "",
		deliveriesPath + "?alertId=" + long + "&" + id + ",x&statusCode=99&reason=x&from=x": "alertId too_long, destinationId format, from format, reason enum, statusCode format",
		deliveriesPath + "/counts?statusCode=1000&status=queued":                            "status unknown_field, statusCode format",
		destinationsPath + "?q=" + long + "&state=&type=mail&limit=-1":                      "limit format, q too_long, state enum, type enum",
	} {
		a := h.get(t, query)
		var got []string
		if a.status != http.StatusOK {
			for _, e := range decode[Problem](t, a, 422).Errors {
				got = append(got, e.Field+" "+string(e.Code))
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	p := wantProblem(t, h.get(t, destinationsPath+"?state=x"), 422, ProblemCodeInvalid, "state")
	if want := "must be one of active, paused"; p.Errors[0].Message != want {
		t.Errorf("message %q, want %q", p.Errors[0].Message, want)
	}
}

func wantBackwards(t *testing.T, a answer, field string) {
	t.Helper()
	p := wantProblem(t, a, 422, ProblemCodeInvalid, field)
	if len(p.Errors) != 1 || p.Errors[0].Code != FieldErrorCodeConflict || p.Errors[0].Message != "must not be after `to`" {
		t.Errorf("%+v", p.Errors)
	}
}

// A span of time that ends before it begins is a mistake, wherever there is one.
func TestSpans(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	var paths []string
	for _, o := range contractOperations(t, func(o contractOperation) bool {
		return queryParameters()[o.OperationID].GetByInAndName("query", "from") != nil
	}) {
		paths = append(paths, o.path)
		wantBackwards(t, h.get(t, o.path+"?from=2026-03-02T08:00:00.001Z&to=2026-03-02T08:00:00Z"), "from")
		wantBackwards(t, h.get(t, o.path+"?to=2026-03-02T09:59:59%2B02:00&from=2026-03-02T08:00:00Z"), "from")
		for _, query := range []string{
			"from=2026-03-02T08:00:00Z&to=2026-03-02T08:00:00Z", "from=2026-03-02T08:00:00Z&to=2026-03-02T07:00:00-02:00", "from=2026-03-02T08:00:00Z",
		} {
			wantStatus(t, h.get(t, o.path+"?"+query), 200)
		}
		wantProblem(t, h.get(t, o.path+"?from=2026-03-02T08:00:00Z&to=x"), 422, ProblemCodeInvalid, "to")
	}
	slices.Sort(paths)
	if got := strings.Join(paths, " "); got != "/api/v1/alerts /api/v1/audit /api/v1/deliveries /api/v1/deliveries/counts" {
		t.Errorf("spans are in %s", got)
	}
}

// The contract says nothing of a parameter that nobody checks.
func TestParametersAreChecked(t *testing.T) {
	t.Parallel()
	checked := func(s openapi3.Schema) openapi3.Schema { // what checkText looks at, and what says nothing
		return openapi3.Schema{
			Type: s.Type, Format: s.Format, Enum: s.Enum, MinLength: s.MinLength, MaxLength: s.MaxLength, Min: s.Min, Max: s.Max,
			Description: s.Description, Default: s.Default,
		}
	}
	for _, o := range contractOperations(t, func(contractOperation) bool { return true }) {
		for _, p := range o.Parameters {
			if known := queryParameters()[o.OperationID].GetByInAndName(p.Value.In, p.Value.Name); known != nil {
				p = &openapi3.ParameterRef{Value: known} // as it is checked
			}
			schema := *p.Value.Schema.Value
			if schema.Type.Is("array") {
				rest := schema
				rest.Items, rest.MaxItems = nil, nil
				if js(rest) != js(checked(rest)) {
					t.Errorf("%s %s: %s", o.OperationID, p.Value.Name, js(schema))
				}
				schema = *schema.Items.Value
			}
			formats := []string{"", "uuid", "date-time"}
			if js(schema) != js(checked(schema)) || !slices.Contains(formats, schema.Format) {
				t.Errorf("%s %s: %s", o.OperationID, p.Value.Name, js(schema))
			}
		}
	}
}

// A cursor is good for the list that gave it, and for no other.
func TestCursorsOfOtherLists(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for _, name := range []string{"a", "b"} {
		h.hook(t, "http://a.test", object{"displayName": name})
		h.accept(t, object{"alertId": name})
	}
	lists := []string{alertsPath, deliveriesPath, destinationsPath}
	for _, from := range lists {
		page := decode[struct{ NextCursor *string }](t, h.get(t, from+"?limit=1"), 200)
		if page.NextCursor == nil {
			t.Fatalf("%s has one page", from)
		}
		for _, to := range lists {
			a := h.get(t, to+"?limit=1&cursor="+url.QueryEscape(*page.NextCursor))
			if from == to {
				wantStatus(t, a, 200)
				continue
			}
			wantProblem(t, a, 422, ProblemCodeInvalid, "cursor")
		}
	}
	for _, forged := range []string{newCursor("listAlerts", "x"), newCursor("listAlerts", ""), newCursor("listAlerts", "\x00"), newCursor("", anyID)} {
		wantProblem(t, h.get(t, alertsPath+"?cursor="+forged), 422, ProblemCodeInvalid, "cursor")
	}
}
