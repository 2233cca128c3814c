package dispatch

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

// metrics are counted by this process since it started, but for the gauges,
// which are read from the database when they are asked for.
type metrics struct {
	accepted prometheus.Counter
	unrouted *prometheus.CounterVec // by reason
	altered  prometheus.Counter
	attempts *prometheus.CounterVec // by class
	tests    *prometheus.CounterVec // by class
	finished *prometheus.CounterVec // by status
	failed   *prometheus.CounterVec // by reason
	duration prometheus.Histogram
	repairs  *prometheus.CounterVec // by kind
	waits    prometheus.Counter
}

func newMetrics(r prometheus.Registerer, db *postgres.DB) metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "belfry", Name: name, Help: help}, []string{label})
	}
	m := metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "belfry", Name: "alerts_accepted_total", Help: "Alerts accepted, repeats left out."}),
		unrouted: counter("alerts_unrouted_total", "Alerts accepted that go to no destination, or not to all that they name, by reason.", "reason"),
		altered:  prometheus.NewCounter(prometheus.CounterOpts{Namespace: "belfry", Name: "alerts_altered_total", Help: "Alerts accepted in which characters that cannot be stored were replaced."}),
		attempts: counter("attempts_total", "Attempts made, by class.", "class"),
		tests:    counter("tests_total", "Test alerts sent, by class.", "class"),
		finished: counter("deliveries_finished_total", "Deliveries that became delivered or failed, by status.", "status"),
		failed:   counter("deliveries_failed_total", "Deliveries that failed, by reason.", "reason"),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "belfry", Name: "attempt_duration_seconds", Help: "How long attempts took, to the end of the answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
		}),
		waits:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: "belfry", Name: "record_retries_total", Help: "Times that attempts could not be recorded at once because the database was away."}),
		repairs: counter("repairs_total", "Deliveries that would have been stuck; 0 without a crash.", "kind"),
	}
	for _, reason := range delivery.UnroutedLabels() {
		m.unrouted.WithLabelValues(string(reason))
	}
	for _, c := range outbound.Classes() {
		m.attempts.WithLabelValues(string(c))
	}
	for _, status := range []string{"delivered", "failed"} {
		m.finished.WithLabelValues(status)
	}
	for _, reason := range delivery.Reasons(delivery.Failed) {
		m.failed.WithLabelValues(string(reason))
	}
	for _, kind := range []string{"dead_instance", "lost_job", "stuck_delivery"} {
		m.repairs.WithLabelValues(kind)
	}
	r.MustRegister(m.accepted, m.altered, m.unrouted, m.attempts, m.tests, m.finished, m.failed, m.duration, m.repairs, m.waits, &queueStatistics{db: db, turn: make(semaphore, 1)})
	return m
}

// inFlightGauges are what the destinations have in flight from this process, and may have:
// of those only that have something to do, so that there are not too many.
type inFlightGauges struct{ limiter *limiter.Limiter }

var (
	inFlightDesc = prometheus.NewDesc("belfry_destination_in_flight", "Attempts in flight from this process, by destination.", []string{"destination_id"}, nil)
	limitDesc    = prometheus.NewDesc("belfry_destination_in_flight_limit", "Attempts that this process may have in flight, by destination.", []string{"destination_id"}, nil)
)

// Describe implements prometheus.Collector.
func (inFlightGauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- inFlightDesc
	ch <- limitDesc
}

// Collect implements prometheus.Collector.
func (g inFlightGauges) Collect(ch chan<- prometheus.Metric) {
	for id, f := range g.limiter.AllInFlight() {
		ch <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(f.Now), id.String())
		ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, float64(f.Limit), id.String())
	}
}

// queueStatistics reads gauges from the database at each scrape. They are the same for
// every replica.
type queueStatistics struct {
	db   *postgres.DB
	turn semaphore // many scrapes have one connection
}

var (
	openDesc    = prometheus.NewDesc("belfry_deliveries_open", "Open deliveries, by status.", []string{"status"}, nil)
	heldDesc    = prometheus.NewDesc("belfry_deliveries_held", "Held deliveries, by reason.", []string{"reason"}, nil)
	failingDesc = prometheus.NewDesc("belfry_destinations_failing", "Destinations whose deliveries are held as failing.", nil, nil)
	oldestDesc  = prometheus.NewDesc("belfry_oldest_due_age_seconds", "How long the most overdue delivery has been due.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*queueStatistics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openDesc, heldDesc, failingDesc, oldestDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *queueStatistics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // a collector is handed none
	defer cancel()
	if !s.turn.take(ctx) {
		ch <- prometheus.NewInvalidMetric(openDesc, ErrOperatorBusy)
		return
	}
	now, err := s.db.QueueStatistics(ctx)
	s.turn.free()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(openDesc, err)
		return
	}
	for status, n := range now.Open {
		ch <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(n), string(status))
	}
	for reason, n := range now.Held {
		ch <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, float64(n), string(reason))
	}
	ch <- prometheus.MustNewConstMetric(failingDesc, prometheus.GaugeValue, float64(now.Failing))
	ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, now.OldestDue.Seconds())
}
