package api

import (
	"bytes"
	"context"
	_ "embed" // for the sign-in page
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"belfry"
	"belfry/internal/apidocs"
)

// GetHealth says that this process answers, and nothing more.
func (s *Server) GetHealth(context.Context, GetHealthRequestObject) (GetHealthResponseObject, error) {
	return GetHealth200JSONResponse{Status: ReadinessStatusOK, Checks: []Check{}}, nil
}

// GetReadiness says whether this replica should get traffic, and if not, why.
func (s *Server) GetReadiness(ctx context.Context, _ GetReadinessRequestObject) (GetReadinessResponseObject, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answer := Health{Status: ReadinessStatusOK, Checks: []Check{}}
	check := func(name, fine string, bad string, ok bool) {
		c := Check{Name: name, OK: ok, Detail: fine}
		if !ok {
			c.Detail, answer.Status = bad, ReadinessStatusUnready
		}
		answer.Checks = append(answer.Checks, c)
	}
	check("database", "It answers.", "It does not answer.", s.DB.Ping(ctx) == nil)
	missing := s.missing()
	check("schema", "It has every migration that this version needs.", "It lacks the migration "+missing+": "+toMigrate, missing == "")
	alive, partitions := s.Dispatcher.Working()
	working, stopped := "They start attempts.", "They start no attempts: the last sign of life in the database is too old."
	if !slices.Contains(s.Dispatcher.Roles, string(RoleWorker)) {
		working, stopped = "This process works no deliveries (role api only).", "The last sign of life in the database is too old: no alerts are accepted."
	}
	check("workers", working, stopped, alive)
	check("partitions", "Those of this week and the next are there.", "Those of this week and the next cannot be made: no attempts start.", partitions)
	check("traffic", "It is welcome.", "This replica is stopping.", !s.Draining())
	said, busy, shut := s.ingested.state()
	check("producers", said, said, !shut)
	if busy && answer.Status == ReadinessStatusOK {
		answer.Status, answer.Checks[len(answer.Checks)-1].OK = ReadinessStatusBusy, false
	}
	if answer.Status == ReadinessStatusUnready {
		return GetReadiness503JSONResponse(answer), nil
	}
	return GetReadiness200JSONResponse(answer), nil
}

// toMigrate says what ends the lack of a migration.
const toMigrate = "run `belfry migrate up`."

// missing names the migration that the database lacks, "" for none.
func (s *Server) missing() string {
	if s.Missing == nil {
		return ""
	}
	return s.Missing()
}

func (s *Server) serveMetrics(c echo.Context) error {
	promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).
		ServeHTTP(c.Response(), c.Request())
	return nil
}

func (s *Server) serveContract(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml; charset=utf-8", belfry.OpenAPI)
}

// docsPage is the page of GET /docs.
var docsPage = sync.OnceValues(func() ([]byte, error) { return apidocs.Page(belfry.OpenAPI) })

func (s *Server) serveDocs(c echo.Context) error {
	page, err := docsPage()
	if err != nil {
		return err
	}
	return c.HTMLBlob(http.StatusOK, page)
}

//go:embed signin.html
var signInHTML string

var signInTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("sign-in").Parse(signInHTML))
})

// signInPage asks for a token, or for a click when there is a code. next is where
// to go from there.
func signInPage(code, next, wrong string) []byte {
	var b bytes.Buffer
	if err := signInTemplate().Execute(&b, struct{ Code, Next, Wrong string }{code, next, wrong}); err != nil {
		return []byte("The page cannot be shown.")
	}
	return b.Bytes()
}
