package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"belfry/internal/dispatch"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

const (
	maxBulkIDs       = 1000
	maxPerSecond     = 1000
	defaultPerSecond = 50
)

// StartBulkResend orders to re-send many deliveries, or counts them.
func (s *Server) StartBulkResend(ctx context.Context, r StartBulkResendRequestObject) (StartBulkResendResponseObject, error) {
	order, dry, err := readBulkOrder(r.Body)
	if err != nil {
		return nil, err
	}
	done, err := s.bulkCounting.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if dry {
		c, err := s.Dispatcher.CountBulk(ctx, s.DB, order)
		return StartBulkResend200JSONResponse{Total: c.Total, Capped: c.Capped, ByStatus: newStatusCounts(c.ByStatus)}, err
	}
	b, err := s.Dispatcher.StartBulk(ctx, s.DB, order, actor(ctx))
	return StartBulkResend202JSONResponse(newBulkResend(b)), err
}

func readBulkOrder(body *json.RawMessage) (order dispatch.BulkOrder, dry bool, err error) {
	order.PerSecond = defaultPerSecond
	var (
		filter json.RawMessage
		ids    []uuid.UUID
	)
	wrong, err := readBody(body, map[string]any{
		"filter": &filter, "deliveryIds": &ids, "again": &order.Again, "perSecond": &order.PerSecond, "dryRun": &dry,
	})
	if err != nil {
		return order, dry, err
	}
	byFilter := len(filter) > 0 && string(filter) != "null"
	switch {
	case byFilter && ids != nil:
		wrong.Add("deliveryIds", invalid.CodeConflict, "give either a filter or deliveryIds")
	case byFilter:
		order.Filter = readDeliveryFilter(&wrong, filter)
		if len(order.Takes()) == 0 {
			wrong.Add("filter.status", invalid.CodeConflict, `must have one that is re-sent: failed, cancelled or, with "again": true, delivered`)
		}
	case wrong.Has("deliveryIds"):
	case ids == nil:
		wrong.Add("filter", invalid.CodeRequired, "give a filter or deliveryIds")
	default:
		order.DeliveryIDs = checkBulkIDs(&wrong, ids)
	}
	if order.PerSecond < 1 || order.PerSecond > maxPerSecond {
		wrong.Add("perSecond", invalid.CodeFormat, fmt.Sprintf("must be from 1 to %d", maxPerSecond))
	}
	return order, dry, wrong.Sorted()
}

// checkBulkIDs returns ids once each.
func checkBulkIDs(wrong *invalid.FieldErrors, ids []uuid.UUID) []uuid.UUID {
	switch {
	case len(ids) == 0:
		wrong.Add("deliveryIds", invalid.CodeRequired, "must name at least one delivery")
	case len(ids) > maxBulkIDs:
		wrong.Add("deliveryIds", invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxBulkIDs))
	}
	if i := slices.Index(ids, uuid.Nil); i >= 0 { // null, too
		wrong.Add(fmt.Sprintf("deliveryIds[%d]", i), invalid.CodeFormat, "must be an id")
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// ListBulkResends lists orders, newest first.
func (s *Server) ListBulkResends(ctx context.Context, r ListBulkResendsRequestObject) (ListBulkResendsResponseObject, error) {
	n, before, err := pageID("listBulkResends", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := s.DB.BulkResends(ctx, before, n+1)
	if err != nil {
		return nil, err
	}
	list, cursor := next("listBulkResends", list, n, func(b postgres.BulkResend) string { return b.ID.String() })
	answer := ListBulkResends200JSONResponse{Items: make([]BulkResend, len(list)), NextCursor: cursor}
	for i, b := range list {
		answer.Items[i] = newBulkResend(b)
	}
	return answer, nil
}

// GetBulkResend answers one order, how far it is, and what has come of it.
func (s *Server) GetBulkResend(ctx context.Context, r GetBulkResendRequestObject) (GetBulkResendResponseObject, error) {
	done, err := s.bulkCounting.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	b, o, err := s.DB.BulkResendOutcomes(ctx, r.ID)
	return GetBulkResend200JSONResponse{
		BulkResend: newBulkResend(b),
		Outcomes: BulkResendOutcomes{
			Delivered: o.Delivered, Failed: o.Failed, Cancelled: o.Cancelled, Open: o.Open, ResentAgain: o.ResentAgain,
			Unknown: b.Resent - o.Delivered - o.Failed - o.Cancelled - o.Open - o.ResentAgain,
		},
	}, err
}

// PauseBulkResend stops an order until it is resumed.
func (s *Server) PauseBulkResend(ctx context.Context, r PauseBulkResendRequestObject) (PauseBulkResendResponseObject, error) {
	b, err := s.Dispatcher.PauseBulk(ctx, r.ID, actor(ctx))
	return PauseBulkResend200JSONResponse(newBulkResend(b)), err
}

// ResumeBulkResend lets an order go on.
func (s *Server) ResumeBulkResend(ctx context.Context, r ResumeBulkResendRequestObject) (ResumeBulkResendResponseObject, error) {
	b, err := s.Dispatcher.ResumeBulk(ctx, r.ID, actor(ctx))
	return ResumeBulkResend200JSONResponse(newBulkResend(b)), err
}

// CancelBulkResend ends an order.
func (s *Server) CancelBulkResend(ctx context.Context, r CancelBulkResendRequestObject) (CancelBulkResendResponseObject, error) {
	b, err := s.Dispatcher.CancelBulk(ctx, r.ID, actor(ctx))
	return CancelBulkResend200JSONResponse(newBulkResend(b)), err
}

func newBulkResend(b postgres.BulkResend) BulkResend {
	answer := BulkResend{
		ID: b.ID, State: BulkResendState(b.State), Again: b.Again, PerSecond: b.PerSecond, Total: b.Total, Resent: b.Resent,
		Skipped: b.Skipped, RequestedBy: b.RequestedBy, CreatedAt: b.CreatedAt.UTC(), FinishedAt: timeOrNil(b.FinishedAt),
	}
	if b.DeliveryIDs != nil {
		n := len(b.DeliveryIDs)
		answer.DeliveryCount = &n
	} else {
		answer.Filter = shownDeliveryFilter(b.Filter)
	}
	return answer
}
