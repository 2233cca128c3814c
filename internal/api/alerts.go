package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/dispatch"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

const (
	maxBatchAlerts   = 1000
	maxSendTo        = 100
	maxIgnoredFields = 100
)

// PostAlert answers 202 once the alert is safely ours; delivery follows.
func (s *Server) PostAlert(ctx context.Context, r PostAlertRequestObject) (PostAlertResponseObject, error) {
	in, err := alert.Parse(*r.Body)
	if err != nil {
		return nil, err
	}
	result := s.Dispatcher.Accept(ctx, requestFrom(ctx).caller.Name, []alert.Parsed{in})[0]
	if result.Err != nil {
		return nil, result.Err
	}
	requestFrom(ctx).taken = true
	return PostAlert202JSONResponse(newAccepted(result.Accepted, in.Ignored)), nil
}

// PostAlerts accepts or refuses each alert on its own.
func (s *Server) PostAlerts(ctx context.Context, r PostAlertsRequestObject) (PostAlertsResponseObject, error) {
	raws, err := readBatch(r.Body)
	if err != nil {
		return nil, err
	}
	answer := BatchAnswer{Results: make([]BatchResult, len(raws))}
	var (
		alerts []alert.Parsed
		places []int
	)
	for i, raw := range raws {
		in, err := alert.Parse(raw)
		if err != nil {
			s.refuse(ctx, &answer, i, err)
			continue
		}
		alerts, places = append(alerts, in), append(places, i)
	}
	results := s.Dispatcher.Accept(ctx, requestFrom(ctx).caller.Name, alerts)
	if err := nothingStored(results); err != nil {
		return nil, err
	}
	for n, result := range results {
		i := places[n]
		if result.Err != nil {
			s.refuse(ctx, &answer, i, result.Err)
			answer.Results[i].AlertID = orNil(alerts[n].Alert.AlertID)
			continue
		}
		accepted := newAccepted(result.Accepted, alerts[n].Ignored)
		answer.Results[i] = BatchResult{Index: i, Status: BatchStatusAccepted, AlertID: &accepted.AlertID, Accepted: &accepted}
		if accepted.Repeated {
			answer.Results[i].Status = BatchStatusRepeated
			answer.Repeated++
		} else {
			answer.Accepted++
		}
	}
	requestFrom(ctx).taken = answer.Accepted+answer.Repeated > 0
	return PostAlerts202JSONResponse(answer), nil
}

// nothingStored returns an error if that is what became of every alert for want
// of room or of the database: then the producer shall repeat the whole call.
func nothingStored(results []dispatch.Result) error {
	for _, r := range results {
		if r.Err == nil || problemOf(r.Err).Status != http.StatusServiceUnavailable {
			return nil
		}
	}
	if len(results) == 0 {
		return nil
	}
	return results[0].Err
}

// readBatch splits a batch. What its alerts are, each says for itself.
func readBatch(body *json.RawMessage) ([]json.RawMessage, error) {
	raws, wrong, err := invalid.Batch(*body, "alerts", maxBatchAlerts)
	if err != nil {
		return nil, err
	}
	switch {
	case len(raws) == 0:
		wrong.Add("alerts", invalid.CodeRequired, "must have at least one alert")
	case len(raws) > maxBatchAlerts:
		wrong.Add("alerts", invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxBatchAlerts))
	}
	return raws, wrong.Sorted()
}

func (s *Server) refuse(ctx context.Context, answer *BatchAnswer, i int, err error) {
	p := s.problemOf(err)
	p.RequestID = requestFrom(ctx).id
	s.logFault(ctx, "alert of a batch refused", p, "request_id", p.RequestID, "index", i, "error", err)
	answer.Results[i] = BatchResult{Index: i, Status: BatchStatusRefused, Problem: &p}
	answer.Refused++
}

// ListAlerts lists alerts, newest first, each with where it stands.
func (s *Server) ListAlerts(ctx context.Context, r ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	p := r.Params
	n, before, err := pageID("listAlerts", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	list, rest, err := s.DB.Alerts(ctx, postgres.AlertFilter{
		Severities: splitList(p.Severity), Types: splitList(p.Type), LogTypes: splitList(p.LogType), Statuses: splitList(p.DeliveryStatus),
		Unrouted: p.Unrouted, Unknown: value(p.UnknownDestination), DestinationID: value(p.DestinationID), From: value(p.From), To: value(p.To),
		Query: value(p.Q), Before: before, Limit: n + 1,
	})
	if err != nil {
		return nil, err
	}
	list, cursor := next("listAlerts", list, n, func(a postgres.AcceptedAlert) string { return a.ID.String() })
	ids := make([]uuid.UUID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	views, err := s.DB.DeliveriesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	answer := ListAlerts200JSONResponse{Items: make([]AlertSummary, len(list)), NextCursor: orRest("listAlerts", cursor, rest)}
	for i, a := range list {
		answer.Items[i] = AlertSummary{AlertHead: newAlertHead(a), Unrouted: newUnrouted(a.Unrouted), Deliveries: []DeliverySummary{}}
		for _, v := range views[a.ID] {
			answer.Items[i].Deliveries = append(answer.Items[i].Deliveries, newDeliverySummary(v))
		}
	}
	return answer, nil
}

// GetAlert answers the alert details: the alert, where it went and why, and how
// each delivery stands.
func (s *Server) GetAlert(ctx context.Context, r GetAlertRequestObject) (GetAlertResponseObject, error) {
	a, err := s.DB.Alert(ctx, r.AlertID)
	if err != nil {
		return nil, err
	}
	views, err := s.DB.DeliveriesOf(ctx, []uuid.UUID{a.ID})
	if err != nil {
		return nil, err
	}
	deliveries, err := s.newDeliveries(ctx, views[a.ID], wholeBody)
	if err != nil {
		return nil, err
	}
	return GetAlert200JSONResponse{
		Alert: newAlert(a), Deliveries: deliveries, Unrouted: newUnrouted(a.Unrouted), UnknownDestinations: a.Unknown,
		AlteredFields: notNil(a.Altered),
	}, nil
}

// SendAlert sends an alert to destinations that it was not routed to.
func (s *Server) SendAlert(ctx context.Context, r SendAlertRequestObject) (SendAlertResponseObject, error) {
	var ids []uuid.UUID
	wrong, err := readBody(r.Body, map[string]any{"destinationIds": &ids})
	if err != nil {
		return nil, err
	}
	switch {
	case len(ids) == 0:
		wrong.Add("destinationIds", invalid.CodeRequired, "must name at least one destination")
	case len(ids) > maxSendTo:
		wrong.Add("destinationIds", invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxSendTo))
	}
	if err := wrong.Sorted(); err != nil {
		return nil, err
	}
	views, err := s.Dispatcher.SendTo(ctx, r.AlertID, ids, actor(ctx))
	if err != nil {
		return nil, err
	}
	items, err := s.newDeliveries(ctx, views, wholeBody)
	if err != nil {
		return nil, err
	}
	named := map[uuid.UUID]bool{} // twice is once
	items = slices.DeleteFunc(items, func(d Delivery) bool {
		twice := named[d.ID]
		named[d.ID] = true
		return twice
	})
	return SendAlert202JSONResponse{Items: items}, nil
}

// ExplainStoredAlert says where an alert would go with today's settings.
func (s *Server) ExplainStoredAlert(ctx context.Context, r ExplainStoredAlertRequestObject) (ExplainStoredAlertResponseObject, error) {
	a, err := s.DB.Alert(ctx, r.AlertID)
	if err != nil {
		return nil, err
	}
	route, err := s.explain(ctx, a.Alert)
	return ExplainStoredAlert200JSONResponse(route), err
}

// ExplainRoute says where an alert would go, without accepting it.
func (s *Server) ExplainRoute(ctx context.Context, r ExplainRouteRequestObject) (ExplainRouteResponseObject, error) {
	in, err := alert.Parse(*r.Body)
	if err != nil {
		return nil, err
	}
	route, err := s.explain(ctx, in.Alert)
	return ExplainRoute200JSONResponse(route), err
}

func (s *Server) explain(ctx context.Context, a alert.Alert) (ExplainedRoute, error) {
	routing, err := s.DB.Routing(ctx)
	if err != nil {
		return ExplainedRoute{}, err
	}
	d, all := routing.Route(a), slices.Clone(routing.All)
	slices.SortFunc(all, func(a, b destination.Destination) int {
		return strings.Compare(destination.NameKey(a.DisplayName), destination.NameKey(b.DisplayName))
	})
	route := ExplainedRoute{
		Routed: len(d.To) > 0, Destinations: make([]ExplainedDestination, len(all)),
		Unrouted: newUnrouted(d.Unrouted), UnknownDestinations: notNil(d.Unknown),
	}
	for i, t := range all {
		routed, why := d.Explain(a, t)
		if routed && t.State == destination.Paused {
			why += " It is paused, so the delivery waits."
		}
		route.Destinations[i] = ExplainedDestination{ID: t.ID, DisplayName: t.DisplayName, Routed: routed, Why: why}
	}
	return route, nil
}

func newAccepted(a dispatch.Accepted, ignored []string) AcceptedAlert {
	answer := AcceptedAlert{
		AlertID: a.Alert.AlertID, Repeated: a.Repeated, Deliveries: make([]AcceptedDelivery, len(a.Deliveries)),
		Unrouted: newUnrouted(a.Alert.Unrouted), UnknownDestinations: notNil(a.Alert.Unknown),
		AlteredFields: notNil(a.Alert.Altered), IgnoredFields: notNil(ignored[:min(len(ignored), maxIgnoredFields)]),
	}
	for i, v := range a.Deliveries {
		answer.Deliveries[i] = AcceptedDelivery{
			ID: v.ID, Destination: newDestinationRef(v), Status: DeliveryStatus(v.Status),
			Reason: orNil(DeliveryReason(v.Reason)), RoutedBy: RoutedBy(v.RoutedBy), Why: v.RoutedBy.Why(),
		}
	}
	return answer
}

func newAlertHead(a postgres.AcceptedAlert) AlertHead {
	return AlertHead{
		AlertID: a.AlertID, ID: a.DetectionID, Title: a.Title, Name: a.Name, Severity: Severity(a.Severity),
		Type: AlertType(a.Type), LogTypes: a.LogTypes, CreatedAt: a.CreatedAt, AcceptedAt: a.AcceptedAt,
	}
}

func newAlert(a postgres.AcceptedAlert) Alert {
	answer := Alert{
		AlertHead: newAlertHead(a), AlertContext: bytes.Clone(a.Context), Description: a.Description, Runbook: a.Runbook,
		Link: a.Link, Tags: a.Tags, Version: a.Version,
	}
	if a.Override != nil {
		answer.Destinations = *a.Override
	}
	return answer
}

func newUnrouted(n delivery.Unrouted) *Unrouted {
	if n == "" {
		return nil
	}
	return &Unrouted{Reason: UnroutedReason(n), Detail: n.Why()}
}

// notNil makes an empty list appear as [] and not as null.
func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
