package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/polled"
)

// baseline is how far before a piece of time the sample is looked for from which its growth is counted: the longest gap
// between scrapes over which nothing is lost.
const baseline = time.Hour

// questions asks what one reading wants to know of one sort of metrics.
type questions struct {
	reader   *Reader
	now      time.Time
	partial  bool // an answer since it was reset said that something is missing
	problems []catalog.Problem
	told     map[string]bool // the messages of problems
}

// names lists the metrics that match the expression and were there since.
func (q *questions) names(ctx context.Context, expression string, since time.Time) ([]string, error) {
	var names []string
	err := q.try(ctx, func(ctx context.Context) (v1.Warnings, error) {
		values, warnings, _, err := q.reader.api.LabelValues(ctx, model.MetricNameLabel,
			[]string{fmt.Sprintf("{%s=~%q}", model.MetricNameLabel, expression)}, since, q.now)
		names = nil
		for _, value := range values {
			if model.LegacyValidation.IsValidMetricName(string(value)) { // it becomes a part of expressions
				names = append(names, string(value))
			}
		}
		return warnings, err
	})
	slices.Sort(names)
	return names, err
}

// vector is the answer to an expression.
func (q *questions) vector(ctx context.Context, expression string, at time.Time) (model.Vector, error) {
	most := q.reader.config.MaxSeries
	var vector model.Vector
	err := q.try(ctx, func(ctx context.Context) (v1.Warnings, error) {
		value, warnings, _, err := q.reader.api.Query(ctx, expression, at, v1.WithLimit(uint64(most)+1))
		if err != nil {
			return warnings, err
		}
		var ok bool
		if vector, ok = value.(model.Vector); !ok {
			return nil, backoff.Permanent(fmt.Errorf("%s answers %s instead of a vector: is it a Prometheus?",
				q.reader.client.Base(), typeOf(value)))
		}
		vector = slices.DeleteFunc(vector, func(s *model.Sample) bool { return s == nil })
		if len(vector) > most {
			return nil, backoff.Permanent(fmt.Errorf("%w: %s has more than %d series to tell: have it, or what makes the metrics, tell "+
				"apart less", polled.ErrTooLarge, q.reader.client.Base(), most))
		}
		return warnings, nil
	})
	return vector, err
}

func typeOf(value model.Value) string {
	if value == nil {
		return "nothing"
	}
	return value.Type().String()
}

// try asks and keeps what the answer warns of.
func (q *questions) try(ctx context.Context, ask func(ctx context.Context) (v1.Warnings, error)) error {
	return q.reader.client.Try(ctx, func(ctx context.Context) error {
		warnings, err := ask(ctx)
		if err != nil {
			return q.judge(err)
		}
		for _, warning := range warnings {
			q.partial = true
			q.tell("partial-answer", polled.Line(warning), "what is missing is asked for again as long as it is within the lookback")
		}
		return nil
	})
}

// judge says what an error that Prometheus itself answers means.
func (q *questions) judge(err error) error {
	var failed *v1.Error
	if !errors.As(err, &failed) {
		return err
	}
	said := polled.Line(failed.Msg)
	base := q.reader.client.Base()
	switch failed.Type {
	case v1.ErrExec, v1.ErrTimeout, v1.ErrCanceled:
		return backoff.Permanent(fmt.Errorf("%s cannot answer: %s: raise its limits (query.max-samples, query.timeout), or ask for "+
			"fewer metrics", base, said))
	case v1.ErrBadResponse:
		return backoff.Permanent(fmt.Errorf("%s does not answer as Prometheus does: %s: the url must be what stands before /api/v1, and "+
			"no login page may stand before it", base, said))
	default:
		return backoff.Permanent(fmt.Errorf("%s answers %s: %s", base, failed.Type, said))
	}
}

// tell notes a problem, each once in a reading, and not without end.
func (q *questions) tell(code, message, fix string) {
	if q.told[message] || len(q.told) >= 20 {
		return
	}
	q.told[message] = true
	q.problems = append(q.problems, catalog.Problem{
		Location: q.reader.client.Base(), Severity: catalog.Warning, Code: code, Message: message, Fix: fix,
	})
}

// hour is what is asked of one hour, as far as it is over.
type hour struct {
	*questions
	from, end time.Time
	metrics   []string // that are there
}

// until is the end of what there can be samples of.
func (h *hour) until() time.Time {
	if h.now.Before(h.end) {
		return h.now
	}
	return h.end
}

func (h *hour) has(metric string) bool { return slices.Contains(h.metrics, metric) }

// first is the first of the metrics that is there, "" if none is.
func (h *hour) first(metrics ...string) string {
	for _, metric := range metrics {
		if h.has(metric) {
			return metric
		}
	}
	return ""
}

// row is a sum by labels.
type row struct {
	labels model.Metric
	value  float64
}

// increase is by how much the counters grew in the hour, summed by labels, where they did. The hour is taken in steps, so
// that of a counter that was reset no more is lost than it had counted since the last step. known is a metric that each
// target has which also has the series.
func (h *hour) increase(ctx context.Context, series, known string, step time.Duration, by []string) ([]row, error) {
	var rows []row
	place := make(map[model.Fingerprint]int)
	add := func(expression string, at time.Time) error {
		vector, err := h.vector(ctx, expression, at)
		for _, sample := range vector {
			value := float64(sample.Value)
			if !(value > 0) || math.IsInf(value, 0) {
				continue
			}
			key := sample.Metric.Fingerprint()
			at, ok := place[key]
			if !ok {
				at = len(rows)
				place[key] = at
				rows = append(rows, row{labels: sample.Metric})
			}
			rows[at].value += value
		}
		return err
	}
	until := h.until()
	// Steps of a subquery lie at the multiples of the step. One that reaches back to the very beginning of the hour would
	// have the last of the hour before with it, by how some versions count.
	whole := until.Sub(h.from).Truncate(step)
	if whole > 0 {
		expression := fmt.Sprintf("sum_over_time((%s)[%s:%s])", growth(series, known, step, by), duration(whole-time.Second), duration(step))
		if err := add(expression, h.from.Add(whole)); err != nil {
			return nil, err
		}
	}
	if rest := until.Sub(h.from) - whole; rest > 0 {
		if err := add(growth(series, known, rest, by), until); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// growth is an expression for how much counters grew in the last width of time, summed by labels: from the last sample
// before it to the last in it, whatever lies between, so that pieces of time add up to the whole, without extrapolation.
// That PromQL's own increase() extrapolates, and that it knows nothing of what a counter counted before its first sample,
// would tell the calls of seldom used edges wrong, and of edges used once nothing at all. Each counter is the first of these:
//
//   - it is more than before: it grew by the difference;
//   - it is less than before, so that it was reset, or it is new while its target was scraped before, or told of the metric
//     known: it counts from zero;
//   - its target was first scraped in this time, and it came later: the same;
//   - it was there when its target was first scraped: it grew since then, and nobody knows when it counted what it had.
func growth(series, known string, width time.Duration, by []string) string {
	const expression = `sum by ($by) (
((last_over_time($series[$width]) - last_over_time($series[$baseline] offset $width)) >= 0)
or (last_over_time($series[$width]) and on (job, instance) (
	group by (job, instance) ($known offset $width) or group by (job, instance) (max_over_time(up[$baseline] offset $width) > 0)))
or ($series and
	(count_over_time($series[$width]) < on (job, instance) group_left () max by (job, instance) (sum_over_time(up[$width]))))
or (last_over_time($series[$width]) - min_over_time($series[$width])))`
	return strings.NewReplacer("$by", strings.Join(by, ", "), "$series", series, "$known", known,
		"$width", duration(width), "$baseline", duration(baseline)).Replace(expression)
}

func duration(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

// latency is what a histogram, a classic or a native one, says of the hour, by labels. unit is that of its values.
func (h *hour) latency(ctx context.Context, histogram, known string, unit time.Duration, by []string) (map[model.Fingerprint]*traffic.Sketch, error) {
	sketches := make(map[model.Fingerprint]*traffic.Sketch)
	width := h.until().Sub(h.from)
	if width <= 0 {
		return sketches, nil
	}
	add := func(labels model.Metric, low, high, weight float64) {
		key := labels.Fingerprint()
		if sketches[key] == nil {
			sketches[key] = new(traffic.Sketch)
		}
		sketches[key].AddBucket(low*unit.Seconds(), high*unit.Seconds(), weight)
	}
	if classic := histogram + "_bucket"; h.has(classic) {
		by := append(slices.Clip(by), model.BucketLabel)
		vector, err := h.vector(ctx, growth(classic, known, width, by), h.until())
		if err != nil {
			return nil, err
		}
		buckets(vector, add)
		return sketches, nil
	}
	if !h.has(histogram) {
		return sketches, nil
	}
	expression := fmt.Sprintf("sum by (%s) (increase(%s[%s]))", strings.Join(by, ", "), histogram, duration(width))
	vector, err := h.vector(ctx, expression, h.until())
	for _, sample := range vector {
		if sample.Histogram == nil {
			continue
		}
		for _, bucket := range sample.Histogram.Buckets {
			if bucket != nil {
				add(sample.Metric, float64(bucket.Lower), float64(bucket.Upper), float64(bucket.Count))
			}
		}
	}
	return sketches, err
}

// buckets takes cumulative buckets apart.
func buckets(vector model.Vector, add func(labels model.Metric, low, high, weight float64)) {
	type bucket struct{ le, count float64 }
	type histogram struct {
		labels  model.Metric
		buckets []bucket
	}
	var histograms []histogram
	place := make(map[model.Fingerprint]int)
	for _, sample := range vector {
		le, err := strconv.ParseFloat(string(sample.Metric[model.BucketLabel]), 64)
		if err != nil || math.IsNaN(le) || !(sample.Value >= 0) {
			continue
		}
		labels := sample.Metric.Clone()
		delete(labels, model.BucketLabel)
		key := labels.Fingerprint()
		at, ok := place[key]
		if !ok {
			at = len(histograms)
			place[key] = at
			histograms = append(histograms, histogram{labels: labels})
		}
		histograms[at].buckets = append(histograms[at].buckets, bucket{le, float64(sample.Value)})
	}
	for _, h := range histograms {
		slices.SortFunc(h.buckets, func(a, b bucket) int {
			return cmp.Compare(a.le, b.le)
		})
		low, below := 0.0, 0.0
		for _, b := range h.buckets {
			add(h.labels, low, b.le, b.count-below) // what is not positive is passed over
			low, below = b.le, max(below, b.count)
		}
	}
}
