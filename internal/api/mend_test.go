package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Settings that are entered again mend a destination whole: also where its signing
// secret, a seal of its own, is lost. No request is ever signed with anything but the
// secrets that were shown.
func TestSettingsEnteredAgainMendTheSigningSecret(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"all of it":          `settings = 'damaged', signing = 'damaged'`,
		"the signing secret": `signing = 'damaged'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAPI(t, idle)
			r := newReceiver(t, says(200, "success"))
			d := h.hook(t, r.URL)
			path := destinationPath(d)
			h.exec(t, `UPDATE destinations SET `+damage)
			wantProblem(t, h.post(t, path+"/test", ""), 409, ProblemCodeConflict)
			if renamed := decode[ChangedDestination](t, h.patch(t, path, `{"displayName":"renamed"}`), 200); renamed.Usable || renamed.SigningSecret != nil || renamed.Signing.CreatedAt != nil {
				t.Errorf("another change: %+v", renamed)
			}
			entered := js(object{"settings": object{"url": r.URL + "/", "headers": []object{{"name": "X-Api-Key", "value": "v"}}}})
			mended := decode[ChangedDestination](t, h.patch(t, path, entered), 200)
			if !mended.Usable || mended.Signing.CreatedAt == nil || mended.SigningSecret == nil || *mended.SigningSecret == d.SigningSecret {
				t.Fatalf("mended: %+v", mended)
			}
			if again := decode[ChangedDestination](t, h.patch(t, path, entered), 200); again.SigningSecret != nil {
				t.Error("the secret of what is not damaged was made anew")
			}
			rotated := decode[NewSigningSecret](t, h.post(t, path+"/signing-secret", ""), 200)
			wantStatus(t, h.post(t, path+"/test", ""), 200)
			signedBy(t, r.received()[0].header, r.received()[0].body, *mended.SigningSecret, rotated.SigningSecret)
		})
	}
}

// Rotating also mends a signing secret that is lost; of what was lost nothing is kept.
func TestRotatingMendsALostSigningSecret(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	r := newReceiver(t, says(200, "success"))
	path := destinationPath(h.hook(t, r.URL))
	h.exec(t, `UPDATE destinations SET signing = 'damaged'`)
	rotated := decode[NewSigningSecret](t, h.post(t, path+"/signing-secret", ""), 200)
	if rotated.PreviousValidUntil != nil {
		t.Errorf("a secret that nobody has is valid until %v", rotated.PreviousValidUntil)
	}
	wantStatus(t, h.post(t, path+"/test", ""), 200)
	signedBy(t, r.received()[0].header, r.received()[0].body, rotated.SigningSecret)
}

// signedBy checks that a request has one signature of each secret, and no other.
func signedBy(t *testing.T, header http.Header, body []byte, secrets ...string) {
	t.Helper()
	signatures := strings.Fields(header.Get("Webhook-Signature"))
	if len(signatures) != len(secrets) {
		t.Errorf("%d signatures, want %d: %q", len(signatures), len(secrets), signatures)
	}
	for _, secret := range secrets {
		hook, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(signatures, func(s string) bool {
			one := header.Clone()
			one.Set("Webhook-Signature", s)
			return hook.Verify(body, one) == nil
		}) {
			t.Errorf("%q has no signature of %s", signatures, secret)
		}
	}
}
