package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"belfry/internal/alert"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

const (
	tellUnknownEvery = 5 * time.Second
	tellAgainAfter   = time.Hour        // a name is told at most once in this time
	tellInterval     = 10 * time.Second // so that what comes together is told together
	maxTellings      = 20               // within tellAgainAfter: a producer may invent names
	maxToldNames     = 20               // by name, in one alert
	maxShownName     = 100              // characters
)

// tellUnknown tells, by a system alert, which names of destinations alerts give although
// nobody has them. It reads the stored alerts, so that none is missed after a crash, and
// stores what it has told, so that another replica does not tell it again.
func (n *announcer) tellUnknown(ctx context.Context) error {
	since := n.now().Add(-tellAgainAfter)
	names, _, err := n.db.UnknownNames(ctx, since)
	if err != nil || len(names) == 0 {
		return err
	}
	return ignore(n.db.Exclusively(ctx, "tell unknown destinations", func(tx *postgres.Tx) error {
		return n.tellUnknownNames(ctx, tx, names)
	}), errRouting) // the next round sees what has changed
}

func (n *announcer) tellUnknownNames(ctx context.Context, tx *postgres.Tx, names []postgres.UnknownName) error {
	now := n.now().UTC().Truncate(time.Microsecond)
	since := now.Add(-tellAgainAfter)
	times, last, err := tx.Tellings(ctx, since)
	if err != nil || times >= maxTellings || now.Sub(last) < tellInterval {
		return err
	}
	among, err := tx.Routing(ctx)
	if err != nil {
		return err
	}
	byKey, keys := map[string]postgres.UnknownName{}, [][]byte{}
	for _, n := range names {
		key := sha256.Sum256([]byte(destination.NameKey(strings.TrimSpace(n.Name))))
		if _, twice := byKey[string(key[:])]; twice {
			continue
		}
		if _, found := among.Named(n.Name); !found {
			byKey[string(key[:])], keys = n, append(keys, key[:])
		}
	}
	keys, err = tx.TellUnknown(ctx, keys, now, since)
	if err != nil || len(keys) == 0 {
		return err
	}
	fresh := make([]postgres.UnknownName, len(keys))
	for i, key := range keys {
		fresh[i] = byKey[string(key)]
	}
	alertID, err := n.tell(ctx, tx, among, unknownNotice(fresh))
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { n.log.WarnContext(ctx, "unknown destinations told", "names", len(fresh), "alert_id", alertID) })
	return tx.ForgetUnknown(ctx, since.Add(-tellAgainAfter))
}

// unknownNotice says that alerts name destinations that nobody has.
func unknownNotice(names []postgres.UnknownName) notice {
	type told struct {
		Name        string `json:"name"`
		Alerts      int    `json:"alerts"`
		LastAlertID string `json:"lastAlertId"`
	}
	var (
		context struct {
			Names []told `json:"unknownDestinations"`
			More  int    `json:"moreNames"`
		}
		quoted []string
	)
	for _, n := range names[:min(len(names), maxToldNames)] {
		quoted = append(quoted, shown(n.Name))
		context.Names = append(context.Names, told{n.Name, n.Alerts, n.LastAlertID})
	}
	context.More = len(names) - len(context.Names)
	list := strings.Join(quoted, ", ")
	if context.More > 0 {
		list += fmt.Sprintf(" and %d more", context.More)
	}
	n := notice{
		id: "UNKNOWN_DESTINATION", name: "Unknown destination", severity: alert.Critical,
		title:       "Alerts name a destination that does not exist: " + list,
		description: "In the last hour alerts named " + list + ", in their destinations. No destination has this name or id, or had it before. Such alerts are stored and go only to the other destinations that they name, if there are any.",
		runbook:     "Correct the name at the producer, or give it to a destination. Then send the alerts from their pages to where they belong: Overview lists them by the name that they give.",
	}
	if len(names) > 1 {
		n.title = fmt.Sprintf("Alerts name %d destinations that do not exist", len(names))
		n.description = strings.Replace(n.description, "this name or id", "one of these names or ids", 1)
	}
	n.context, _ = json.Marshal(context) // texts and numbers only
	return n
}

// shown quotes a name that a producer made up: what is not printable is escaped.
func shown(name string) string {
	if r := []rune(name); len(r) > maxShownName {
		name = string(r[:maxShownName]) + "…"
	}
	return fmt.Sprintf("%q", name)
}
