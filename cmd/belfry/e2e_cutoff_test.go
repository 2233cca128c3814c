//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// A replica that hears nothing from Postgres any more, and Postgres nothing from
// it, hurts nobody but its own producers, who are told to come back.
func TestE2ECutOffFromPostgres(t *testing.T) {
	heavy(t, 2)
	const hole = 15 * time.Second
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	h.says(slow(75 * time.Millisecond))
	ingest := mustBelfry(t, []string{"DATABASE_URL=" + databaseURL}, "token", "create", "detection engine", "--scope", "ingest")
	proxy := newDatabaseProxy(t, databaseURL)
	a, ca := serving(t, proxy.url)
	_, cb := serving(t, databaseURL)
	explain(t, databaseURL)
	ca.http.Timeout = 5 * time.Second // for how long a producer waits
	ca.destination(t, "SOAR", h.url)

	// Cut in the middle of a record and of an accept, which have locked what the
	// other replica needs too.
	recording, accepting := proxy.lose("success", false), proxy.lose("cut-twice", false)
	l := posting(t, "cut", 300, ca, cb)
	awaitDone(t, recording, "an answer that the first replica records")
	posting(t, "cut-twice", 1, ca)
	awaitDone(t, accepting, "an alert that the first replica accepts")
	proxy.cut()
	began := time.Now()
	during, cancel := context.WithTimeout(t.Context(), hole)
	defer cancel()
	base := *ca.base.Load()
	patient := []<-chan []answered{newClient(t, base, adminToken).insisting(during, "admin"), newClient(t, base, ingest).insisting(during, "token")}

	twice, others := posting(t, "cut-twice", 1, cb), posting(t, "others", 100, cb)
	twice.wait(t, 20*time.Second)
	others.wait(t, 20*time.Second)
	cb.awaitDelivered(t, 20*time.Second, "others-")
	t.Logf("what the other replica accepted was delivered after %v", time.Since(began).Round(time.Millisecond))
	eventually(t, hole, func() string { return ca.unready(t) })
	l.wait(t, 40*time.Second)
	cb.awaitDelivered(t, 25*time.Second, "cut-")
	t.Logf("all that was accepted before was delivered after %v", time.Since(began).Round(time.Millisecond))
	settled := cb.settled(t)
	<-during.Done()
	proxy.mend()

	began = time.Now()
	accepted := slices.Concat(l.acceptedIDs(), twice.acceptedIDs(), others.acceptedIDs(), told(t, <-patient[0]), told(t, <-patient[1]))
	ca.healthy(t)
	t.Logf("ready %v after the connection was restored", time.Since(began).Round(time.Millisecond))
	attempted := func() int { return strings.Count(a.log.String(), `"msg":"delivery attempted"`) }
	before := attempted()
	after := posting(t, "after", 50, ca)
	after.wait(t, 20*time.Second)
	uncharged(t, audit(t, cb, h, append(accepted, after.acceptedIDs()...)))
	balanced(t, databaseURL)
	eventually(t, 20*time.Second, func() string { // an attempt is logged after it is recorded; what was held the other may release
		if n := attempted() - before; n < 25 {
			return fmt.Sprintf("the replica that was cut off has made %d attempts since", n)
		}
		return ""
	})
	cb.unchanged(t, settled)
	if n := h.repeats(); n > 64 {
		t.Errorf("%d repeats at the receiver", n)
	}
	t.Logf("%d repeats at the receiver; other answers to producers: %v", h.repeats(), l.refusals())
}

// What was committed although the answer got lost is neither forgotten nor done
// twice: the jobs that a server was to run and has never heard of, and the record
// of an attempt.
func TestE2ECommitThatNobodyHeardOf(t *testing.T) {
	heavy(t, 1)
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	proxy := newDatabaseProxy(t, databaseURL)
	p, c := serving(t, proxy.url)
	explain(t, databaseURL)
	c.destination(t, "SOAR", h.url)
	c.http.Timeout = 30 * time.Second

	h.says(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "recorded unheard") })
	recorded := proxy.lose("recorded unheard", true)
	first := c.alert(t, "recorded").Deliveries[0].ID
	awaitDone(t, recorded, "the record of an attempt")
	h.says(slow(0))
	accepted := proxy.lose("accepted-unheard", true)
	began := time.Now()
	l := posting(t, "accepted-unheard", 1, c) // in a batch of its own
	awaitDone(t, accepted, "the acceptance of an alert")
	for _, d := range append(c.awaitOpen(t, "accepted-unheard"), deliveryView{ID: first}) {
		got := c.awaitStatus(t, d.ID, "delivered", 1)
		if got.Attempts != 1 || len(got.AttemptHistory) != 1 || h.of(d.ID).requests != 1 {
			t.Errorf("%d requests received, delivery %+v", h.of(d.ID).requests, got)
		}
		t.Logf("alert %s delivered after %v", got.AlertID, time.Since(began).Round(time.Millisecond))
	}
	p.says(t, p.log, `"msg":"lost jobs given back","jobs":1`)
	l.wait(t, 20*time.Second) // the producer came again, and it was the same alert
	uncharged(t, audit(t, c, h, append(l.acceptedIDs(), "recorded")))
	balanced(t, databaseURL)
	if log := p.log.String(); strings.Contains(log, `"msg":"attempt not recorded"`) || strings.Contains(log, `"msg":"attempt stored without`) {
		t.Errorf("the record was taken for another:\n%s", tail(log, 10))
	}
	t.Logf("answers to the producer before it was accepted: %v", l.refusals())
}

// awaitOpen waits until a name has open deliveries, and returns them.
func (c *client) awaitOpen(t *testing.T, name string) (open []deliveryView) {
	t.Helper()
	eventually(t, 10*time.Second, func() string {
		for _, d := range c.deliveries(t, "queued", "held") {
			if strings.HasPrefix(d.AlertID, name) {
				open = append(open, d)
			}
		}
		if len(open) > 0 {
			return ""
		}
		return "no open delivery of " + name
	})
	return open
}

// awaitDone waits for a channel to be closed.
func awaitDone(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

// answered is what a producer was told, and how long that took.
type answered struct {
	alertID string
	reply
	err  error
	took time.Duration
}

// insisting posts one alert after the other until ctx ends, waits for each answer
// as long as it takes, and returns them.
func (c *client) insisting(ctx context.Context, name string) <-chan []answered {
	c.http.Timeout = 60 * time.Second
	all := make(chan []answered, 1)
	go func() {
		var told []answered
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			x, began := answered{alertID: fmt.Sprintf("%s-%d", name, i)}, time.Now()
			x.reply, x.err = c.try(context.WithoutCancel(ctx), http.MethodPost, "/api/v1/alerts", newAlert(x.alertID))
			x.took = time.Since(began)
			told = append(told, x)
			<-tick.C
		}
		all <- told
	}()
	return all
}

// told checks that a producer was told in time to come back, and returns what
// was accepted all the same.
func told(t *testing.T, all []answered) (alertIDs []string) {
	t.Helper()
	var longest time.Duration
	for i, x := range all {
		longest = max(longest, x.took)
		if x.took > 12*time.Second {
			t.Errorf("alert %s was answered after %v", x.alertID, x.took)
		}
		switch {
		case x.err != nil:
			t.Errorf("alert %s: %v", x.alertID, x.err)
		case x.status == http.StatusAccepted && i == len(all)-1: // the connection was restored meanwhile
			alertIDs = append(alertIDs, x.alertID)
		case x.status != http.StatusServiceUnavailable || x.header.Get("Retry-After") == "":
			t.Errorf("alert %s: %d %s with Retry-After %q", x.alertID, x.status, x.body, x.header.Get("Retry-After"))
		}
	}
	t.Logf("a producer called %d times and waited %v at most", len(all), longest.Round(time.Millisecond))
	return alertIDs
}

// unready says how a server takes itself for ready, or "".
func (c *client) unready(t *testing.T) string {
	t.Helper()
	began := time.Now()
	r, err := c.try(t.Context(), http.MethodGet, "/readyz", nil)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("/readyz was answered after %v", took)
	}
	if err == nil && r.status == http.StatusServiceUnavailable {
		return ""
	}
	return fmt.Sprintf("/readyz: %d %s %v", r.status, r.body, err)
}

// awaitDelivered waits until no accepted alert of a name is open any more.
func (c *client) awaitDelivered(t *testing.T, within time.Duration, name string) {
	t.Helper()
	eventually(t, within, func() string {
		open := map[string]int{}
		for _, d := range c.deliveries(t, "queued", "retrying", "held") {
			if strings.HasPrefix(d.AlertID, name) {
				open[d.Status+" "+d.Reason]++
			}
		}
		if len(open) == 0 {
			return ""
		}
		return fmt.Sprintf("of the alerts %s… there are open: %v", name, open)
	})
}

// settled returns the deliveries that are delivered.
func (c *client) settled(t *testing.T) map[string]deliveryView {
	t.Helper()
	settled := map[string]deliveryView{}
	for _, d := range c.deliveries(t, "delivered") {
		settled[d.ID] = d
	}
	return settled
}

// unchanged checks that nothing that came later has changed what was settled,
// beside what was found out late.
func (c *client) unchanged(t *testing.T, settled map[string]deliveryView) {
	t.Helper()
	facts := func(d deliveryView) string {
		return fmt.Sprintf("%s in run %d after %d attempts, finished %s", d.Status, d.Run, d.Attempts, d.FinishedAt)
	}
	for _, is := range c.deliveries(t) {
		if was, ok := settled[is.ID]; ok && facts(is) != facts(was) {
			t.Errorf("delivery %s was %s and is %s", is.ID, facts(was), facts(is))
		}
	}
}
