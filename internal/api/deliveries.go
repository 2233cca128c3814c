package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/invalid"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

// Bytes of a response body in an answer: a list of 200 deliveries shows only the
// beginning of each.
const (
	listedBody = 2 << 10
	wholeBody  = 1 << 20
)

// ListDeliveries lists deliveries across alerts, newest first.
func (s *Server) ListDeliveries(ctx context.Context, r ListDeliveriesRequestObject) (ListDeliveriesResponseObject, error) {
	p := r.Params
	n, before, err := pageID("listDeliveries", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	f := newDeliveryFilter(CountDeliveriesParams{
		Reason: p.Reason, DestinationID: p.DestinationID, AlertID: p.AlertID, Class: p.Class, StatusCode: p.StatusCode,
		RoutedBy: p.RoutedBy, Severity: p.Severity, Type: p.Type, From: p.From, To: p.To,
	})
	f.Statuses, f.Before, f.Limit = splitList(p.Status), before, n+1
	list, rest, err := s.DB.Deliveries(ctx, f)
	if err != nil {
		return nil, err
	}
	list, cursor := next("listDeliveries", list, n, func(v postgres.DeliveryView) string { return v.ID.String() })
	deliveries, err := s.newDeliveries(ctx, list, listedBody)
	if err != nil {
		return nil, err
	}
	answer := ListDeliveries200JSONResponse{Items: make([]ListedDelivery, len(list)), NextCursor: orRest("listDeliveries", cursor, rest)}
	for i, v := range list {
		answer.Items[i] = ListedDelivery{Delivery: deliveries[i], Alert: newAlertRef(v)}
	}
	return answer, nil
}

// CountDeliveries counts the same by status.
func (s *Server) CountDeliveries(ctx context.Context, r CountDeliveriesRequestObject) (CountDeliveriesResponseObject, error) {
	done, err := s.counting.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	counts, err := s.DB.CountDeliveries(ctx, newDeliveryFilter(r.Params))
	if err != nil {
		return nil, err
	}
	of := func(status delivery.Status) StatusCount {
		return StatusCount{Count: counts[status].Count, Capped: counts[status].Capped}
	}
	return CountDeliveries200JSONResponse{
		Queued: of(delivery.Queued), Retrying: of(delivery.Retrying), Held: of(delivery.Held),
		Delivered: of(delivery.Delivered), Failed: of(delivery.Failed), Cancelled: of(delivery.Cancelled),
	}, nil
}

func newStatusCounts(counts map[delivery.Status]int) StatusCounts {
	return StatusCounts{
		Queued: counts[delivery.Queued], Retrying: counts[delivery.Retrying], Held: counts[delivery.Held],
		Delivered: counts[delivery.Delivered], Failed: counts[delivery.Failed], Cancelled: counts[delivery.Cancelled],
	}
}

// newDeliveryFilter relies on checkQuery: an id is one.
func newDeliveryFilter(p CountDeliveriesParams) postgres.DeliveryFilter {
	f := postgres.DeliveryFilter{
		Reasons: splitList(p.Reason), Classes: splitList(p.Class), RoutedBy: splitList(p.RoutedBy), Severities: splitList(p.Severity), Types: splitList(p.Type),
		AlertID: value(p.AlertID), StatusCode: value(p.StatusCode), From: value(p.From), To: value(p.To),
	}
	for _, id := range splitList(p.DestinationID) {
		f.DestinationIDs = append(f.DestinationIDs, uuid.MustParse(id))
	}
	return f
}

// GetDelivery answers one delivery with its runs and all its attempts.
func (s *Server) GetDelivery(ctx context.Context, r GetDeliveryRequestObject) (GetDeliveryResponseObject, error) {
	v, err := s.DB.Delivery(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.DB.AttemptsOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	runs, err := s.DB.Runs(ctx, v.Delivery)
	if err != nil {
		return nil, err
	}
	answer := GetDelivery200JSONResponse{
		Delivery: newDelivery(v, nil), Alert: newAlertRef(v),
		AttemptHistory: make([]AttemptSummary, len(attempts)), Runs: make([]Run, len(runs)),
	}
	for i, a := range attempts {
		answer.AttemptHistory[i] = newAttemptSummary(a)
		if a.ID == v.LastAttemptID {
			answer.Delivery.LastAttempt = &answer.AttemptHistory[i]
		}
	}
	for i, run := range runs {
		answer.Runs[i] = Run{
			Run: run.Run, Trigger: RunTrigger(run.Trigger), RequestedBy: orNil(run.RequestedBy),
			OpenedAt: run.OpenedAt.UTC(), MaxAttempts: run.MaxAttempts,
		}
	}
	return answer, nil
}

// GetAttempt answers one attempt with headers and bodies, both ways.
func (s *Server) GetAttempt(ctx context.Context, r GetAttemptRequestObject) (GetAttemptResponseObject, error) {
	v, err := s.DB.Delivery(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.DB.AttemptsByID(ctx, []uuid.UUID{r.AttemptID}, wholeBody)
	if err != nil {
		return nil, err
	}
	a, ok := found[r.AttemptID]
	if !ok || a.DeliveryID != r.ID {
		return nil, fmt.Errorf("attempt %s: %w", r.AttemptID, postgres.ErrNotFound)
	}
	sent, err := s.DB.Alert(ctx, v.AlertID)
	if err != nil {
		return nil, err
	}
	// An alert never changes, so its payload is what was sent then too.
	payload, err := sent.Payload()
	if err != nil {
		return nil, fmt.Errorf("write payload: %w", err)
	}
	return GetAttempt200JSONResponse(newAttempt(a, payload)), nil
}

// ResendDelivery opens a new run.
func (s *Server) ResendDelivery(ctx context.Context, r ResendDeliveryRequestObject) (ResendDeliveryResponseObject, error) {
	var (
		run   *int
		again bool
	)
	wrong, err := readBody(r.Body, map[string]any{"run": &run, "again": &again})
	if err != nil {
		return nil, err
	}
	if run != nil && *run < 1 {
		wrong.Add("run", invalid.CodeFormat, "must be at least 1")
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	v, err := s.Dispatcher.Resend(ctx, r.ID, value(run), again, actor(ctx))
	if err != nil {
		return nil, err
	}
	d, err := s.newDeliveries(ctx, []postgres.DeliveryView{v}, wholeBody)
	if err != nil {
		return nil, err
	}
	return ResendDelivery202JSONResponse(d[0]), nil
}

// SendDeliveryNow brings the next attempt forward.
func (s *Server) SendDeliveryNow(ctx context.Context, r SendDeliveryNowRequestObject) (SendDeliveryNowResponseObject, error) {
	v, err := s.Dispatcher.SendNow(ctx, r.ID, actor(ctx))
	if err != nil {
		return nil, err
	}
	d, err := s.newDeliveries(ctx, []postgres.DeliveryView{v}, wholeBody)
	if err != nil {
		return nil, err
	}
	return SendDeliveryNow202JSONResponse(d[0]), nil
}

// CancelDelivery ends an open delivery.
func (s *Server) CancelDelivery(ctx context.Context, r CancelDeliveryRequestObject) (CancelDeliveryResponseObject, error) {
	v, err := s.Dispatcher.Cancel(ctx, r.ID, actor(ctx))
	if err != nil {
		return nil, err
	}
	d, err := s.newDeliveries(ctx, []postgres.DeliveryView{v}, wholeBody)
	if err != nil {
		return nil, err
	}
	return CancelDelivery202JSONResponse(d[0]), nil
}

// newDeliveries turns views into answers, each with its newest attempt and at
// most maxBody bytes of what that got back.
func (s *Server) newDeliveries(ctx context.Context, views []postgres.DeliveryView, maxBody int) ([]Delivery, error) {
	var ids []uuid.UUID
	for _, v := range views {
		if v.LastAttemptID != uuid.Nil {
			ids = append(ids, v.LastAttemptID)
		}
	}
	attempts := map[uuid.UUID]delivery.Attempt{}
	if len(ids) > 0 {
		var err error
		if attempts, err = s.DB.AttemptsByID(ctx, ids, maxBody); err != nil {
			return nil, err
		}
	}
	list := make([]Delivery, len(views))
	for i, v := range views {
		var last *AttemptSummary
		if a, ok := attempts[v.LastAttemptID]; ok {
			summary := newAttemptSummary(a)
			last = &summary
		}
		list[i] = newDelivery(v, last)
	}
	return list, nil
}

func newDelivery(v postgres.DeliveryView, last *AttemptSummary) Delivery {
	return Delivery{
		ID: v.ID, AlertID: v.AlertID, Destination: newDestinationRef(v), Status: DeliveryStatus(v.Status),
		Reason: orNil(DeliveryReason(v.Reason)), RoutedBy: RoutedBy(v.RoutedBy), Why: v.RoutedBy.Why(),
		Run: v.Run, Attempts: v.Attempts, MaxAttempts: v.MaxAttempts, DueAt: timeOrNil(v.DueAt),
		CreatedAt: v.CreatedAt.UTC(), FirstAckAt: timeOrNil(v.FirstAckAt), FinishedAt: timeOrNil(v.FinishedAt),
		LastAttempt: last,
	}
}

func newDeliverySummary(v postgres.DeliveryView) DeliverySummary {
	return DeliverySummary{
		ID: v.ID, Destination: newDestinationRef(v), Status: DeliveryStatus(v.Status), Reason: orNil(DeliveryReason(v.Reason)),
		Attempts: v.Attempts, MaxAttempts: v.MaxAttempts, DueAt: timeOrNil(v.DueAt),
		StatusCode: orNil(v.LastCode), Class: orNil(AttemptClass(v.LastClass)),
	}
}

func newDestinationRef(v postgres.DeliveryView) DestinationRef {
	return DestinationRef{ID: v.DestinationID, DisplayName: v.DestinationName, Type: DestinationType(v.DestinationType), Deleted: v.Deleted}
}

func newAlertRef(v postgres.DeliveryView) AlertRef {
	return AlertRef{AlertID: v.AlertID, Title: v.AlertTitle, Severity: Severity(v.AlertSeverity), Type: AlertType(v.AlertType)}
}

// newAttemptSummary gives the body as text if it is UTF-8, else as base64.
func newAttemptSummary(a delivery.Attempt) AttemptSummary {
	summary := AttemptSummary{
		ID: a.ID, Number: a.Number, Run: a.Run, Trigger: AttemptTrigger(a.Trigger), RequestedBy: orNil(a.RequestedBy),
		StartedAt: a.StartedAt.UTC(), DurationMs: ms(a.Duration), Class: AttemptClass(a.Class), StatusCode: orNil(a.StatusCode),
		WaitReason: orNil(WaitReason(a.WaitReason)), Error: orNil(a.Error), Counted: a.Counted, ResponseSize: a.BodySize, ResponseTruncated: a.Truncated,
		ResponseStorage: ResponseStorage(cmp.Or(a.ResponseStorage, destination.StoreFull)),
	}
	if a.Waited > 0 {
		summary.WaitedMs = ptrTo(ms(a.Waited))
	}
	switch {
	case a.StatusCode == 0, a.ResponseStorage == destination.StoreHeaders, a.ResponseStorage == destination.StoreNone:
	case utf8.Valid(whole(a)):
		text := string(whole(a))
		summary.ResponseBody = &text
	default:
		summary.ResponseBodyBase64 = a.Body
	}
	return summary
}

// whole returns a body without the part of a character that a cut left at its
// end.
func whole(a delivery.Attempt) []byte {
	body := a.Body
	for i := 1; a.Truncated && i <= min(3, len(body)); i++ {
		if tail := body[len(body)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				body = body[:len(body)-i]
			}
			break
		}
	}
	return body
}

// firstPayload is the version of payloads whose attempts do not say which they sent.
const firstPayload = 1

// requestBody returns the body of a request: what is stored of it, or the alert's
// payload if that is still written as it was then.
func requestBody(a delivery.Attempt, payload []byte) *string {
	switch {
	case a.Sent.Body != nil:
		return ptrTo(strings.ToValidUTF8(string(a.Sent.Body), "\uFFFD"))
	case a.Sent.URL == "" && len(a.RequestHeaders) == 0 && !a.Stripped: // there was no request; those of before that had one have headers
		return nil
	case a.Stripped && a.Sent.BodySize > 0, cmp.Or(a.Sent.Payload, firstPayload) != alert.PayloadVersion:
		return nil
	}
	return ptrTo(string(payload))
}

func newAttempt(a delivery.Attempt, payload []byte) Attempt {
	t := a.Timing
	return Attempt{
		AttemptSummary: newAttemptSummary(a), Address: orNil(a.Address), DeliveryID: orNil(a.DeliveryID),
		DestinationID: orNil(a.DestinationID), RequestBody: requestBody(a, payload), RequestHeaders: newHeaders(a.RequestHeaders),
		RequestMethod: cmp.Or(a.Sent.Method, http.MethodPost), RequestURL: orNil(a.Sent.URL), RequestBodyTruncated: a.Sent.Truncated(),
		ResponseHeaders: newHeaders(a.ResponseHeaders), RetriedStale: a.RetriedStale, Stripped: a.Stripped,
		ResponseHeadersTruncated: a.HeadersTruncated,
		Timing:                   Timing{DNSMs: ms(t.DNS), ConnectMs: ms(t.Connect), TLSMs: ms(t.TLS), FirstByteMs: ms(t.FirstByte), BodyMs: ms(t.Body)},
	}
}

func newHeaders(headers []outbound.Header) []Header {
	list := make([]Header, len(headers))
	for i, h := range headers {
		list[i] = Header(h)
	}
	return list
}

// ms is a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
