package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// heard is a server that keeps what the generated code hands over.
type heard struct {
	StrictServerInterface
	alertID string
	body    *json.RawMessage
	calls   int
}

func (h *heard) GetAlert(_ context.Context, r GetAlertRequestObject) (GetAlertResponseObject, error) {
	h.alertID = r.AlertID
	h.calls++
	return GetAlert200JSONResponse{}, nil
}

func (h *heard) PostAlert(_ context.Context, r PostAlertRequestObject) (PostAlertResponseObject, error) {
	h.body = r.Body
	h.calls++
	return PostAlert202JSONResponse{}, nil
}

func (h *heard) ResendDelivery(_ context.Context, r ResendDeliveryRequestObject) (ResendDeliveryResponseObject, error) {
	h.body = r.Body
	h.calls++
	return ResendDelivery202JSONResponse{}, nil
}

const (
	alertsPath = "/api/v1/alerts"
	resendPath = "/api/v1/deliveries/0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11/resend"
)

// serveHeard answers r with h behind the generated code and returns the status.
func serveHeard(h *heard, r *http.Request) int {
	e := echo.New()
	e.Binder = rawBody{}
	e.Use((&Server{}).takeBody(newIntake(time.Now).alerts, maxBatch+1000))
	RegisterHandlers(e, NewStrictHandler(h, nil))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Code
}

func postRequest(path, contentType string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, body)
	if contentType != "" {
		r.Header.Set(echo.HeaderContentType, contentType)
	}
	return r
}

func TestAlertIDInPathIsDecodedOnce(t *testing.T) {
	t.Parallel()
	for escaped, want := range map[string]string{
		"b90c19e66e160e19": "b90c19e66e160e19",
		"a%25b%20c%3Fd":    "a%b c?d",
		"a%2Bb+c":          "a+b+c",
		"a%2525":           "a%25",
		"%25":              "%",
		"a%2Cb,c;d:e":      "a,b,c;d:e",
		"%C3%A9":           "é",
		"batch":            "batch",
		"a%2Fb":            "a/b", // no alert has it: not found
		"a%252Fb":          "a%2Fb",
	} {
		h := new(heard)
		status := serveHeard(h, httptest.NewRequest(http.MethodGet, "/api/v1/alerts/"+escaped, nil))
		if status != http.StatusOK || h.alertID != want {
			t.Errorf("%s: status %d, alertId %q, want %q", escaped, status, h.alertID, want)
		}
	}
}

func TestBodyIsHandedOverAsGiven(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"white space, repeats and numbers": " {\"a\": 1.0, \"a\":2e3 }\n",
		"not UTF-8":                        "{\"a\":\"\xff\"}",
		"more than one value":              `{} {}`,
		"no JSON":                          `{"a":`,
		"large":                            `{"a":"` + strings.Repeat("x", 16<<20) + `"}`,
	} {
		for _, length := range []int64{int64(len(body)), -1} {
			h := new(heard)
			r := postRequest(alertsPath, "application/json; charset=utf-8", strings.NewReader(body))
			r.ContentLength = length
			status := serveHeard(h, r)
			if status != http.StatusAccepted || h.body == nil || string(*h.body) != body {
				t.Errorf("%s, Content-Length %d: status %d, or the body is another one", name, length, status)
			}
		}
	}
}

func TestAbsentBody(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"no body": 0, "an empty chunked body": -1} {
		for _, contentType := range []string{"", "application/json"} {
			h := new(heard)
			r := postRequest(resendPath, contentType, http.NoBody)
			r.ContentLength = length
			if status := serveHeard(h, r); status != http.StatusAccepted || h.body != nil {
				t.Errorf("optional, %s, type %q: status %d, body %v", name, contentType, status, h.body)
			}

			h = new(heard)
			r = postRequest(alertsPath, contentType, http.NoBody)
			r.ContentLength = length
			if status := serveHeard(h, r); status != http.StatusBadRequest || h.calls != 0 {
				t.Errorf("required, %s, type %q: status %d after %d calls", name, contentType, status, h.calls)
			}
		}
	}
}

func TestBodyOfAnotherMediaType(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json; charset=utf-16", "application/json; charset="} {
		for _, path := range []string{alertsPath, resendPath} {
			h := new(heard)
			if status := serveHeard(h, postRequest(path, contentType, strings.NewReader("{}"))); status != http.StatusUnsupportedMediaType || h.calls != 0 {
				t.Errorf("%s, %q: status %d after %d calls, want 415", path, contentType, status, h.calls)
			}
		}
	}
}

func TestEncodedBody(t *testing.T) {
	t.Parallel()
	for want, encodings := range map[int][]string{
		http.StatusAccepted:             {"", "identity", "Identity"},
		http.StatusUnsupportedMediaType: {"gzip", "br", "identity, gzip", "utf-8"},
	} {
		for _, encoding := range encodings {
			r := postRequest(alertsPath, "Application/JSON; charset=UTF-8", strings.NewReader("{}"))
			r.Header.Set(echo.HeaderContentEncoding, encoding)
			if status := serveHeard(new(heard), r); status != want {
				t.Errorf("%q: status %d, want %d", encoding, status, want)
			}
		}
	}
}
