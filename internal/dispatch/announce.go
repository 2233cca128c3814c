package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// tellTogether is how long the first change of a destination waits to be told. Other
// changes in that time are told with it.
const tellTogether = time.Minute

// announce tells the other destinations, by one alert of our own, which destinations keep
// failing and which ack again. The database keeps when that is due, and what
// has been told is written with the alert. So all replicas together send one alert for
// all changes within a minute, and none for a change that was undone meanwhile.
func (n *announcer) announce(ctx context.Context) error {
	seen, err := n.db.Announcing(ctx)
	if err != nil || !n.mustAnnounce(seen) {
		return err
	}
	err = n.inTx(ctx, func(tx *postgres.Tx) error {
		now, err := tx.LockAnnouncing(ctx)
		switch {
		case err != nil:
			return err
		case !n.mustAnnounce(now): // another was quicker
			return nil
		case len(now.Changed) == 0:
			return tx.SetAnnouncing(ctx, time.Time{})
		case now.DueAt.IsZero():
			return tx.SetAnnouncing(ctx, n.now().Add(tellTogether))
		}
		if err := n.announceNow(ctx, tx, now.Changed); err != nil {
			return err
		}
		return tx.SetAnnouncing(ctx, time.Time{})
	})
	if errors.Is(err, postgres.ErrLocked) || errors.Is(err, errRouting) {
		return nil // the next round sees what has changed
	}
	return err
}

// mustAnnounce reports whether anything is to be done: there are changes without a
// time for them, or their time has come, or the time stands without changes.
func (n *announcer) mustAnnounce(a postgres.Announcing) bool {
	if len(a.Changed) == 0 {
		return !a.DueAt.IsZero()
	}
	return !n.now().Before(a.DueAt)
}

func (n *announcer) announceNow(ctx context.Context, tx *postgres.Tx, ids []uuid.UUID) error {
	healths, err := tx.Announce(ctx, ids)
	if err != nil {
		return err
	}
	among, err := tx.Routing(ctx)
	if err != nil {
		return err
	}
	var list []healthChange
	for _, t := range among.All { // without those that were deleted meanwhile
		if h, ok := healths[t.ID]; ok {
			list = append(list, healthChange{t, h})
		}
	}
	if len(list) == 0 {
		return nil
	}
	var except []uuid.UUID
	if len(list) == 1 {
		except = append(except, list[0].of.ID) // it need not be told that it acks
	}
	alertID, err := n.tell(ctx, tx, among, healthNotice(list), except...)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		for _, c := range list {
			n.log.WarnContext(ctx, "destination health changed", "destination_id", c.of.ID, "state", c.health.State(),
				"deliveries_held", c.health.Holding(), "alert_id", alertID)
			n.events.Changed(c.of.ID)
		}
	})
	return nil
}

// healthChange is that deliveries to a destination are held as failing now, or no longer.
type healthChange struct {
	of     destination.Destination
	health delivery.Health
}

// However many destinations change together, the alert must stay within the limits of an
// alert. These bound how many of each kind its description names, and how many its
// context lists.
const (
	describedChanges = 50
	listedChanges    = 200
)

// healthNotice says which destinations keep failing, and which ack again.
// Like what the seeds' product sends, its id is ALERT_DELIVERY.
func healthNotice(list []healthChange) notice {
	type told struct {
		ID    uuid.UUID            `json:"id"`
		Name  string               `json:"displayName"`
		State delivery.HealthState `json:"state"`
		Since *time.Time           `json:"failingSince,omitempty"`
	}
	var (
		context struct {
			Destinations []told `json:"destinations"`
			More         int    `json:"moreDestinations,omitempty"`
		}
		down, up []string
		states   = map[delivery.HealthState]bool{} // of those that are down
		n        = notice{id: "ALERT_DELIVERY", name: "Alert delivery", severity: alert.Info}
		says     []string
	)
	for _, c := range list {
		name := fmt.Sprintf("%q", c.of.DisplayName)
		if !c.health.Holding() {
			up = append(up, name)
			context.Destinations = append(context.Destinations, told{c.of.ID, c.of.DisplayName, delivery.StateHealthy, nil}) // it has acked, whatever came right after
			continue
		}
		since := c.health.FailingSince.UTC().Truncate(time.Second)
		down = append(down, name)
		states[c.health.State()] = true
		context.Destinations = append(context.Destinations, told{c.of.ID, c.of.DisplayName, c.health.State(), &since})
		if len(says) < describedChanges {
			says = append(says, fmt.Sprintf("%s is %s: the last %d attempts got no acknowledgement, since %s.",
				name, c.health.State(), c.health.Unacked, since.Format(time.RFC3339)))
		}
	}
	n.title = healthTitle(down, up, states)
	if len(down) > 0 {
		n.severity = alert.Critical
		if more := len(down) - len(says); more > 0 {
			says = append(says, fmt.Sprintf("And %d more.", more))
		}
		says = append(says, "Their deliveries are held, and one at a time is sent as a probe.")
		n.runbook = "Open the destination's page, read what the last attempt got back, and mend the receiver or the destination's settings. Held deliveries go out by themselves once it acknowledges a probe."
	}
	if len(up) > 0 {
		says = append(says, "What was held for "+first(up, describedChanges)+" is being sent.")
	}
	n.description = strings.Join(says, "\n")
	if context.More = max(0, len(list)-listedChanges); context.More > 0 {
		context.Destinations = context.Destinations[:listedChanges]
	}
	n.context, _ = json.Marshal(context) // texts and times only
	return n
}

// healthTitle says how destinations do that are down, in one of the states or in both,
// and which ack again.
func healthTitle(down, up []string, states map[delivery.HealthState]bool) string {
	if len(down) == 0 {
		return phrase(up, "acknowledges again", "acknowledge again")
	}
	words := "failing or unreachable"
	for s := range states {
		if len(states) == 1 {
			words = string(s)
		}
	}
	title := phrase(down, "is "+words, "are "+words)
	switch len(up) {
	case 0:
		return title
	case 1:
		return title + "; 1 acknowledges again"
	}
	return title + fmt.Sprintf("; %d acknowledge again", len(up))
}

// titled is how many destinations a title names.
const titled = 3

// phrase says in a title what destinations do.
func phrase(names []string, one, many string) string {
	if len(names) == 1 {
		return "Destination " + names[0] + " " + one
	}
	return fmt.Sprintf("%d destinations %s: %s", len(names), many, first(names, titled))
}

// first lists the first names, and says how many more there are.
func first(names []string, most int) string {
	list := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}
