package otlp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// The path, and the content types that are read there.
const (
	tracesPath   = "/v1/traces"
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

func (r *Receiver) newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(tracesPath, r.serveTraces)
	mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
		r.refuse(w, typeOf(request), answerNotFound, "traces are sent to "+tracesPath)
	})
	return mux
}

// serveTraces takes one request of OTLP/HTTP.
func (r *Receiver) serveTraces(w http.ResponseWriter, sent *http.Request) {
	contentType := typeOf(sent)
	if sent.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		r.refuse(w, contentType, answerMethod, "traces are sent by POST")
		return
	}
	if !r.mayFrom(sent) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="traces"`)
		r.refuse(w, contentType, answerUnauthenticated, "send the token that the receiver is configured with, as `Authorization: Bearer TOKEN`")
		return
	}
	if contentType == "" {
		r.refuse(w, contentType, answerMedia, "the Content-Type must be "+typeProtobuf+" or "+typeJSON)
		return
	}
	packed := packing(strings.ToLower(strings.TrimSpace(sent.Header.Get("Content-Encoding"))))
	if packed == "" {
		packed = unpacked
	}
	if !packed.known() {
		w.Header().Set("Accept-Encoding", "gzip, zstd, identity")
		r.refuse(w, contentType, answerMedia, "the Content-Encoding must be gzip, zstd or none")
		return
	}
	done, err := r.receive(w, sent, packed, contentType == typeJSON)
	if err != nil {
		r.refuse(w, contentType, answerTo(err), err.Error())
		return
	}
	r.metrics.answered(transportHTTP, "ok")
	w.Header().Set("Content-Type", contentType)
	if contentType == typeProtobuf {
		_, _ = w.Write(done.response()) // a sender that is gone asks for no answer
		return
	}
	_, _ = w.Write(done.jsonResponse())
}

// receive reads the body of a request and takes it.
func (r *Receiver) receive(w http.ResponseWriter, sent *http.Request, packed packing, inJSON bool) (taken, error) {
	limit := r.config.MaxRequestBytes
	switch {
	case !r.isOpen():
		return taken{}, errStopped
	case sent.ContentLength > limit:
		return taken{}, errTooLarge
	}
	stopWaiting(w, r.patience)
	counted := &countingReader{from: http.MaxBytesReader(w, sent.Body, limit)}
	body, err := r.memory.readAll(counted, limit, sent.ContentLength)
	r.metrics.receivedBytes(transportHTTP, counted.read)
	if err != nil {
		return taken{}, err
	}
	return r.take(sent.Context(), request{body: body, packed: packed, json: inJSON})
}

// stopWaiting lets the reading of a request fail when it takes longer than that.
func stopWaiting(w http.ResponseWriter, after time.Duration) {
	// A writer that knows no deadline is one of a test, in memory.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(after))
}

// typeOf is the content type of a request, by its one name; "" = it is none that is read.
func typeOf(sent *http.Request) string {
	named, _, err := mime.ParseMediaType(sent.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return ""
	case named == typeProtobuf, named == "application/protobuf":
		return typeProtobuf
	case named == typeJSON:
		return typeJSON
	}
	return ""
}

// mayFrom says whether who sent the request may send. It takes as long for any wrong token.
func (r *Receiver) mayFrom(sent *http.Request) bool {
	if r.config.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(sent.Header.Get("Authorization"), " ")
	given, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(r.config.Token))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// refuse answers with a google.rpc.Status in the content type of the request; in JSON where that is unknown.
func (r *Receiver) refuse(w http.ResponseWriter, contentType string, with answer, message string) {
	r.refused(transportHTTP, with)
	if contentType == "" {
		contentType = typeJSON
	}
	if with.retry {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(with.http)
	_, _ = w.Write(statusBody(with.status(message), contentType)) // a sender that is gone asks for no answer
}

func (r *Receiver) refused(transport string, with answer) {
	r.metrics.answered(transport, with.name)
	if with.lost != "" {
		r.lost.add(with.lost, 1)
	}
}

func statusBody(said *status.Status, contentType string) []byte {
	var body []byte
	var err error
	if contentType == typeProtobuf {
		body, err = proto.Marshal(said.Proto())
	} else {
		body, err = protojson.Marshal(said.Proto())
	}
	if err != nil { // of a message that is no UTF-8
		return nil
	}
	return body
}

// jsonResponse is the ExportTraceServiceResponse to a request that was taken.
func (t taken) jsonResponse() []byte {
	if t.rejected == 0 {
		return []byte("{}")
	}
	var response struct {
		PartialSuccess struct {
			RejectedSpans int    `json:"rejectedSpans,string"`
			ErrorMessage  string `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	response.PartialSuccess.RejectedSpans, response.PartialSuccess.ErrorMessage = t.rejected, t.rejection()
	body, err := json.Marshal(response)
	if err != nil { // a number and a text always can be written
		return []byte("{}")
	}
	return body
}

// countingReader counts what was read.
type countingReader struct {
	from io.Reader
	read int64
}

func (c *countingReader) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.read += int64(n)
	return n, err
}
