package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

// maxAlternatives bounds how many values one field of a filter may list.
const maxAlternatives = 1000

// readDeliveryFilter reads a filter of a body. Its fields are the parameters of
// the list of deliveries and are held to the same rules; only an empty one is
// refused, because a list that selects all is harmless and an order is not.
func readDeliveryFilter(wrong *invalid.FieldErrors, raw json.RawMessage) postgres.DeliveryFilter {
	fields, found, ok := invalid.Nested(raw, deliveryFilterFields()...)
	if !ok {
		wrong.Add("filter", invalid.CodeType, "must be an object")
		return postgres.DeliveryFilter{}
	}
	for _, e := range found {
		wrong.Add("filter."+e.Field, e.Code, e.Message)
	}
	given := map[string][]string{}
	for name, value := range fields {
		if p := queryParameters()["listDeliveries"].GetByInAndName(openapi3.ParameterInQuery, name); p != nil && string(value) != "null" {
			given[name] = readAlternatives(wrong, "filter."+name, p.Schema.Value, value)
		}
	}
	if len(given) == 0 && !slices.ContainsFunc(*wrong, func(e invalid.FieldError) bool { return strings.HasPrefix(e.Field, "filter.") }) {
		wrong.Add("filter", invalid.CodeRequired, "must name at least one field")
	}
	if len(*wrong) > 0 {
		return postgres.DeliveryFilter{}
	}
	f := newGivenFilter(given)
	checkSpan(wrong, "filter.from", f.From, f.To)
	return f
}

// deliveryFilterFields are the parameters of the list of deliveries that select.
func deliveryFilterFields() []string {
	var names []string
	for _, p := range queryParameters()["listDeliveries"] {
		if name := p.Value.Name; name != "cursor" && name != "limit" {
			names = append(names, name)
		}
	}
	return names
}

// readAlternatives reads the values of one field as texts.
func readAlternatives(wrong *invalid.FieldErrors, field string, s *openapi3.Schema, raw json.RawMessage) []string {
	if s.Type.Is(openapi3.TypeArray) {
		return readTexts(wrong, field, s.Items.Value, raw)
	}
	var text string
	if s.Type.Is(openapi3.TypeInteger) {
		var n int
		if json.Unmarshal(raw, &n) != nil {
			wrong.Add(field, invalid.CodeType, "must be a whole number")
			return nil
		}
		text = strconv.Itoa(n)
	} else if json.Unmarshal(raw, &text) != nil {
		wrong.Add(field, invalid.CodeType, "must be a string")
		return nil
	}
	checkValue(wrong, field, s, text)
	return []string{text}
}

func readTexts(wrong *invalid.FieldErrors, field string, items *openapi3.Schema, raw json.RawMessage) []string {
	var texts []string
	switch err := json.Unmarshal(raw, &texts); {
	case err != nil:
		wrong.Add(field, invalid.CodeType, "must be an array of strings")
	case len(texts) == 0:
		wrong.Add(field, invalid.CodeRequired, "must not be empty: leave it out for all")
	case len(texts) > maxAlternatives:
		wrong.Add(field, invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxAlternatives))
	default:
		for i, text := range texts {
			checkValue(wrong, fmt.Sprintf("%s[%d]", field, i), items, text)
		}
	}
	return texts
}

func checkValue(wrong *invalid.FieldErrors, field string, s *openapi3.Schema, text string) {
	code, message := checkText(s, text)
	switch {
	case text == "":
		wrong.Add(field, invalid.CodeRequired, "must not be empty")
	case code != "":
		wrong.Add(field, code, message)
	case strings.ContainsRune(text, 0):
		wrong.Add(field, invalid.CodeFormat, "must not contain U+0000")
	}
}

// newGivenFilter relies on checkText: numbers, times and ids are what they
// should be.
func newGivenFilter(given map[string][]string) postgres.DeliveryFilter {
	one := func(name string) string { return strings.Join(given[name], "") }
	f := postgres.DeliveryFilter{
		Statuses: given["status"], Reasons: given["reason"], Classes: given["class"], RoutedBy: given["routedBy"],
		Severities: given["severity"], Types: given["type"], AlertID: one("alertId"), From: timeOf(one("from")), To: timeOf(one("to")),
	}
	f.StatusCode, _ = strconv.Atoi(one("statusCode"))
	for _, id := range given["destinationId"] {
		f.DestinationIDs = append(f.DestinationIDs, uuid.MustParse(id))
	}
	return f
}

// shownDeliveryFilter is the way back.
func shownDeliveryFilter(f postgres.DeliveryFilter) *DeliveryFilter {
	return &DeliveryFilter{
		Status: typed[DeliveryStatus](f.Statuses), Reason: typed[DeliveryReason](f.Reasons), DestinationID: f.DestinationIDs,
		AlertID: orNil(f.AlertID), Class: typed[AttemptClass](f.Classes), StatusCode: orNil(f.StatusCode), RoutedBy: typed[RoutedBy](f.RoutedBy),
		Severity: typed[Severity](f.Severities), Type: typed[AlertType](f.Types), From: timeOrNil(f.From), To: timeOrNil(f.To),
	}
}

func typed[T ~string](texts []string) []T {
	var list []T
	for _, text := range texts {
		list = append(list, T(text))
	}
	return list
}
