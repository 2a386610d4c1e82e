package otlp

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// errStopped says that nobody takes spans now.
var errStopped = errors.New("traces are not taken now: send them again")

// fullError says that there is no memory for more spans now.
type fullError struct{ refused int }

func (e *fullError) Error() string {
	return fmt.Sprintf("there is no memory for %d of the spans now: send them again", e.refused)
}

// taken is what came of a request that was well-formed.
type taken struct {
	spans    int
	rejected int // of the spans: they can never be used
}

// rejection says in an answer why spans were rejected; "" = none was.
func (t taken) rejection() string {
	if t.rejected == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d spans have no valid trace id and span id", t.rejected, t.spans)
}

// request is one that has come in.
type request struct {
	body   buffer // which is released when it has been read
	packed packing
	json   bool
}

// take reads a request and adds its spans. Of a malformed one (*spans.MalformedError, *packedError) it adds none. With a
// *fullError it may have added some: when they are sent again, they are known.
func (r *Receiver) take(ctx context.Context, request request) (taken, error) {
	body := request.body
	defer func() { body.release() }()
	var worker *worker
	select {
	case worker = <-r.workers:
	case <-ctx.Done():
		return taken{}, ctx.Err()
	}
	defer func() { r.workers <- worker }()
	if request.packed != unpacked {
		content, err := worker.unpack(body.data, request.packed, r.memory, r.config.MaxRequestBytes)
		body.release()
		if err != nil {
			return taken{}, err
		}
		body = content
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.taking { // any more
		return taken{}, errStopped
	}
	return r.add(worker.reader, body.data, request.json)
}

// add adds the spans of a request. When there is no memory for some of them, the rest is counted only.
func (r *Receiver) add(reader *spans.Reader, data []byte, inJSON bool) (done taken, err error) {
	refused := 0
	each := func(span *spans.Span) error {
		done.spans++
		if refused > 0 {
			refused++
			return nil
		}
		err := r.pairer.Add(span)
		if errors.Is(err, pairing.ErrFull) {
			refused++
			return nil
		}
		if span.TraceID == (spans.TraceID{}) || span.ID == (spans.SpanID{}) {
			done.rejected++
		}
		return err
	}
	switch {
	case inJSON:
		err = spans.ReadJSON(r.resources, data, each)
	case r.pairer.Full():
		refused, err = spans.CountProtobuf(data)
		done.spans = refused
	default:
		err = reader.Protobuf(data, each)
	}
	r.metrics.spans(done, refused)
	if err == nil && refused > 0 {
		r.lost.add(traffic.LostRefused, refused)
		err = &fullError{refused}
	}
	return done, err
}

// lost counts what never became spans.
type lost struct {
	mu     sync.Mutex
	counts traffic.Counts
}

func (l *lost) add(reason string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Lose(reason, uint64(n))
}

// drain gives what was counted since the last time; nil = nothing.
func (l *lost) drain() *traffic.Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts.Empty() {
		return nil
	}
	counts := l.counts
	l.counts = traffic.Counts{}
	return &counts
}
