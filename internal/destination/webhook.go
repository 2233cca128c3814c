package destination

import (
	"fmt"
	"strconv"

	"belfry/internal/alert"
	"belfry/internal/outbound"
)

var webhook = Type{
	Name:        "webhook",
	DisplayName: "Custom Webhook",
	Description: "Posts each alert as JSON to a URL of your own. Every 2xx answer acknowledges it; anything else is tried again.",
	Fields: []Field{
		{
			Name: "url", Label: "Custom Webhook URL", Help: "Alerts are posted here as JSON.", Placeholder: "https://",
			Kind: KindURL, Required: true, Secret: true,
		},
		{
			Name: "headers", Label: "Custom HTTP Headers", Help: "Added to every request, such as an API key.",
			Kind: KindHeaders, Secret: true,
		},
	},
	New: func() Settings { return &Webhook{Headers: []outbound.Header{}} },
}

// Webhook posts the alert as JSON to a URL that somebody chose. The URL and the
// header values are secrets.
type Webhook struct {
	URL     string            `json:"url"`
	Headers []outbound.Header `json:"headers"`
}

// Request implements Settings: the alert's payload, signed as Standard Webhooks says.
func (w *Webhook) Request(m Message) (outbound.Request, error) {
	body, err := m.Alert.Payload()
	if err != nil {
		return outbound.Request{}, fmt.Errorf("%w: %w", errPayload, err)
	}
	signature := sign(m.Keys, m.ID.String(), m.SentAt, body)
	if signature == "" { // cannot be: such a destination is misconfigured
		return outbound.Request{}, errUnsigned
	}
	headers := []outbound.Header{
		{Name: "webhook-id", Value: m.ID.String()},
		{Name: "webhook-timestamp", Value: strconv.FormatInt(m.SentAt.Unix(), 10)},
		{Name: "Belfry-Attempt", Value: strconv.Itoa(m.Attempt)},
		{Name: "webhook-signature", Value: signature},
	}
	if m.Test {
		headers = append(headers, outbound.Header{Name: "Belfry-Test", Value: "true"})
	}
	secrets := append([]string{}, m.Keys...)
	for _, h := range w.Headers {
		secrets = append(secrets, h.Value)
	}
	return outbound.Request{
		URL:     w.URL,
		Header:  append(headers, w.Headers...),
		Body:    body,
		Payload: alert.PayloadVersion,
		Secrets: secrets,
	}, nil
}

// Judge implements Settings: any 2xx is an ack and nothing else is (the seeds).
func (*Webhook) Judge(r outbound.Result) Meaning { return ByStatus(r) }
