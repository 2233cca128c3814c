// Package testchat is a type of destination that only tests have. It proves that a
// type is one file and one line: nothing else of Belfry knows it. It is built into a
// server with `go build -tags testchat ./cmd/belfry`, which is not shipped.
package testchat

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"belfry/internal/destination"
	"belfry/internal/outbound"
)

// Type is the description of the type.
var Type = destination.Type{
	Name:        "test-chat",
	DisplayName: "Test Chat",
	Description: "Posts a line about each alert into a channel of a chat that exists only in tests.",
	Fields: []destination.Field{
		{Name: "server", Label: "Server", Help: "Where the chat is.", Placeholder: "https://chat.example.com", Kind: destination.KindURL, Required: true},
		{Name: "token", Label: "Bot token", Help: "It may post into the channel.", Kind: destination.KindSecret, Required: true, Secret: true, MaxLength: 200},
		{Name: "channel", Label: "Channel", Help: "Where the messages go.", Placeholder: "#alerts", Kind: destination.KindText, Required: true, MaxLength: 80},
		{
			Name: "message.style", Section: "Message", Label: "Style", Help: "What a message has.", Kind: destination.KindSelect, Default: "plain",
			Options: []destination.Option{{Value: "plain", Label: "Title only"}, {Value: "full", Label: "Title, severity and footer"}},
		},
		{
			Name: "message.footer", Section: "Message", Label: "Footer", Help: "Lines below each message.", Kind: destination.KindMultiline, MaxLength: 500,
			OnlyIf: destination.Condition{Field: "message.style", Values: []string{"full"}},
		},
		{Name: "threads", Section: "Message", Label: "Reply in threads", Help: "One thread for each detection.", Kind: destination.KindBoolean, Default: true},
	},
	New: func() destination.Settings { return new(Settings) },
}

func init() { destination.Register(Type) }

// Settings are those of one channel.
type Settings struct {
	Server  string  `json:"server"`
	Token   string  `json:"token"`
	Channel string  `json:"channel"`
	Message Message `json:"message"`
	Threads bool    `json:"threads"`
}

// Message is what a message looks like.
type Message struct {
	Style  string `json:"style"`
	Footer string `json:"footer,omitempty"`
}

// Request implements destination.Settings.
func (s *Settings) Request(m destination.Message) (outbound.Request, error) {
	text := m.Alert.Title
	if s.Message.Style == "full" {
		text = fmt.Sprintf("[%s] %s\n%s", m.Alert.Severity, m.Alert.Title, s.Message.Footer)
	}
	body, err := json.Marshal(map[string]any{"channel": s.Channel, "text": text, "threads": s.Threads, "test": m.Test})
	if err != nil {
		return outbound.Request{}, fmt.Errorf("write message: %w", err)
	}
	return outbound.Request{
		URL:     strings.TrimSuffix(s.Server, "/") + "/api/chat.post",
		Header:  []outbound.Header{{Name: "Authorization", Value: "Bearer " + s.Token}, {Name: "webhook-id", Value: m.ID.String()}},
		Body:    body,
		Secrets: append([]string{s.Token}, m.Keys...),
	}, nil
}

// Judge implements destination.Settings. The chat answers 200 and says in the body
// what went wrong, as some do.
func (*Settings) Judge(r outbound.Result) destination.Meaning {
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
		Wait  int    `json:"wait"` // seconds
	}
	if r.StatusCode != 200 || json.Unmarshal(r.Body, &answer) != nil {
		return destination.Meaning{Verdict: destination.Retry}
	}
	switch {
	case answer.OK:
		return destination.Meaning{Verdict: destination.Ack}
	case answer.Error == "channel_is_archived":
		return destination.Meaning{Verdict: destination.Never, Why: "the channel is archived"}
	}
	return destination.Meaning{Verdict: destination.Retry, Wait: time.Duration(answer.Wait) * time.Second, Why: "the chat did not take the message"}
}
