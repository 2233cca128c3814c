package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/delivery"
)

const bulkPath = "/api/v1/bulk-resends"

func (h *harness) bulk(t testing.TB, body any, changes ...change) BulkResend {
	t.Helper()
	return decode[BulkResend](t, h.post(t, bulkPath, js(body), changes...), 202)
}

func (h *harness) countBulk(t testing.TB, body object) BulkCount {
	t.Helper()
	body["dryRun"] = true
	return decode[BulkCount](t, h.post(t, bulkPath, js(body)), 200)
}

// awaitBulk waits until an order is done.
func (h *harness) awaitBulk(t testing.TB, id uuid.UUID) (b BulkResend) {
	t.Helper()
	until(t, "the bulk re-send is done", func() bool {
		b = decode[BulkResendDetails](t, h.get(t, bulkPath+"/"+id.String()), 200).BulkResend
		return b.State == BulkResendStateDone
	})
	return b
}

// The receiver is mended and all that failed is re-sent by one order.
func TestBulkResend(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(500, "broken"))
	d := h.hook(t, r.URL)
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, h.failed(t))
	}
	r.become(says(200, "mended"))
	filter := object{"status": []string{"failed"}, "destinationId": []uuid.UUID{d.ID}}
	count := h.countBulk(t, object{"filter": filter})
	if diff := cmp.Diff(BulkCount{Total: 3, ByStatus: StatusCounts{Failed: 3}}, count); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if n := h.count(t, `SELECT (SELECT count(*) FROM bulk_resends) + (SELECT count(*) FROM runs)`); n != 0 {
		t.Errorf("counting left %d rows", n)
	}

	got := h.bulk(t, object{"filter": filter, "perSecond": 1000}, as(h.token(t, access.Operate)))
	want := BulkResend{
		ID: got.ID, State: "running", Filter: &DeliveryFilter{Status: []DeliveryStatus{"failed"}, DestinationID: []uuid.UUID{d.ID}},
		PerSecond: 1000, Total: 3, RequestedBy: "[operate]", CreatedAt: got.CreatedAt,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
	done := h.awaitBulk(t, got.ID)
	want.State, want.Resent, want.FinishedAt = "done", 3, done.FinishedAt
	if diff := cmp.Diff(want, done); diff != "" || done.FinishedAt == nil {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	for _, id := range ids {
		got := h.await(t, id, DeliveryStatusDelivered)
		if last := got.AttemptHistory[len(got.AttemptHistory)-1]; got.Run != 2 || last.Trigger != "resend" || value(last.RequestedBy) != "[operate]" {
			t.Errorf("delivery in run %d, last attempt %+v", got.Run, last)
		}
	}

	// Delivered now, they are taken only when that is asked for.
	listed := object{"deliveryIds": append(slices.Clone(ids), ids[0], uuid.MustParse(anyID))}
	if c := h.countBulk(t, listed); c.Total != 0 {
		t.Errorf("counted %+v", c)
	}
	listed["again"] = true
	if c := h.countBulk(t, listed); c.Total != 3 || c.ByStatus.Delivered != 3 {
		t.Errorf("counted again %+v", c)
	}
	delete(listed, "dryRun")
	got = h.bulk(t, listed)
	if value(got.DeliveryCount) != 4 || got.Filter != nil || !got.Again || got.PerSecond != 50 || got.Total != 3 {
		t.Errorf("by ids: %+v", got)
	}
	if done := h.awaitBulk(t, got.ID); done.Resent != 3 {
		t.Errorf("by ids: %+v", done)
	}
	for _, id := range ids {
		h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Run == 3 && d.Status == delivery.Delivered })
	}
}

// What comes of the deliveries is counted for the order that re-sent them, and for
// no other: not for one that skipped them, nor once they are re-sent anew.
func TestBulkOutcomes(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle, once)
	r := newReceiver(t, says(200, "ok"))
	broken := newReceiver(t, says(500, "no"))
	h.hook(t, r.URL, object{"severities": []string{"LOW"}})
	h.hook(t, broken.URL, object{"severities": []string{"HIGH"}})
	paused := h.hook(t, r.URL, object{"severities": []string{"CRITICAL"}})
	wantStatus(t, h.post(t, destinationPath(paused)+"/pause", ""), 200)
	ids := map[string]uuid.UUID{}
	for name, severity := range map[string]string{
		"well": "LOW", "also well": "LOW", "by hand": "LOW", "broken": "HIGH", "broken, then mended": "HIGH", "held": "CRITICAL", "held, then cancelled": "CRITICAL",
	} {
		_, ids[name] = h.accept1(t, object{"severity": severity})
		wantStatus(t, h.post(t, deliveryPath(ids[name])+"/cancel", ""), 202)
	}
	all := object{"filter": object{"status": []string{"cancelled"}}, "perSecond": 1000}
	first, second := h.bulk(t, all), h.bulk(t, all)
	wantStatus(t, h.post(t, deliveryPath(ids["by hand"])+"/resend", ""), 202) // before its turn
	outcomes := func(b BulkResend) BulkResendOutcomes {
		return decode[BulkResendDetails](t, h.get(t, bulkPath+"/"+b.ID.String()), 200).Outcomes
	}
	for _, b := range []BulkResend{first, second} {
		if got := outcomes(b); got != (BulkResendOutcomes{}) {
			t.Errorf("before anything is re-sent: %+v", got)
		}
	}
	if err := h.dispatcher.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The orders are stepped through oldest first, so that the second finds nothing left.
	if a, b := h.awaitBulk(t, first.ID), h.awaitBulk(t, second.ID); a.Resent != 6 || a.Skipped != 1 || b.Resent != 0 || b.Skipped != 7 {
		t.Fatalf("first %+v, second %+v", a, b)
	}
	for _, name := range []string{"well", "also well", "by hand"} {
		h.await(t, ids[name], DeliveryStatusDelivered)
	}
	for _, name := range []string{"broken", "broken, then mended"} {
		h.await(t, ids[name], DeliveryStatusFailed)
	}
	want := BulkResendOutcomes{Delivered: 2, Failed: 2, Open: 2}
	wantOutcomes := func(when string) {
		t.Helper()
		if diff := cmp.Diff(want, outcomes(first)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if got := outcomes(second); got != (BulkResendOutcomes{}) {
			t.Errorf("%s: the order that re-sent nothing has %+v", when, got)
		}
	}
	wantOutcomes("once all have gone out")

	wantStatus(t, h.post(t, deliveryPath(ids["held, then cancelled"])+"/cancel", ""), 202)
	want = BulkResendOutcomes{Delivered: 2, Failed: 2, Open: 1, Cancelled: 1}
	wantOutcomes("after a cancel")

	broken.become(says(200, "mended"))
	wantStatus(t, h.post(t, deliveryPath(ids["broken, then mended"])+"/resend", ""), 202)
	h.await(t, ids["broken, then mended"], DeliveryStatusDelivered)
	want = BulkResendOutcomes{Delivered: 2, Failed: 1, Open: 1, Cancelled: 1, ResentAgain: 1}
	wantOutcomes("after a re-send by hand")

	third := h.bulk(t, object{"deliveryIds": []uuid.UUID{ids["broken"], ids["well"]}, "again": true, "perSecond": 1000})
	h.awaitBulk(t, third.ID)
	h.await(t, ids["broken"], DeliveryStatusDelivered)
	h.awaitRow(t, ids["well"], func(d delivery.Delivery) bool { return d.Run == 3 && d.Status == delivery.Delivered })
	want = BulkResendOutcomes{Delivered: 1, Open: 1, Cancelled: 1, ResentAgain: 3}
	wantOutcomes("after another order")
	if got := outcomes(third); got != (BulkResendOutcomes{Delivered: 2}) {
		t.Errorf("the other order has %+v", got)
	}

	h.exec(t, `DELETE FROM deliveries WHERE id = $1`, ids["also well"]) // as retention does
	want = BulkResendOutcomes{Open: 1, Cancelled: 1, ResentAgain: 3, Unknown: 1}
	wantOutcomes("after the retention")
}

// Each field of a filter selects as it does in the list, and is shown as given.
func TestBulkFilters(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(503, ""))
	one := h.hook(t, r.URL, object{"severities": []string{"LOW"}})
	h.hook(t, "http://127.0.0.1:1", object{"severities": []string{"HIGH"}})
	h.failed(t, object{"alertId": "low", "severity": "LOW", "type": "RULE"})
	h.failed(t, object{"alertId": "high", "severity": "HIGH", "type": "POLICY"})
	h.await(t, h.failed(t, object{"alertId": "none", "severity": "HIGH", "type": "SYSTEM_ERROR"}), "failed")
	at := func(d time.Duration) string {
		return time.Now().Add(d).UTC().Truncate(time.Second).Format(time.RFC3339)
	}
	for filter, want := range map[string]int{
		`{"status":["failed","held"]}`:                                      3,
		`{"status":["cancelled"]}`:                                          0,
		`{"reason":["attempts_exhausted"]}`:                                 3,
		`{"reason":["by_person"],"status":null}`:                            0,
		`{"destinationId":["` + one.ID.String() + `"]}`:                     1,
		`{"alertId":"high"}`:                                                1,
		`{"alertId":"HIGH"}`:                                                0,
		`{"class":["rejected"]}`:                                            1,
		`{"class":["rejected","refused"]}`:                                  3,
		`{"statusCode":503}`:                                                1,
		`{"routedBy":["manual"]}`:                                           0,
		`{"severity":["HIGH"]}`:                                             2,
		`{"severity":["HIGH"],"type":["POLICY"]}`:                           1,
		`{"type":["RULE","POLICY"]}`:                                        2,
		`{"from":"` + at(-time.Hour) + `"}`:                                 3,
		`{"from":"` + at(-2*time.Hour) + `","to":"` + at(-time.Hour) + `"}`: 0,
	} {
		if c := h.countBulk(t, object{"filter": json.RawMessage(filter)}); c.Total != want || c.Capped {
			t.Errorf("%s: counts %+v, want %d", filter, c, want)
		}
	}
	all := fmt.Sprintf(`{"status":["delivered"],"reason":["by_person"],"destinationId":[%q],"alertId":"x","class":["acked"],"statusCode":200,
		"routedBy":["manual"],"severity":["LOW"],"type":["RULE"],"from":%q,"to":%q}`, one.ID, at(-time.Hour), at(0))
	order := h.bulk(t, object{"filter": json.RawMessage(all), "again": true})
	if diff := cmp.Diff(compact(t, []byte(all)), compact(t, []byte(js(order.Filter)))); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(order.Filter, h.awaitBulk(t, order.ID).Filter); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestWrongBulkResends(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	id := `"` + anyID + `"`
	many := "[" + strings.TrimSuffix(strings.Repeat(id+",", 1001), ",") + "]"
	for body, fields := range map[string][]string{
		`{}`:                                 {"filter"},
		`{"filter":null,"deliveryIds":null}`: {"filter"},
		`{"filter":{}}`:                      {"filter"},
		`{"filter":{"status":null}}`:         {"filter"},
		`{"filter":[]}`:                      {"filter"},
		`{"filter":"failed"}`:                {"filter"},
		`{"filter":{"alertId":"x"},"deliveryIds":[` + id + `]}`: {"deliveryIds"},
		`{"deliveryIds":[]}`:                         {"deliveryIds"},
		`{"deliveryIds":["x"]}`:                      {"deliveryIds"},
		`{"deliveryIds":` + id + `}`:                 {"deliveryIds"},
		`{"deliveryIds":` + many + `}`:               {"deliveryIds"},
		`{"deliveryIds":[` + id + `,null]}`:          {"deliveryIds[1]"},
		`{"deliveryIds":[` + id + `],"perSecond":0}`: {"perSecond"},
		`{"deliveryIds":[` + id + `],"perSecond":1001,"again":1,"dryRun":"no","x":1}`: {"perSecond", "again", "dryRun", "x"},
		`{"perSecond":1.5}`:                                         {"perSecond", "filter"},
		`{"filter":{"status":[]}}`:                                  {"filter.status"},
		`{"filter":{"status":"failed"}}`:                            {"filter.status"},
		`{"filter":{"status":["failed","gone"]}}`:                   {"filter.status[1]"},
		`{"filter":{"status":["failed",null,""]}}`:                  {"filter.status[1]", "filter.status[2]"},
		`{"filter":{"statuses":["failed"]}}`:                        {"filter.statuses"},
		`{"filter":{"cursor":"x","limit":5}}`:                       {"filter.cursor", "filter.limit"},
		`{"filter":{"alertId":""}}`:                                 {"filter.alertId"},
		`{"filter":{"alertId":"a\u0000b"}}`:                         {"filter.alertId"},
		`{"filter":{"alertId":"` + strings.Repeat("é", 257) + `"}}`: {"filter.alertId"},
		`{"filter":{"statusCode":99,"destinationId":["x"],"from":"today","to":5,"reason":["x"],"class":[1],"routedBy":{},"severity":["low"],"type":[[]]}}`: {
			"filter.statusCode", "filter.destinationId[0]", "filter.from", "filter.to", "filter.reason[0]", "filter.class", "filter.routedBy",
			"filter.severity[0]", "filter.type",
		},
		`{"filter":{"statusCode":"500"}}`:           {"filter.statusCode"},
		`{"filter":{"statusCode":500.5}}`:           {"filter.statusCode"},
		`{"filter":{"destinationId":` + many + `}}`: {"filter.destinationId"},
	} {
		wantProblem(t, h.post(t, bulkPath, body), 422, ProblemCodeInvalid, fields...)
	}
	const nothing = `must have one that is re-sent: failed, cancelled or, with "again": true, delivered`
	for _, body := range []string{
		`{"filter":{"status":["delivered"]}}`, `{"filter":{"status":["held"]},"dryRun":true}`,
		`{"filter":{"status":["queued","retrying","held"]},"again":true}`,
	} {
		p := wantProblem(t, h.post(t, bulkPath, body), 422, ProblemCodeInvalid, "filter.status")
		if p.Errors[0].Code != FieldErrorCodeConflict || p.Errors[0].Message != nothing {
			t.Errorf("%s: %+v", body, p.Errors)
		}
	}
	const backwards = `{"filter":{"from":"2026-03-02T08:00:00Z","to":"2026-03-02T09:59:59+02:00"}}`
	wantBackwards(t, h.post(t, bulkPath, backwards), "filter.from")
	p := wantProblem(t, h.post(t, bulkPath, `{"filter":{"status":["x"]}}`), 422, ProblemCodeInvalid, "filter.status[0]")
	if want := "must be one of queued, retrying, held, delivered, failed, cancelled"; p.Errors[0].Message != want {
		t.Errorf("message %q, want %q", p.Errors[0].Message, want)
	}
	if n := h.count(t, `SELECT count(*) FROM bulk_resends`); n != 0 {
		t.Errorf("%d orders are stored", n)
	}
}

// The example shows a count that can be.
func TestBulkCountExample(t *testing.T) {
	t.Parallel()
	answer := loadContract(t).Paths.Find(bulkPath).Post.Responses.Status(200).Value.Content["application/json"]
	var c BulkCount
	if err := json.Unmarshal([]byte(js(answer.Example)), &c); err != nil {
		t.Fatal(err)
	}
	if by := c.ByStatus; c.Total == 0 || c.Total != by.Failed+by.Cancelled+by.Delivered || by.Queued+by.Retrying+by.Held != 0 {
		t.Errorf("%+v", c)
	}
}

func TestBulkResendStates(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.hook(t, "http://a.test")
	_, id := h.accept1(t)
	wantStatus(t, h.post(t, deliveryPath(id)+"/cancel", ""), 202)
	path := bulkPath + "/" + h.bulk(t, object{"deliveryIds": []uuid.UUID{id}}).ID.String()
	for _, c := range []struct {
		call string
		want BulkResendState // "": refused
	}{
		{"resume", "running"},
		{"pause", "paused"},
		{"pause", "paused"},
		{"resume", "running"},
		{"pause", "paused"},
		{"cancel", "cancelled"},
		{"cancel", "cancelled"},
		{"pause", ""},
		{"resume", ""},
	} {
		a := h.post(t, path+"/"+c.call, "")
		if c.want == "" {
			wantProblem(t, a, 409, ProblemCodeBulkResendFinal)
			continue
		}
		got := decode[BulkResend](t, a, 200)
		if stored := decode[BulkResendDetails](t, h.get(t, path), 200).BulkResend; got.State != c.want || !cmp.Equal(got, stored) || (got.FinishedAt != nil) != (c.want == "cancelled") {
			t.Errorf("%s leads to %+v, stored %+v", c.call, got, stored)
		}
	}
	if h.delivery(t, id).Run != 1 {
		t.Error("it was re-sent")
	}
	for _, call := range []string{"pause", "resume", "cancel"} {
		wantProblem(t, h.post(t, bulkPath+"/"+anyID+"/"+call, ""), 404, ProblemCodeNotFound)
		wantProblem(t, h.post(t, bulkPath+"/x/"+call, ""), 400, ProblemCodeMalformed, "id")
	}
	wantProblem(t, h.get(t, bulkPath+"/"+anyID), 404, ProblemCodeNotFound)
	const want = "bulk_resend.cancel bulk_resend.pause bulk_resend.resume bulk_resend.pause bulk_resend.start"
	if got := actions(h.audit(t, "subjectType=bulk_resend")); got != want {
		t.Errorf("audit log %q, want %q", got, want)
	}
}

func TestListBulkResends(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	if a := h.get(t, bulkPath); string(a.body) != `{"items":[],"nextCursor":null}`+"\n" {
		t.Errorf("none: %s", a.body)
	}
	var want, got []uuid.UUID
	for range 5 {
		want = append(want, h.bulk(t, object{"filter": object{"alertId": "x"}}).ID)
	}
	slices.Reverse(want)
	for more, pages := "", 0; pages == 0 || more != ""; pages++ {
		page := decode[BulkResendList](t, h.get(t, bulkPath+"?limit=2"+more), 200)
		for _, b := range page.Items {
			got = append(got, b.ID)
		}
		more = ""
		if page.NextCursor != nil {
			more = "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	wantProblem(t, h.get(t, bulkPath+"?limit=201&cursor=x&state=running"), 422, ProblemCodeInvalid, "limit", "cursor", "state")
	wantProblem(t, h.get(t, bulkPath+"?cursor="+newCursor("listDeliveries", anyID)), 422, ProblemCodeInvalid, "cursor")
}
