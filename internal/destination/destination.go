// Package destination knows every place an alert can be sent to.
//
// Each type of destination is one file. It describes its settings, makes a request
// of an alert, and says what an answer means. From the description come how settings
// are read from a request and shown without their secrets, and the console's form. To
// add a type, write the file and add it to types; the tests in this package then hold
// it to the same promises as the others.
package destination

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"belfry/internal/alert"
)

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

// Usable reports whether the destination has all that sending needs: settings and a
// signing secret that can be opened. One that only this process cannot open, for lack
// of a newer key, is usable: others send.
func (d Destination) Usable() bool { return d.WhyUnusable() == "" }

// Unusable says why a destination cannot be used.
type Unusable string

// What makes a destination unusable.
const (
	UnusableSettings Unusable = "settings"       // they cannot be opened
	UnusableSigning  Unusable = "signing_secret" // it cannot be opened
	UnknownType      Unusable = "unknown_type"   // to this version
)

// WhyUnusable returns why the destination cannot be used, "" when it can.
func (d Destination) WhyUnusable() Unusable {
	switch {
	case d.Settings != nil && d.Signing.Secret != "", errors.Is(d.Unopened, ErrNoKey):
		return ""
	case !IsType(d.Type):
		return UnknownType
	case d.Settings == nil:
		return UnusableSettings
	}
	return UnusableSigning
}

// Words says the same to people, and what to do.
func (u Unusable) Words() string {
	switch u {
	case UnusableSettings:
		return "Its stored settings cannot be opened. Enter them again."
	case UnusableSigning:
		return "Its signing secret cannot be opened. Enter its settings again: it gets a new one, which is shown once."
	case UnknownType:
		return "This version of Belfry does not know its type. Start a version that does."
	}
	return ""
}

// SameSettings reports whether two destinations of one type have the same settings.
func (d Destination) SameSettings(other Destination) bool {
	if d.Settings == nil || other.Settings == nil || types[d.Type] == nil {
		return d.Settings == nil && other.Settings == nil
	}
	t := types[d.Type]
	a, b := t.valuesOf(d.Settings), t.valuesOf(other.Settings)
	for _, f := range t.Fields {
		if (!a.isEmpty(f.Name) || !b.isEmpty(f.Name)) && !bytes.Equal(a[f.Name], b[f.Name]) {
			return false
		}
	}
	return true
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

// NameKey folds a display name: two names with one key are the same name, and a
// key is its own key. Folding takes some letters apart, so that what it returns
// is normalized again; and x/text's swaps the cases of Cherokee.
func NameKey(displayName string) string {
	folded := cases.Fold().String(norm.NFKC.String(displayName))
	return norm.NFKC.String(strings.ToLower(folded))
}
