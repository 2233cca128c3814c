package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"belfry/internal/destination"
	"belfry/internal/dispatch"
	"belfry/internal/inbound"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

// handleError is the only place where a request's error is answered, and the
// only place where it is logged.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	ctx := c.Request().Context()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		s.Log.InfoContext(ctx, "request abandoned", "request_id", requestFrom(ctx).id, "method", method(c), "route", c.Path())
		c.Response().WriteHeader(statusAbandoned)
		return
	}
	p := s.problemOf(err)
	p.RequestID = requestFrom(ctx).id
	s.logFault(ctx, "request failed", p, "request_id", p.RequestID, "method", method(c),
		"route", c.Path(), "status", p.Status, "error", err)
	header := c.Response().Header()
	switch p.Status {
	case http.StatusTooManyRequests:
		header.Set(echo.HeaderRetryAfter, retryAfter(err))
	case http.StatusServiceUnavailable:
		header.Set(echo.HeaderRetryAfter, "2")
	case http.StatusMethodNotAllowed:
		allowHead(header)
	case http.StatusUnauthorized:
		header.Set(echo.HeaderWWWAuthenticate, `Bearer realm="belfry"`)
	}
	header.Set(echo.HeaderContentType, "application/problem+json")
	if err := c.JSON(p.Status, p); err != nil {
		s.Log.WarnContext(ctx, "error not answered", "request_id", p.RequestID, "error", err)
	}
}

// retryAfter returns the seconds after which what was limited is looked at again.
func retryAfter(err error) string {
	var limited errLimited
	errors.As(err, &limited)
	return fmt.Sprint(max(1, int(math.Ceil(limited.wait.Seconds()))))
}

// statusAbandoned is for our log only: the caller went away without an answer.
const statusAbandoned = 499

// problems says, for each error that a caller can do something about, how it is
// answered. Everything else went wrong on our side, and its text is not shown.
var problems = []struct {
	err    error
	status int
	code   ProblemCode
	detail string
}{
	{errCode, 401, ProblemCodeUnauthenticated, "The code is not valid: a code can be used once, and for 15 minutes."},
	{errUnauthenticated, 401, ProblemCodeUnauthenticated, "Send a valid API token as `Authorization: Bearer …`, or sign in."},
	{errForbidden, 403, ProblemCodeForbidden, "The token is valid, but its scopes do not include this call."},
	{errCrossOrigin, 403, ProblemCodeForbidden, "A page of another site made this request."},
	{postgres.ErrNotFound, 404, ProblemCodeNotFound, "There is nothing with this id."},
	{postgres.ErrVersion, 412, ProblemCodePreconditionFailed, "It was changed since you read it: read it again, then repeat your change."},
	{destination.ErrNoKey, 503, ProblemCodeUnavailable, "The destination is sealed with a key that this server does not have yet: restart the server with the rotated keyset."},
	{destination.ErrMisconfigured, 409, ProblemCodeConflict, "The stored settings cannot be opened: enter them again."},
	{dispatch.ErrAlertConflict, 409, ProblemCodeAlertConflict, "This alertId was accepted before with another input; nothing was changed."},
	{dispatch.ErrOpen, 409, ProblemCodeDeliveryOpen, "The delivery is waiting for its next attempt: use send-now to send it at once."},
	{dispatch.ErrFinal, 409, ProblemCodeDeliveryFinal, "The delivery is final: use resend to open a new run."},
	{dispatch.ErrDelivered, 409, ProblemCodeDeliveryDelivered, `The delivery was delivered: add "again": true to send it once more.`},
	{dispatch.ErrDestinationDeleted, 409, ProblemCodeDestinationDeleted, "The destination is deleted: nothing can be sent to it."},
	{dispatch.ErrBulkFinal, 409, ProblemCodeBulkResendFinal, "The bulk re-send has ended: order another."},
	{dispatch.ErrOverloaded, 503, ProblemCodeOverloaded, "Too many alerts wait to be stored: this one was not accepted, try again shortly."},
	{dispatch.ErrOperatorBusy, 503, ProblemCodeOverloaded, "Too many calls that re-send, send, cancel or pause are being worked: this one changed nothing, try again shortly."},
	{errCounting, 503, ProblemCodeOverloaded, "Too many calls that count are being worked: try again shortly."},
	{inbound.ErrTooSlow, 408, ProblemCodeTooSlow, "The body came too slowly: send it again, in one go."},
	{errStreams, 429, ProblemCodeTooManyStreams, "This token, or this session, has as many event streams open as it may: close one."},
	{errProfiling, 409, ProblemCodeConflict, "A profile of this kind is being made: wait until it has ended."},
	{dispatch.ErrStopping, 503, ProblemCodeUnavailable, "Belfry is stopping: nothing was accepted, try again shortly."},
	{dispatch.ErrUnavailable, 503, ProblemCodeUnavailable, "The database cannot be written at the moment: nothing was accepted, try again shortly."},
	{context.DeadlineExceeded, 503, ProblemCodeUnavailable, "It took too long: try again shortly."},
}

// problemOf turns an error into its answer, without the request's id. What the
// database could not do is explained by the migration that it lacks, if it lacks one.
func (s *Server) problemOf(err error) Problem {
	p, missing := problemOf(err), s.missing()
	if missing != "" && (errors.Is(err, dispatch.ErrUnavailable) || postgres.IsSchema(err)) {
		p = newProblem(503, ProblemCodeUnavailable, "The database lacks the migration "+missing+", which this server needs: nothing was changed; "+toMigrate)
	}
	return p
}

func problemOf(err error) Problem {
	var (
		limited   errLimited
		fields    invalid.FieldErrors
		malformed invalid.Malformed
		http      *echo.HTTPError
	)
	switch {
	case errors.As(err, &fields):
		p := newProblem(422, ProblemCodeInvalid, "Some fields are wrong; see errors.")
		p.Errors = newFieldErrors(fields)
		return p
	case errors.As(err, &malformed):
		return newProblem(400, ProblemCodeMalformed, sentence(malformed.Message))
	case errors.Is(err, postgres.ErrNameTaken):
		p := newProblem(409, ProblemCodeNameTaken, "Another destination has this name.")
		p.Errors = newFieldErrors(invalid.FieldErrors{{
			Field: "displayName", Code: invalid.CodeConflict, Message: "is the name of another destination (case does not matter)",
		}})
		return p
	case errors.As(err, &limited):
		return newProblem(429, ProblemCodeRateLimited, "Too many wrong tokens or codes came from this address: correct yours and try again later.")
	case errors.Is(err, postgres.ErrTokenName):
		p := newProblem(409, ProblemCodeNameTaken, "Another token has this name.")
		p.Errors = newFieldErrors(invalid.FieldErrors{{
			Field: "name", Code: invalid.CodeConflict, Message: "is the name of another token that is valid (case does not matter)",
		}})
		return p
	case errors.As(err, &http):
		return problemOfEcho(http)
	}
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return newProblem(p.status, p.code, p.detail)
		}
	}
	if postgres.IsAway(err) {
		return newProblem(503, ProblemCodeUnavailable, "The database does not answer at the moment: try again shortly.")
	}
	return newProblem(500, ProblemCodeInternal, "Something went wrong on our side.")
}

// sentence makes a message one that stands by itself.
func sentence(message string) string {
	return strings.ToUpper(message[:1]) + strings.TrimSuffix(message[1:], ".") + "."
}

// badParameter is how the generated code says that a path or query parameter
// cannot be read. The rest of its text may repeat the value.
var badParameter = regexp.MustCompile(`(?i)^(?:(?:invalid format for |query |header )?parameter|expected one value for) (\w[\w-]*)`)

func problemOfEcho(err *echo.HTTPError) Problem {
	text, _ := err.Message.(string)
	switch err.Code {
	case http.StatusBadRequest:
		p := newProblem(400, ProblemCodeMalformed, "The body must be valid JSON.")
		if m := badParameter.FindStringSubmatch(text); m != nil {
			p.Detail = "The parameter " + m[1] + " cannot be read."
			p.Errors = []FieldError{{Field: m[1], Code: FieldErrorCodeFormat, Message: "cannot be read as what it should be"}}
		}
		return p
	case http.StatusNotFound:
		return newProblem(404, ProblemCodeNotFound, "There is nothing at this path.")
	case http.StatusMethodNotAllowed:
		return newProblem(405, ProblemCodeMethodNotAllowed, "This path does not take this method.")
	case http.StatusRequestEntityTooLarge:
		return newProblem(413, ProblemCodeTooLarge, "The body is too large: it may have 1 MiB, a batch 16 MiB, and a sign-in 4 KiB.")
	case http.StatusUnsupportedMediaType:
		return newProblem(415, ProblemCodeUnsupportedMediaType, "Send the body as Content-Type: application/json, in UTF-8 and without a Content-Encoding.")
	}
	return newProblem(500, ProblemCodeInternal, "Something went wrong on our side.")
}

func newProblem(status int, code ProblemCode, detail string) Problem {
	return Problem{Type: "/docs#error-" + string(code), Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// maxFieldErrors bounds an answer: a body of a megabyte could be wrong in a
// hundred thousand ways.
const maxFieldErrors = 200

func newFieldErrors(fields invalid.FieldErrors) []FieldError {
	list := make([]FieldError, 0, min(len(fields), maxFieldErrors))
	for e := range slices.Values(fields[:min(len(fields), maxFieldErrors)]) {
		list = append(list, FieldError{Field: e.Field, Code: FieldErrorCode(e.Code), Message: e.Message})
	}
	return list
}
