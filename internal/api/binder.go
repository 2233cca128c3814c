package api

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// rawBody is the binder of this API. It hands a body to the handlers as the
// bytes that came: they name every wrong field at once, tell null from absent,
// and hash an alert as it was given. Echo's own binder reads one JSON value and
// drops what follows it.
type rawBody struct{}

// errNoBody is also an io.EOF, by which the generated code knows that an
// optional body is absent.
var errNoBody = echo.NewHTTPError(http.StatusBadRequest, "the body is empty").SetInternal(io.EOF)

// Bind implements [echo.Binder]. i is the body of a generated request object,
// which oapi-overlay.yaml makes a json.RawMessage.
func (rawBody) Bind(i any, c echo.Context) error {
	body, ok := i.(*json.RawMessage)
	if !ok {
		return fmt.Errorf("bind the body of %s: a %T, not a *json.RawMessage", c.Path(), i)
	}
	r := c.Request()
	t, ok := r.Body.(*takenBody)
	if !ok || len(t.Bytes) == 0 {
		return errNoBody
	}
	if !plainJSON(r.Header) {
		return echo.ErrUnsupportedMediaType
	}
	*body = t.Bytes
	return nil
}

// plainJSON reports whether a body is announced as JSON in UTF-8, as it is: what
// is compressed could unpack to any size.
func plainJSON(h http.Header) bool {
	for _, encoding := range h.Values(echo.HeaderContentEncoding) {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return false
		}
	}
	media, params, err := mime.ParseMediaType(h.Get(echo.HeaderContentType))
	charset, given := params["charset"]
	return err == nil && media == echo.MIMEApplicationJSON && (!given || strings.EqualFold(charset, "utf-8"))
}
