package api

import (
	"net/http"
	"testing"

	"belfry/internal/delivery"
)

// What is shown of an attempt is what was sent, and why it was made when it was.
func TestAttemptSaysWhatWasSentAndWhy(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, nil)
	r.become(func(w http.ResponseWriter, q *http.Request) { // the first is refused
		r.become(says(200, "success"))
		says(500, "busy")(w, q)
	})
	h.hook(t, r.URL)
	_, id := h.accept1(t)
	d := h.await(t, id, DeliveryStatusDelivered)
	first, second := d.AttemptHistory[0], d.AttemptHistory[1]
	if first.WaitReason != nil || first.WaitedMs != nil {
		t.Errorf("the first waited for %v", value(first.WaitReason))
	}
	if value(second.WaitReason) != WaitReasonSchedule || value(second.WaitedMs) <= 0 {
		t.Errorf("the second waited for %v, %v ms", value(second.WaitReason), value(second.WaitedMs))
	}
	path := deliveryPath(id) + "/attempts/" + second.ID.String()
	a := decode[Attempt](t, h.get(t, path), 200)
	if a.RequestMethod != "POST" || value(a.RequestURL) != r.URL || value(a.RequestBody) != string(r.received()[1].body) {
		t.Errorf("%s %s %s", a.RequestMethod, value(a.RequestURL), value(a.RequestBody))
	}
	if n := h.count(t, `SELECT count(*) FROM attempts WHERE request_body IS NOT NULL OR request_method IS NOT NULL`); n != 0 {
		t.Errorf("%d of the attempts keep what the alert says", n)
	}
	wantStatus(t, h.post(t, deliveryPath(id)+"/resend", `{"again":true}`), 202)
	h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Run == 2 && d.Status == delivery.Delivered })
	if again := h.delivery(t, id).AttemptHistory[2]; value(again.WaitReason) != WaitReasonManual {
		t.Errorf("a re-send waited for %v", value(again.WaitReason))
	}
	// A form of the payload that nobody can write any more is not made up.
	h.exec(t, `UPDATE attempts SET payload_version = 99 WHERE id = $1`, second.ID)
	if a := decode[Attempt](t, h.get(t, path), 200); a.RequestBody != nil {
		t.Errorf("of another form of the payload it shows %s", *a.RequestBody)
	}
	// Attempts of before do not say: they sent the first form there was.
	h.exec(t, `UPDATE attempts SET payload_version = NULL, request_url = NULL WHERE id = $1`, second.ID)
	if a := decode[Attempt](t, h.get(t, path), 200); value(a.RequestBody) != string(r.received()[1].body) || a.RequestURL != nil {
		t.Errorf("of before: %+v", a)
	}
	// Where there was no request, there was no body.
	h.exec(t, `UPDATE attempts SET request_headers = '[]' WHERE id = $1`, second.ID)
	if a := decode[Attempt](t, h.get(t, path), 200); a.RequestBody != nil {
		t.Errorf("without a request it shows %s", *a.RequestBody)
	}
}
