package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a form is drawn from. The words are the seeds'.
func TestListDestinationTypes(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	list := decode[DestinationTypeList](t, h.get(t, "/api/v1/destination-types"), 200)
	var webhook DestinationTypeInfo
	for _, item := range list.Items {
		if item.Type == "webhook" {
			webhook = item
		}
	}
	if e := webhook.Example; e == nil || e.Method != "POST" || len(e.Headers) < 2 || e.Headers[0].Name != "Content-Type" || !strings.Contains(value(e.Body), `"title"`) {
		t.Errorf("example: %+v", e)
	}
	webhook.Example = nil
	want := DestinationTypeInfo{Type: "webhook", Name: "Custom Webhook", Description: webhook.Description, Fields: []SettingsField{
		{
			Name: "url", Label: "Custom Webhook URL", Help: "Alerts are posted here as JSON.", Kind: "url", Required: true, Secret: true,
			Placeholder: ptr("https://"), MaxLength: ptr(2048),
		},
		{
			Name: "headers", Label: "Custom HTTP Headers", Help: "Added to every request, such as an API key.", Kind: "headers", Secret: true,
			MaxLength: ptr(4096), MaxItems: ptr(20),
		},
	}}
	if diff := cmp.Diff(want, webhook); diff != "" || webhook.Description == "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
