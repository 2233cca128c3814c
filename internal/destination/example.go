package destination

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/outbound"
)

// exampleID stands for the id of an alert in examples.
const exampleID = "6c1f0f2e4f0a4b1c9a3d5e7b8c9d0e1f"

// Example returns the request that the type makes of an alert, for people to see
// before there is a destination. Its settings have their defaults and no other values,
// and its signature is of a secret that is then forgotten. It reports false where a type cannot make a
// request of such settings.
func (t *Type) Example(now time.Time) (outbound.Request, bool) {
	sample := alert.Sample(alert.High, alert.Rule)
	sample.CreatedAt = now.UTC().Truncate(time.Millisecond)
	sample.AlertID = exampleID
	sample.Link = "https://belfry.example.com/alerts/" + exampleID
	r, err := t.defaults().Request(Message{
		ID: uuid.Must(uuid.NewV7()), Alert: sample, Attempt: 1, SentAt: now, Keys: NewSigning(now).Keys(now),
	})
	return r, err == nil
}

// defaults returns the settings of a destination for which nothing was entered.
func (t *Type) defaults() Settings {
	v := values{}
	for _, f := range t.Fields {
		if f.Default != nil && v.applies(f) {
			v.set(f.Name, f.Default)
		}
	}
	s := t.New()
	if json.Unmarshal(v.tree(), s) != nil {
		return t.New() // cannot be: its description says otherwise
	}
	return s
}
