//go:build linux

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// What no key opens is held, and goes out once its settings have been entered again,
// signed with the secret that the answer to this shows.
func TestE2EMisconfiguredIsMended(t *testing.T) {
	heavy(t, 1)
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	_, c := serving(t, databaseURL)
	d := c.destination(t, "SOAR", h.url)
	if _, err := pgtest.Open(t, databaseURL).Pool().Exec(t.Context(), `UPDATE destinations SET settings = 'damaged', signing = 'damaged'`); err != nil {
		t.Fatal(err)
	}
	id := c.alert(t, "a-1").Deliveries[0].ID
	eventually(t, 20*time.Second, func() string {
		if got := c.delivery(t, id); got.Status != "held" || got.Reason != "misconfigured" {
			return fmt.Sprintf("%+v", got)
		}
		return ""
	})
	signatures := make(chan string, 10)
	h.says(func(_ http.ResponseWriter, r *http.Request) { signatures <- r.Header.Get("webhook-signature") })
	var mended destinationView
	entered := map[string]any{"settings": map[string]any{"url": h.url}}
	c.call(t, http.StatusOK, http.MethodPatch, "/api/v1/destinations/"+d.ID, entered, &mended)
	if mended.SigningSecret == "" || mended.SigningSecret == d.SigningSecret {
		t.Errorf("the new signing secret is %q, after %q", mended.SigningSecret, d.SigningSecret)
	}
	c.awaitStatus(t, id, "delivered", 1)
	if s := <-signatures; !strings.HasPrefix(s, "v1,") || strings.Contains(s, " ") {
		t.Errorf("signed %q, want one signature", s)
	}
}
