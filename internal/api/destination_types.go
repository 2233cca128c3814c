package api

import (
	"cmp"
	"context"
	"net/http"

	"belfry/internal/destination"
	"belfry/internal/outbound"
)

// ListDestinationTypes answers what each type of destination asks for.
func (s *Server) ListDestinationTypes(context.Context, ListDestinationTypesRequestObject) (ListDestinationTypesResponseObject, error) {
	answer := ListDestinationTypes200JSONResponse{Items: []DestinationTypeInfo{}}
	for _, t := range destination.Types() {
		info := DestinationTypeInfo{Type: t.Name, Name: t.DisplayName, Description: t.Description, Fields: make([]SettingsField, len(t.Fields))}
		for i, f := range t.Fields {
			info.Fields[i] = newSettingsField(f)
		}
		if r, ok := t.Example(s.Now()); ok {
			info.Example = newExample(r)
		}
		answer.Items = append(answer.Items, info)
	}
	return answer, nil
}

// newExample has the header that every request has beside those of its type.
func newExample(r outbound.Request) *ExampleRequest {
	headers := append([]outbound.Header{{Name: "Content-Type", Value: "application/json"}}, r.Header...)
	return &ExampleRequest{Method: cmp.Or(r.Method, http.MethodPost), Headers: newHeaders(headers), Body: orNil(string(r.Body))}
}

// newSettingsField leaves out what does not apply to a field.
func newSettingsField(f destination.Field) SettingsField {
	field := SettingsField{
		Name: f.Name, Label: f.Label, Help: f.Help, Kind: SettingsFieldKind(f.Kind), Required: f.Required, Secret: f.Secret,
		Section: orNil(f.Section), Placeholder: orNil(f.Placeholder), Default: f.Default,
		MaxLength: orNil(f.Longest()), MaxItems: orNil(f.Most()),
	}
	if f.Kind == destination.KindNumber {
		field.Whole = &f.Whole
		if f.Min != 0 || f.Max != 0 {
			field.Minimum, field.Maximum = &f.Min, &f.Max
		}
	}
	for _, o := range f.Options {
		field.Options = append(field.Options, SettingsOption{Value: o.Value, Label: o.Label})
	}
	if f.OnlyIf.Field != "" {
		field.OnlyIf = &SettingsCondition{Field: f.OnlyIf.Field, Values: f.OnlyIf.Values}
	}
	return field
}
