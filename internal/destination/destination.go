// Package destination knows every place an alert can be sent to.
//
// Each type of destination is one file: its settings, how they are read from a
// request, shown without their secrets, and used to send an alert. To add a
// type, write the file and add it to types; the tests in this package then hold
// it to the same promises as the others.
package destination

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"belfry/internal/alert"
	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

// types maps the name stored and shown in the API to how its settings are made.
var types = map[string]settingsType{
	"webhook": {open: openWebhook, read: readWebhook},
}

type settingsType struct {
	// open decodes settings as they were stored.
	open func(stored []byte) (Settings, error)

	// read builds settings from a request. What the request leaves out is taken
	// from old, which is nil for a new destination.
	read func(raw json.RawMessage, old Settings) (Settings, invalid.Fields)
}

var (
	// ErrMisconfigured is returned when stored settings cannot be opened or used:
	// our fault or the operator's, never the alert's.
	ErrMisconfigured = errors.New("the destination's stored settings cannot be used")

	// ErrNoKey is returned when this process cannot open them and others can: the
	// sealing key was rotated, and it has the old one only.
	ErrNoKey = errors.New("the destination is sealed with a key that this process does not have yet: restart it with the rotated keyset")
)

// State says whether deliveries are sent or held.
type State string

// The states of a destination.
const (
	Active State = "active"
	Paused State = "paused"
)

// Destination is somewhere alerts go.
type Destination struct {
	ID          uuid.UUID
	DisplayName string
	FormerNames []string // that still reach it, oldest first
	Type        string
	State       State
	Severities  []alert.Severity // none: override-only
	AlertTypes  []alert.Type     // at least one
	LogTypes    []string         // none: all
	Settings    Settings         // nil when they could not be opened
	Signing     Signing          // empty when it could not be opened
	Limits      Limits

	ResponseStorage ResponseStorage

	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time

	// Unopened is why settings or signing secret could not be opened: ErrMisconfigured
	// or ErrNoKey, wrapped. Nil when both could.
	Unopened error
}

// Usable reports whether there is all that sending takes.
func (d Destination) Usable() bool { return d.Settings != nil && d.Signing.Secret != "" }

// Settings is one type of destination, configured. Its JSON form is what is
// sealed and stored.
type Settings interface {
	// Shown returns what may be shown and logged.
	Shown() Shown

	// Send makes one attempt and never fails: what went wrong is in the result.
	Send(ctx context.Context, client *outbound.Client, m Message) outbound.Result
}

// Shown is what may be seen of settings: where they point, never with what
// credentials.
type Shown struct {
	URL     string // scheme and host only
	Headers []string
}

// Message is one alert on its way to one destination.
type Message struct {
	ID      uuid.UUID // the delivery's: the same on every attempt, so a receiver can drop repeats
	Alert   alert.Alert
	Attempt int // 1 for the first one
	Test    bool
	SentAt  time.Time
	Keys    []string // signing secrets in force, newest first
}

// OpenSettings decodes the stored settings of the named type.
func OpenSettings(typ string, stored []byte) (Settings, error) {
	t, ok := types[typ]
	if !ok {
		return nil, fmt.Errorf("%w: type %q is not known to this version", ErrMisconfigured, typ)
	}
	return t.open(stored)
}

// NameKey folds a display name: two names with one key are the same name, and a
// key is its own key. Folding takes some letters apart, so that what it returns
// is normalized again; and x/text's swaps the cases of Cherokee.
func NameKey(displayName string) string {
	folded := cases.Fold().String(norm.NFKC.String(displayName))
	return norm.NFKC.String(strings.ToLower(folded))
}
