// Package contract drives Belfry with a client that was generated from
// openapi.yaml, as a stranger's program would.
package contract

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/ogen-go/ogen/ogenerrors"

	"belfry/tools/contract/oas"
)

const token = "contract-admin-token-0123456789abcdef"

type credentials struct{}

func (credentials) Bearer(context.Context, oas.OperationName) (oas.Bearer, error) {
	return oas.Bearer{Token: token}, nil
}

func (credentials) SessionCookie(context.Context, oas.OperationName) (oas.SessionCookie, error) {
	return oas.SessionCookie{}, ogenerrors.ErrSkipClientSecurity
}

// serve starts belfry dev, and returns a client of it.
func serve(t *testing.T) *oas.Client {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join("..", "..", "bin", "belfry"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "belfry-contract-") // short, for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres runs as another user when we are root
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "dev")
	cmd.Env = append(os.Environ(), "BELFRY_DATA_DIR="+dir, "BELFRY_LISTEN=127.0.0.1:0", "BELFRY_ADMIN_TOKEN="+token, "BELFRY_RETRY_WAITS=50ms")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	ready := regexp.MustCompile(`Belfry is ready: (http://\S+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := ready.FindStringSubmatch(lines.Text()); found != nil {
			client, err := oas.NewClient(found[1], credentials{})
			if err != nil {
				t.Fatal(err)
			}
			return client
		}
	}
	t.Fatal("belfry dev ended before it was ready")
	return nil
}

// is asserts that an answer is of the type that the contract promises for success.
func is[T any](t *testing.T, answer any, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	v, ok := answer.(T)
	if !ok {
		t.Fatalf("got %#v", answer)
	}
	return v
}

func TestGeneratedClient(t *testing.T) {
	var mended atomic.Bool
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !mended.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(hook.Close)
	client, ctx := serve(t), t.Context()

	input := oas.DestinationInput{
		DisplayName: "SOAR", Type: "webhook", Severities: oas.NewOptNilSeverityArray([]oas.Severity{oas.SeverityHIGH}),
		Settings: oas.WebhookSettingsInput{URL: hook.URL},
	}
	answer, err := client.CreateDestination(ctx, &input)
	made := is[*oas.CreatedDestinationHeaders](t, answer, err)
	if made.Response.SigningSecret == "" {
		t.Error("no signing secret")
	}
	if shown := made.Response.Settings.Value; shown.WebhookSettings.URL != hook.URL || !made.Response.Usable {
		t.Errorf("shown are %+v", shown)
	}
	types, err := client.ListDestinationTypes(ctx)
	if list := is[*oas.DestinationTypeList](t, types, err); len(list.Items) != 1 || list.Items[0].Fields[0].Kind != oas.SettingsFieldKindURL {
		t.Errorf("types of destinations: %+v", list)
	}

	accepted, err := client.PostAlert(ctx, &oas.AlertInput{
		ID: "Some.Rule", AlertId: oas.NewOptNilString("contract-1"), Severity: oas.SeverityHIGH, Type: oas.AlertTypeRULE,
		AlertContext: oas.NewOptNilAlertInputAlertContext(map[string]jx.Raw{"ip": jx.Raw(`"192.0.2.1"`)}),
	})
	if n := len(is[*oas.AcceptedAlert](t, accepted, err).Deliveries); n != 1 {
		t.Fatalf("%d deliveries, want 1", n)
	}
	failed := await(t, client, oas.DeliveryStatusFailed)
	mended.Store(true)
	again, err := client.ResendDelivery(ctx, oas.OptResendInput{}, oas.ResendDeliveryParams{ID: failed.ID})
	if d := is[*oas.Delivery](t, again, err); d.Run != 2 {
		t.Errorf("run %d, want 2", d.Run)
	}
	await(t, client, oas.DeliveryStatusDelivered)
}

// await returns the alert's one delivery when it has a status.
func await(t *testing.T, client *oas.Client, want oas.DeliveryStatus) oas.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for said := ""; ; {
		answer, err := client.GetAlert(ctx, oas.GetAlertParams{AlertId: "contract-1"})
		a := is[*oas.AlertDetails](t, answer, err)
		if d := a.Deliveries[0]; d.Status == want {
			return d
		}
		said = fmt.Sprint(a.Deliveries[0].Status)
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it is %s, want %s", said, want)
		}
	}
}
