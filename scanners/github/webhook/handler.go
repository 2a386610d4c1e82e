package webhook

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"github.com/orrery-catalog/orrery/scanners"
)

// What bounds the work, whoever asks for it.
const (
	maxTogether = 256              // deliveries at a time
	heldBodies  = 4                // bodies of the largest size for which there is memory, by what of them has come
	readTime    = 10 * time.Second // in which a body must have come; GitHub itself waits no longer for the whole answer
	maxDelivery = 100              // bytes of an id; GitHub's have 36
	// refusedBurst is how many refusals are logged in a minute: anybody can send what is refused.
	refusedBurst = 60
)

// handler takes deliveries.
type handler struct {
	targets    []Target
	maxBytes   int64
	log        zerolog.Logger
	refusals   zerolog.Logger // the same, some of them
	slots      chan struct{}
	memory     *semaphore.Weighted
	recent     *recent
	deliveries *prometheus.CounterVec // by event and outcome
}

// New makes the handler of deliveries. It answers 202 to what it took or needs not, 409 to a replay, 401 to what is not
// signed by a secret of a target, 413 to what is too large, 400, 405 and 415 to what is no delivery, and 503 to what may be
// delivered again. The error is that of the metrics.
func New(config Config) (http.Handler, error) {
	h := &handler{
		targets: config.Targets, maxBytes: config.MaxBytes, log: config.Log,
		refusals: config.Log.Sample(&zerolog.BurstSampler{Burst: refusedBurst, Period: time.Minute}),
		slots:    make(chan struct{}, maxTogether), recent: newRecent(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_webhook_deliveries_total",
			Help: "Deliveries of GitHub by event and outcome: accepted, ignored (nothing in it matters), replayed, forged, oversized, malformed, busy, failed.",
		}, []string{"event", "outcome"}),
	}
	if h.maxBytes <= 0 {
		h.maxBytes = DefaultMaxBytes
	}
	h.memory = semaphore.NewWeighted(heldBodies*h.maxBytes + maxTogether*pieceBytes)
	if config.Metrics != nil {
		if err := config.Metrics.Register(h.deliveries); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// outcome is how a delivery ended.
type outcome string

const (
	accepted  outcome = "accepted"
	ignored   outcome = "ignored"
	replayed  outcome = "replayed"
	forged    outcome = "forged"
	oversized outcome = "oversized"
	malformed outcome = "malformed"
	busy      outcome = "busy"
	failed    outcome = "failed"
)

// answer is what GitHub is told, and shows to those who look at its deliveries.
type answer struct {
	status  int
	outcome outcome
	message string
	err     error // of a target
	// What is logged of a delivery that was taken: the ids of the sources, and how many parts are read again.
	sources []string
	parts   int
}

func refuse(status int, outcome outcome, message string) answer {
	return answer{status: status, outcome: outcome, message: message}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := h.take(w, r)
	event := eventLabel(r.Header.Get(github.EventTypeHeader))
	h.deliveries.WithLabelValues(event, string(a.outcome)).Inc()
	h.note(r, event, a)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch a.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
	}
	w.WriteHeader(a.status)
	_, _ = fmt.Fprintln(w, a.message) // who has gone is not told
}

// note logs a delivery, without its body.
func (h *handler) note(r *http.Request, event string, a answer) {
	log, level := &h.refusals, zerolog.WarnLevel
	switch a.outcome {
	case accepted:
		log, level = &h.log, zerolog.InfoLevel
	case ignored:
		log, level = &h.log, zerolog.DebugLevel
	case failed:
		log, level = &h.log, zerolog.ErrorLevel
	case replayed, forged, oversized, malformed, busy: // refused
	}
	delivery := r.Header.Get(github.DeliveryIDHeader)
	if !isDelivery(delivery) {
		delivery = ""
	}
	log.WithLevel(level).Str("event", event).Str("delivery", delivery).Str("outcome", string(a.outcome)).Int("status", a.status).
		Str("from", r.RemoteAddr).Int64("bytes", r.ContentLength).Strs("sources", a.sources).Int("parts", a.parts).Err(a.err).
		Msg("webhook of GitHub: " + a.message)
}

// take takes a delivery, or says why not.
func (h *handler) take(w http.ResponseWriter, r *http.Request) answer {
	if r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, malformed, "deliveries are sent by POST")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON && media != mediaForm {
		return refuse(http.StatusUnsupportedMediaType, malformed, "the content type is neither "+mediaJSON+" nor "+mediaForm)
	}
	if r.ContentLength > h.maxBytes {
		return h.tooLarge()
	}
	signature, ok := parseSignature(r.Header.Get(github.SHA256SignatureHeader))
	if !ok {
		return refuse(http.StatusUnauthorized, forged, "there is no signature by SHA-256: give the webhook a secret")
	}
	delivery, event := r.Header.Get(github.DeliveryIDHeader), r.Header.Get(github.EventTypeHeader)
	if !isDelivery(delivery) || event == "" {
		return refuse(http.StatusBadRequest, malformed, "it has no id or no event")
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return refuse(http.StatusServiceUnavailable, busy, "too many deliveries at once")
	}
	body, release, err := h.read(w, r)
	defer release()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return h.tooLarge()
	case errors.Is(err, errNoRoom):
		return refuse(http.StatusServiceUnavailable, busy, "too many deliveries at once")
	case err != nil:
		return refuse(http.StatusBadRequest, malformed, "the body did not come as a whole")
	}
	targets := signedFor(h.targets, signature, body)
	if len(targets) == 0 {
		return refuse(http.StatusUnauthorized, forged, "no source has the secret that signed it")
	}
	if media == mediaForm {
		form, err := url.ParseQuery(string(body))
		if err != nil || !form.Has("payload") {
			return refuse(http.StatusBadRequest, malformed, "the form has no payload")
		}
		body = []byte(form.Get("payload"))
	}
	return h.deliver(r.Context(), targets, delivery, event, body)
}

func (h *handler) tooLarge() answer {
	return refuse(http.StatusRequestEntityTooLarge, oversized, fmt.Sprintf("it has more than %d bytes", h.maxBytes))
}

// deliver tells the targets of a delivery that is signed for them.
func (h *handler) deliver(ctx context.Context, targets []Target, delivery, event string, payload []byte) answer {
	if !h.recent.begin(delivery) {
		return refuse(http.StatusConflict, replayed, "it was delivered before")
	}
	taken := false
	defer func() { h.recent.end(delivery, taken) }()
	if !handled[event] {
		taken = true
		return refuse(http.StatusAccepted, ignored, "nothing is to be done for this event")
	}
	content, err := parse(event, payload)
	if err != nil {
		return refuse(http.StatusBadRequest, malformed, "the payload is not that of the event")
	}
	a := refuse(http.StatusAccepted, ignored, "nothing in it is read here")
	replays := 0
	var errs []error
	for _, t := range content.at(targets) {
		did, err := t.tell(ctx, delivery, content)
		switch {
		case errors.Is(err, scanners.ErrHeardBefore):
			replays++
		case err != nil:
			errs = append(errs, fmt.Errorf("source %s: %w", t.Source, err))
		case did.any:
			a.sources, a.parts = append(a.sources, t.Source), a.parts+did.parts
		}
	}
	switch {
	case len(errs) > 0:
		a = refuse(http.StatusServiceUnavailable, failed, "it could not be taken: deliver it again")
		a.err = errors.Join(errs...)
		return a
	case len(a.sources) > 0:
		a.outcome, a.message = accepted, "what it touched is read again"
	case replays > 0:
		a = refuse(http.StatusConflict, replayed, "it was delivered before")
	}
	taken = true
	return a
}

// told is what a target was told.
type told struct {
	any   bool
	parts int
}

// tell tells a target what of the content concerns it.
func (t Target) tell(ctx context.Context, delivery string, content content) (told, error) {
	var did told
	if names := content.names(t); len(names) > 0 && t.Changed != nil {
		if err := t.Changed(ctx, delivery, names); err != nil {
			return told{}, err
		}
		did = told{true, len(names)}
	}
	if t.PullRequest == nil {
		return did, nil
	}
	for _, event := range content.pullRequests(t) {
		event.Delivery = delivery
		if err := t.PullRequest(ctx, event); err != nil {
			return told{}, err
		}
		did.any = true
	}
	return did, nil
}

// isDelivery says whether something may be the id of a delivery.
func isDelivery(id string) bool {
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return id != "" && len(id) <= maxDelivery
}
