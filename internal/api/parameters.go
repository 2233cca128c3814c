package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"belfry"
	"belfry/internal/destination"
	"belfry/internal/invalid"
)

// queryParameters are those of each operation of openapi.yaml.
var queryParameters = sync.OnceValue(func() map[string]openapi3.Parameters {
	doc, err := openapi3.NewLoader().LoadFromData(belfry.OpenAPI)
	if err != nil {
		panic(fmt.Errorf("load openapi.yaml: %w", err)) // it is part of the program
	}
	known := map[string]openapi3.Parameters{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, p := range op.Parameters {
				if p.Value.In == openapi3.ParameterInQuery {
					known[op.OperationID] = append(known[op.OperationID], p)
				}
				if strings.TrimPrefix(p.Value.Schema.Ref, "#/components/schemas/") == "DestinationType" {
					p.Value.Schema = knownTypes(*p.Value.Schema.Value)
				}
			}
		}
	}
	return known
})

// knownTypes narrows a schema to the types of destinations that there are: the contract
// lists none, so that a client of an older one can read the answers of a newer server.
func knownTypes(s openapi3.Schema) *openapi3.SchemaRef {
	s.Enum, s.Pattern, s.Examples = nil, "", nil // the list says all
	for _, t := range destination.Types() {
		s.Enum = append(s.Enum, t.Name)
	}
	return openapi3.NewSchemaRef("", &s)
}

// checkQuery refuses a query that is not as openapi.yaml says, naming all that
// is wrong with it at once. The generated code passes over a parameter that it
// does not know, looks at no limit, and stops at the first one it cannot read.
func checkQuery(operation string) echo.MiddlewareFunc {
	parameters := queryParameters()[operation]
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			query, err := url.ParseQuery(c.Request().URL.RawQuery)
			if err != nil {
				return invalid.Malformed{Message: "The query cannot be read: look at its percent-encoding."}
			}
			var wrong invalid.FieldErrors
			for name, given := range query {
				if p := parameters.GetByInAndName(openapi3.ParameterInQuery, name); p != nil {
					checkParameter(&wrong, operation, p, given)
				} else {
					wrong = append(wrong, invalid.FieldError{Field: name, Code: invalid.CodeUnknownField, Message: "is not a parameter here"})
				}
			}
			checkSpan(&wrong, "from", timeOf(query.Get("from")), timeOf(query.Get("to")))
			if err := wrong.Sorted(); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// checkSpan refuses a span of time that ends before it begins: nothing can be in
// it, which would look as if nothing had been.
func checkSpan(wrong *invalid.FieldErrors, field string, from, to time.Time) {
	if !to.IsZero() && from.After(to) {
		wrong.Add(field, invalid.CodeConflict, "must not be after `to`")
	}
}

// timeOf is zero for what is no time.
func timeOf(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

func checkParameter(wrong *invalid.FieldErrors, operation string, p *openapi3.Parameter, given []string) {
	schema := p.Schema.Value
	switch {
	case schema.Type.Is(openapi3.TypeArray):
		given = splitList(given)
		if schema.MaxItems != nil && uint64(len(given)) > *schema.MaxItems {
			wrong.Add(p.Name, invalid.CodeTooMany, fmt.Sprintf("must be at most %d", *schema.MaxItems))
		}
		schema = schema.Items.Value
	case len(given) > 1:
		wrong.Add(p.Name, invalid.CodeDuplicate, "must be given once")
	}
	for _, text := range given {
		if code, message := checkText(schema, text); code != "" {
			wrong.Add(p.Name, code, message)
		}
		if _, ok := readCursor(operation, text); p.Name == "cursor" && !ok {
			wrong.Add(p.Name, invalid.CodeFormat, "is not a cursor of this list")
		}
	}
}

// checkText says what is wrong with a value, if anything is.
func checkText(s *openapi3.Schema, text string) (code, message string) {
	switch length := uint64(utf8.RuneCountInString(text)); {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)):
		return invalid.CodeEnum, "must be one of " + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(s.Enum)), ", "), "[]")
	case s.MaxLength != nil && length > *s.MaxLength:
		return invalid.CodeTooLong, fmt.Sprintf("must be at most %d characters", *s.MaxLength)
	case length < s.MinLength:
		return invalid.CodeFormat, fmt.Sprintf("must be at least %d characters", s.MinLength)
	case s.Format == "uuid" && uuid.Validate(text) != nil:
		return invalid.CodeFormat, "must be an id"
	case s.Format == "date-time":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return invalid.CodeFormat, "must be a time as in RFC 3339, such as 2020-10-13T03:35:24Z"
		}
	case s.Type.Is(openapi3.TypeBoolean) && text != "true" && text != "false":
		return invalid.CodeFormat, "must be true or false"
	case s.Type.Is(openapi3.TypeInteger):
		return checkInteger(s, text)
	}
	return "", ""
}

func checkInteger(s *openapi3.Schema, text string) (code, message string) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return invalid.CodeFormat, "must be a whole number"
	case s.Min != nil && float64(n) < *s.Min:
		return invalid.CodeFormat, fmt.Sprintf("must be at least %v", *s.Min)
	case s.Max != nil && float64(n) > *s.Max:
		return invalid.CodeFormat, fmt.Sprintf("must be at most %v", *s.Max)
	}
	return "", ""
}
