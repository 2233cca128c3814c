package api

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/delivery"
)

func (h *harness) resend(t testing.TB, id uuid.UUID, body string) answer {
	t.Helper()
	return h.post(t, deliveryPath(id)+"/resend", body)
}

// The receiver is mended and the delivery re-sent: both runs can be seen.
func TestResend(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(500, "broken"))
	h.hook(t, r.URL)
	alertID, id := h.accept1(t)
	h.await(t, id, DeliveryStatusFailed)
	how, _, release := waiting(t, says(200, "mended"))
	r.become(how)
	person := as(h.token(t, access.Operate))
	opened := decode[Delivery](t, h.post(t, deliveryPath(id)+"/resend", `{"run":1,"again":false}`, person), 202)
	if opened.Run != 2 || opened.Attempts != 0 || opened.MaxAttempts != 11 || opened.FinishedAt != nil || opened.Status != DeliveryStatusQueued ||
		opened.LastAttempt == nil || opened.LastAttempt.Number != 11 {
		t.Errorf("opened %+v", opened)
	}
	release()
	got := h.await(t, id, DeliveryStatusDelivered)
	if got.Run != 2 || got.Attempts != 1 || len(got.AttemptHistory) != 12 {
		t.Errorf("delivery %+v with %d attempts", got.Delivery, len(got.AttemptHistory))
	}
	last := got.AttemptHistory[11]
	if last.Number != 12 || last.Run != 2 || last.Trigger != AttemptTriggerResend || *last.RequestedBy != "[operate]" || *last.ResponseBody != "mended" {
		t.Errorf("last attempt %+v", last)
	}
	type run struct {
		n       int
		trigger RunTrigger
		by      string
	}
	var runs []run
	for _, x := range got.Runs {
		runs = append(runs, run{x.Run, x.Trigger, value(x.RequestedBy)})
	}
	if diff := cmp.Diff([]run{{1, RunTriggerAutomatic, ""}, {2, RunTriggerResend, "[operate]"}}, runs, cmp.AllowUnexported(run{})); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	all := r.received()
	if n := all[11].header.Get("Belfry-Attempt"); n != "12" || all[11].header.Get("Webhook-Id") != all[0].header.Get("Webhook-Id") {
		t.Errorf("Belfry-Attempt %s, webhook-id %s", n, all[11].header.Get("Webhook-Id"))
	}
	if log := h.texts(t, `SELECT actor || ' ' || detail FROM audit_log WHERE action = 'delivery.resend' AND subject_id = $1`, id.String()); len(log) != 1 ||
		log[0] != `[operate] {"alertId":"`+alertID+`","run":2,"statusBefore":"failed"}` {
		t.Errorf("audit log %q", log)
	}
}

// What was delivered is sent again only for somebody who says so.
func TestResendDelivered(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(200, ""))
	h.hook(t, r.URL)
	_, id := h.accept1(t)
	first := h.await(t, id, DeliveryStatusDelivered)
	for _, body := range []string{"", "{}", `{"run":1}`, `{"again":false}`, `{"run":1,"again":null}`} {
		wantProblem(t, h.resend(t, id, body), 409, ProblemCodeDeliveryDelivered)
	}
	r.become(says(500, "now broken"))
	wantStatus(t, h.resend(t, id, `{"again":true,"run":1}`), 202)
	got := h.await(t, id, DeliveryStatusFailed)
	if got.FirstAckAt == nil || !got.FirstAckAt.Equal(*first.FirstAckAt) || got.Run != 2 {
		t.Errorf("the first ack is lost: %+v", got.Delivery)
	}
}

// A click repeated, or made on a page that is out of date, opens nothing.
func TestResendTwice(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(500, ""))
	h.hook(t, r.URL)
	id := h.failed(t)
	how, asked, release := waiting(t, says(200, ""))
	r.become(how)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if d := decode[Delivery](t, h.resend(t, id, `{"run":1}`), 202); d.Run != 2 || d.Status != DeliveryStatusQueued {
				t.Errorf("answered %s in run %d", d.Status, d.Run)
			}
		})
	}
	wg.Wait()
	<-asked
	for _, body := range []string{"", `{"run":1}`, `{"run":2}`, `{"run":9}`} { // in flight: it has yet to be tried
		if d := decode[Delivery](t, h.resend(t, id, body), 202); d.Run != 2 {
			t.Errorf("%s opened run %d", body, d.Run)
		}
	}
	release()
	h.await(t, id, DeliveryStatusDelivered)
	for _, body := range []string{`{"run":1}`, `{"run":1,"again":true}`, `{"run":3,"again":true}`} {
		if d := decode[Delivery](t, h.resend(t, id, body), 202); d.Run != 2 || d.Status != DeliveryStatusDelivered {
			t.Errorf("%s: %s in run %d", body, d.Status, d.Run)
		}
	}
	if n := len(r.received()); n != 2 {
		t.Errorf("received %d times, want 2", n)
	}
	if runs, log := h.count(t, `SELECT count(*) FROM runs`), h.count(t, `SELECT count(*) FROM audit_log WHERE action = 'delivery.resend'`); runs != 2 || log != 1 {
		t.Errorf("%d runs, %d lines in the audit log", runs, log)
	}
}

func TestWaitingDelivery(t *testing.T) {
	t.Parallel()
	h := newAPI(t, patient)
	r := newReceiver(t, says(500, ""))
	h.hook(t, r.URL)
	_, id := h.accept1(t)
	retrying := h.await(t, id, DeliveryStatusRetrying)
	if retrying.Attempts != 1 || retrying.MaxAttempts != 3 || retrying.DueAt == nil || retrying.DueAt.Sub(retrying.AttemptHistory[0].StartedAt).Hours() < 1 {
		t.Errorf("retrying %+v", retrying.Delivery)
	}
	wantProblem(t, h.resend(t, id, ""), 409, ProblemCodeDeliveryOpen)
	wantProblem(t, h.resend(t, id, `{"run":1,"again":true}`), 409, ProblemCodeDeliveryOpen)

	sentNow := decode[Delivery](t, h.post(t, deliveryPath(id)+"/send-now", ""), 202)
	if sentNow.Run != 1 {
		t.Errorf("sent now: %+v", sentNow)
	}
	h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Attempts == 2 })
	got := h.delivery(t, id)
	if a := got.AttemptHistory[1]; a.Trigger != AttemptTriggerSendNow || *a.RequestedBy != "[admin]" || a.Run != 1 || got.Status != DeliveryStatusRetrying {
		t.Errorf("attempt %+v", a)
	}

	cancelled := decode[Delivery](t, h.post(t, deliveryPath(id)+"/cancel", ""), 202)
	if cancelled.Status != DeliveryStatusCancelled || *cancelled.Reason != DeliveryReasonByPerson || cancelled.DueAt != nil || cancelled.FinishedAt == nil {
		t.Errorf("cancelled %+v", cancelled)
	}
	again := decode[Delivery](t, h.post(t, deliveryPath(id)+"/cancel", ""), 202)
	if diff := cmp.Diff(cancelled, again); diff != "" {
		t.Errorf("cancelled twice (-once +twice):\n%s", diff)
	}
	wantProblem(t, h.post(t, deliveryPath(id)+"/send-now", ""), 409, ProblemCodeDeliveryFinal)
	r.become(says(200, ""))
	wantStatus(t, h.resend(t, id, `{"run":1}`), 202)
	if got := h.await(t, id, DeliveryStatusDelivered); got.Run != 2 || len(got.AttemptHistory) != 3 {
		t.Errorf("after a re-send: %+v", got.Delivery)
	}
}

func TestFinalDeliveries(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(500, ""))
	h.hook(t, r.URL)
	failed := h.failed(t)
	r.become(says(200, ""))
	_, delivered := h.accept1(t)
	h.await(t, delivered, DeliveryStatusDelivered)
	for _, id := range []uuid.UUID{failed, delivered} {
		wantProblem(t, h.post(t, deliveryPath(id)+"/send-now", ""), 409, ProblemCodeDeliveryFinal)
		wantProblem(t, h.post(t, deliveryPath(id)+"/cancel", ""), 409, ProblemCodeDeliveryFinal)
	}
	for body, fields := range map[string][]string{
		`{"run":0}`: {"run"}, `{"run":-1}`: {"run"}, `{"run":"1"}`: {"run"}, `{"run":1.5,"again":"yes","force":true}`: {"run", "again", "force"},
		`{"run":0,"more":1}`: {"run", "more"}, `{"run":1e400}`: {"run"},
	} {
		wantProblem(t, h.resend(t, failed, body), 422, ProblemCodeInvalid, fields...)
	}
	if d := decode[Delivery](t, h.resend(t, failed, `{"run":9007199254740993}`), 202); d.Run != 1 {
		t.Errorf("opened run %d", d.Run)
	}
	for _, call := range []string{"", "/resend", "/send-now", "/cancel"} {
		method := map[bool]string{true: http.MethodGet, false: http.MethodPost}[call == ""]
		wantProblem(t, h.call(t, method, deliveriesPath+"/"+anyID+call, ""), 404, ProblemCodeNotFound)
		wantProblem(t, h.call(t, method, deliveriesPath+"/1"+call, ""), 400, ProblemCodeMalformed, "id")
	}
}

// A paused destination gets what a person asks for, and the rest when it is
// resumed.
func TestHeldDeliveries(t *testing.T) {
	t.Parallel()
	h := newAPI(t, once)
	r := newReceiver(t, says(200, ""))
	d := h.hook(t, r.URL)
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
	var ids []uuid.UUID
	for range 4 {
		a := h.accept(t)
		if x := a.Deliveries[0]; x.Status != DeliveryStatusHeld || *x.Reason != DeliveryReasonPaused {
			t.Errorf("accepted %+v", x)
		}
		ids = append(ids, a.Deliveries[0].ID)
	}
	if got := h.delivery(t, ids[0]); got.DueAt == nil || got.LastAttempt != nil || len(got.AttemptHistory) != 0 || len(got.Runs) != 1 {
		t.Errorf("held %+v", got)
	}
	wantStatus(t, h.post(t, deliveryPath(ids[0])+"/send-now", ""), 202)
	if got := h.await(t, ids[0], DeliveryStatusDelivered); got.Run != 1 || got.AttemptHistory[0].Trigger != AttemptTriggerSendNow {
		t.Errorf("sent now: %+v", got.AttemptHistory)
	}
	wantStatus(t, h.resend(t, ids[1], `{"run":1}`), 202)
	if got := h.await(t, ids[1], DeliveryStatusDelivered); got.Run != 2 || got.AttemptHistory[0].Trigger != AttemptTriggerResend {
		t.Errorf("re-sent: %+v", got.AttemptHistory)
	}
	wantStatus(t, h.post(t, deliveryPath(ids[2])+"/cancel", ""), 202)
	if got := h.delivery(t, ids[3]); got.Status != DeliveryStatusHeld {
		t.Errorf("still paused, and %s", got.Status)
	}
	wantStatus(t, h.post(t, destinationPath(d)+"/resume", ""), 200)
	h.await(t, ids[3], DeliveryStatusDelivered)
	if got := h.delivery(t, ids[2]); got.Status != DeliveryStatusCancelled || len(r.received()) != 3 {
		t.Errorf("cancelled, and %s; received %d times", got.Status, len(r.received()))
	}
}

// An attempt that is under way when somebody cancels is not cut short, and its
// ack is the truth.
func TestCancelInFlight(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	how, asked, release := waiting(t, says(200, "after all"))
	r := newReceiver(t, how)
	h.hook(t, r.URL)
	_, id := h.accept1(t)
	<-asked
	wantStatus(t, h.post(t, deliveryPath(id)+"/send-now", ""), 202) // it is being sent
	if d := decode[Delivery](t, h.post(t, deliveryPath(id)+"/cancel", ""), 202); d.Status != DeliveryStatusCancelled {
		t.Errorf("cancelled %+v", d)
	}
	release()
	got := h.await(t, id, DeliveryStatusDelivered)
	if len(got.AttemptHistory) != 1 || got.AttemptHistory[0].Counted || *got.LastAttempt.ResponseBody != "after all" {
		t.Errorf("attempts %+v", got.AttemptHistory)
	}
}

// Deliveries of a deleted destination keep its name, are cancelled, and cannot
// be sent.
func TestDeliveriesOfDeletedDestination(t *testing.T) {
	t.Parallel()
	h := newAPI(t, patient)
	r := newReceiver(t, says(200, ""))
	d := h.hook(t, r.URL, object{"displayName": "doomed"})
	alertID, delivered := h.accept1(t)
	h.await(t, delivered, DeliveryStatusDelivered)
	r.become(says(500, ""))
	_, open := h.accept1(t)
	h.await(t, open, DeliveryStatusRetrying)
	wantStatus(t, h.delete(t, destinationPath(d)), 204)
	// Before or after it is cancelled in the background.
	if p := decode[Problem](t, h.post(t, deliveryPath(open)+"/send-now", ""), 409); p.Code != ProblemCodeDestinationDeleted && p.Code != ProblemCodeDeliveryFinal {
		t.Errorf("send-now: %s", p.Code)
	}
	got := h.await(t, open, DeliveryStatusCancelled)
	if *got.Reason != DeliveryReasonDestinationDeleted || !got.Destination.Deleted || got.Destination.DisplayName != "doomed" || len(got.AttemptHistory) != 1 {
		t.Errorf("delivery %+v", got.Delivery)
	}
	wantProblem(t, h.resend(t, open, `{"run":1}`), 409, ProblemCodeDestinationDeleted)
	wantProblem(t, h.resend(t, delivered, `{"again":true}`), 409, ProblemCodeDestinationDeleted)
	wantProblem(t, h.resend(t, delivered, ``), 409, ProblemCodeDeliveryDelivered)
	wantProblem(t, h.post(t, deliveryPath(open)+"/send-now", ""), 409, ProblemCodeDeliveryFinal)
	if got := h.delivery(t, open); got.Run != 1 || len(got.Runs) != 1 {
		t.Errorf("a refused re-send left a run: %+v", got.Runs)
	}
	if x := h.alert(t, alertID).Deliveries[0]; !x.Destination.Deleted || x.Status != DeliveryStatusDelivered {
		t.Errorf("history %+v", x)
	}
	list := decode[DeliveryList](t, h.get(t, deliveriesPath+"?destinationId="+d.ID.String()+"&reason=destination_deleted"), 200)
	if len(list.Items) != 1 || list.Items[0].ID != open {
		t.Errorf("listed %+v", list.Items)
	}
	path := deliveryPath(open) + "/attempts/" + got.AttemptHistory[0].ID.String()
	wantStatus(t, h.get(t, path), 200)
}
