package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/access"
)

const auditPath = "/api/v1/audit"

func (h *harness) audit(t testing.TB, query string) []AuditEntry {
	t.Helper()
	return decode[AuditList](t, h.get(t, auditPath+"?"+query), 200).Items
}

func actions(list []AuditEntry) string {
	var names []string
	for _, e := range list {
		names = append(names, e.Action)
	}
	return strings.Join(names, " ")
}

// Everything that people change can be looked up, by what and by when.
func TestAudit(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d, other := h.hook(t, "http://a.test"), h.hook(t, "http://a.test", object{"severities": nil})
	person := as(h.token(t, access.Operate))
	alertID, id := h.accept1(t)
	before := time.Now()
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", "", person, with("X-Request-Id", "request-1")), 200)
	wantStatus(t, h.post(t, deliveryPath(id)+"/cancel", "", person), 202)
	wantStatus(t, h.post(t, alertsPath+"/"+alertID+"/deliveries", js(object{"destinationIds": []uuid.UUID{other.ID}}), person), 202)
	created := decode[CreatedToken](t, h.post(t, "/api/v1/tokens", `{"name":"x","scopes":["read"]}`), 201)
	h.keep(created.Secret)
	wantStatus(t, h.delete(t, "/api/v1/tokens/"+created.ID.String()), 200)
	order := decode[BulkResend](t, h.post(t, bulkPath, js(object{"deliveryIds": []uuid.UUID{id}}), person), 202)

	all := h.audit(t, "")
	const want = "bulk_resend.start token.revoke token.create alert.send delivery.cancel destination.pause destination.create destination.create"
	if got := actions(all); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, e := range all { // by which it is found
		if subject, _, _ := strings.Cut(e.Action, "."); subject != string(e.SubjectType) {
			t.Errorf("%s of a %s", e.Action, e.SubjectType)
		}
	}
	if revoke, cancel := all[1].Detail.(object), all[4].Detail.(object); revoke["name"] != "x" || cancel["alertId"] != alertID {
		t.Errorf("details %v, %v", revoke, cancel)
	}
	pause := all[5]
	if pause.Actor != "[operate]" || pause.RequestID != "request-1" || pause.SubjectType != "destination" || pause.SubjectID != d.ID.String() ||
		time.Since(pause.At) > time.Minute {
		t.Errorf("entry %+v", pause)
	}
	if detail := pause.Detail.(object); detail["state"] != "paused" || detail["displayName"] != d.DisplayName {
		t.Errorf("detail %v", detail)
	}
	operator := url.QueryEscape("[operate]")
	at := func(t time.Time) string { return url.QueryEscape(t.Format(time.RFC3339Nano)) }
	for query, want := range map[string]string{
		"subjectType=destination":                                "destination.pause destination.create destination.create",
		"subjectType=destination&subjectId=" + other.ID.String(): "destination.create",
		"subjectId=" + d.ID.String():                             "destination.pause destination.create",
		"subjectType=alert&subjectId=" + alertID:                 "alert.send",
		"subjectType=delivery":                                   "delivery.cancel",
		"subjectType=token":                                      "token.revoke token.create",
		"action=token.revoke":                                    "token.revoke",
		"action=destination.create&subjectId=" + d.ID.String():   "destination.create",
		"action=destination.create&subjectType=delivery":         "",
		"action=destination":                                     "",
		"action=x":                                               "",
		"actor=" + operator:                                      "bulk_resend.start alert.send delivery.cancel destination.pause",
		"actor=" + operator + "&action=delivery.cancel":          "delivery.cancel",
		"actor=" + operator + "&subjectType=destination":         "destination.pause",
		"actor=operate":                                          "",
		"subjectType=bulk_resend&subjectId=" + order.ID.String(): "bulk_resend.start",
		"subjectType=delivery&subjectId=" + d.ID.String():        "",
		"to=" + at(before):                                       "destination.create destination.create",
		"from=" + at(before) + "&subjectType=destination":        "destination.pause",
		"from=" + at(before.Add(time.Hour)):                      "",
		"to=" + at(before.Add(-time.Hour)):                       "",
		"limit=2":                                                "bulk_resend.start token.revoke",
	} {
		if got := actions(h.audit(t, query)); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var paged []AuditEntry
	for more, pages := "", 0; pages == 0 || more != ""; pages++ {
		page := decode[AuditList](t, h.get(t, auditPath+"?limit=3"+more), 200)
		paged, more = append(paged, page.Items...), ""
		if page.NextCursor != nil {
			more = "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("page by page (-want +got):\n%s", diff)
	}
}

// What is rare is found page by page, each of which looks at no more than so many.
func TestAuditOfLongAgo(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.exec(t, `INSERT INTO audit_log (id, at, actor, action, subject_type, subject_id, detail, request_id)
		SELECT ('01956a3e-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), CASE n WHEN 1 THEN 'bob' ELSE 'ada' END, 'delivery.resend',
			'delivery', n::text, '{}', ''
		FROM generate_series(1, 12000) AS n`)
	for _, query := range []string{"actor=bob", "actor=bob&action=delivery.resend", "actor=bob&subjectType=delivery"} {
		found, pages := []AuditEntry{}, 0
		for more := ""; pages == 0 || more != ""; pages++ {
			page := decode[AuditList](t, h.get(t, auditPath+"?"+query+more), 200)
			found, more = append(found, page.Items...), ""
			if page.NextCursor != nil {
				more = "&cursor=" + url.QueryEscape(*page.NextCursor)
			}
		}
		if len(found) != 1 || found[0].SubjectID != "1" || pages < 3 {
			t.Errorf("%s: %v on %d pages", query, found, pages)
		}
	}
}

func TestWrongAuditFilters(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	wantProblem(t, h.get(t, auditPath+"?subjectType=user&subjectId="+strings.Repeat("x", 257)+"&from=x&to=yesterday&limit=0&cursor=x&actors=a&action="+strings.Repeat("x", 101)),
		422, ProblemCodeInvalid, "subjectType", "subjectId", "from", "to", "limit", "cursor", "actors", "action")
	wantProblem(t, h.get(t, auditPath+"?cursor="+newCursor("listAudit", "x")), 422, ProblemCodeInvalid, "cursor")
}
