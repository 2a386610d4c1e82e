package otlp

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// retryAfter is when a sender is asked to come again.
const retryAfter = 2 * time.Second

// answer says in both protocols why a request was not taken.
type answer struct {
	name  string // in metrics
	http  int
	code  codes.Code
	retry bool   // whether the sender is to send the same again
	lost  string // what is counted; "" = nothing, as nothing is lost
}

// The answers. By OTLP, senders send again after 429 and 503, and after ResourceExhausted only if they are told when.
var (
	answerMalformed       = answer{name: "malformed", http: http.StatusBadRequest, code: codes.InvalidArgument, lost: traffic.LostRejectedRequest}
	answerUnauthenticated = answer{name: "unauthenticated", http: http.StatusUnauthorized, code: codes.Unauthenticated}
	answerNotFound        = answer{name: "unknown", http: http.StatusNotFound, code: codes.Unimplemented}
	answerMethod          = answer{name: "unknown", http: http.StatusMethodNotAllowed, code: codes.Unimplemented}
	answerSlow            = answer{name: "slow", http: http.StatusRequestTimeout, code: codes.DeadlineExceeded}
	answerTooLarge        = answer{name: "too_large", http: http.StatusRequestEntityTooLarge, code: codes.ResourceExhausted, lost: traffic.LostTooLarge}
	answerMedia           = answer{name: "unknown", http: http.StatusUnsupportedMediaType, code: codes.Unimplemented, lost: traffic.LostRejectedRequest}
	answerFull            = answer{name: "full", http: http.StatusTooManyRequests, code: codes.ResourceExhausted, retry: true}
	answerStopped         = answer{name: "stopped", http: http.StatusServiceUnavailable, code: codes.Unavailable, retry: true}
	answerAborted         = answer{name: "aborted", http: http.StatusBadRequest, code: codes.Canceled} // the sender is gone
)

// answerTo is the answer to what went wrong.
func answerTo(err error) answer {
	var malformed *spans.MalformedError
	var packed *packedError
	var full *fullError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &malformed), errors.As(err, &packed):
		return answerMalformed
	case errors.Is(err, errTooLarge), errors.As(err, &tooLarge):
		return answerTooLarge
	case errors.As(err, &full), errors.Is(err, errNoMemory):
		return answerFull
	case errors.Is(err, errStopped):
		return answerStopped
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return answerSlow
	}
	return answerAborted
}

// status is the answer as both protocols carry it.
func (a answer) status(message string) *status.Status {
	said := status.New(a.code, message)
	if a.retry {
		if hinted, err := said.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)}); err == nil {
			return hinted
		}
	}
	return said
}

// The fields of an ExportTraceServiceResponse and of its partial success.
const (
	fieldPartialSuccess = 1
	fieldRejectedSpans  = 1
	fieldErrorMessage   = 2
)

// response is the ExportTraceServiceResponse to a request that was taken.
func (t taken) response() []byte {
	if t.rejected == 0 {
		return nil
	}
	var partial []byte
	partial = protowire.AppendTag(partial, fieldRejectedSpans, protowire.VarintType)
	partial = protowire.AppendVarint(partial, uint64(t.rejected))
	partial = protowire.AppendTag(partial, fieldErrorMessage, protowire.BytesType)
	partial = protowire.AppendString(partial, t.rejection())
	return protowire.AppendBytes(protowire.AppendTag(nil, fieldPartialSuccess, protowire.BytesType), partial)
}
