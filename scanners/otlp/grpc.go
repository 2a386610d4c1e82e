package otlp

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// exportMethod is the one method of OTLP over gRPC that takes traces.
const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// typeGRPC is the content type of gRPC; a format may follow it, behind a +.
const typeGRPC = "application/grpc"

// frameHeader is how many bytes stand before each message: whether it is compressed, and how long it is.
const frameHeader = 5

// grpcHandler takes requests of OTLP over gRPC. They are single messages both ways, which is all of the protocol that is
// needed; it stands on the HTTP/2 of the standard library, because the gRPC library holds each request whole in memory, packed
// and unpacked, before it asks whether there is room for it.
func (r *Receiver) grpcHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, sent *http.Request) {
		contentType, _, _ := strings.Cut(sent.Header.Get("Content-Type"), "+")
		if contentType != typeGRPC || sent.Method != http.MethodPost {
			r.refuse(w, typeOf(sent), answerMedia, "this address takes gRPC")
			return
		}
		done, with, err := r.export(w, sent)
		if err != nil {
			r.refused(transportGRPC, with)
			endGRPC(w, with.status(err.Error()))
			return
		}
		r.metrics.answered(transportGRPC, "ok")
		response := done.response()
		w.Header().Set("Content-Type", typeGRPC)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(response))), response...))
		endGRPC(w, status.New(codes.OK, ""))
	})
}

// export takes one request, or says how to answer.
func (r *Receiver) export(w http.ResponseWriter, sent *http.Request) (taken, answer, error) {
	if sent.URL.Path != exportMethod {
		return taken{}, answerNotFound, fmt.Errorf("the method %s is not known: only traces are taken", sent.URL.Path)
	}
	if !r.mayFrom(sent) {
		return taken{}, answerUnauthenticated, errors.New("send the token that the receiver is configured with, as the metadata `authorization: Bearer TOKEN`")
	}
	if !r.isOpen() {
		return taken{}, answerStopped, errStopped
	}
	stopWaiting(w, r.patience)
	counted := &countingReader{from: sent.Body}
	message, err := r.message(counted, sent.Header.Get("Grpc-Encoding"))
	r.metrics.receivedBytes(transportGRPC, counted.read)
	if err != nil {
		w.Header().Set("Grpc-Accept-Encoding", "gzip,zstd,identity")
		if _, unknown := errors.AsType[*unknownPackingError](err); unknown {
			return taken{}, answerMedia, err
		}
		return taken{}, answerTo(err), err
	}
	done, err := r.take(sent.Context(), message)
	return done, answerTo(err), err
}

// unknownPackingError says that a message is packed in a way that is not known.
type unknownPackingError struct{ encoding string }

func (e *unknownPackingError) Error() string {
	return fmt.Sprintf("the grpc-encoding %q is not known: gzip, zstd and identity are", e.encoding)
}

// message reads the one message of a request.
func (r *Receiver) message(from io.Reader, encoding string) (request, error) {
	var header [frameHeader]byte
	n, err := io.ReadFull(from, header[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return request{}, &spans.MalformedError{Offset: int64(n), Reason: "there is no message"}
	}
	if err != nil {
		return request{}, err
	}
	length := int64(binary.BigEndian.Uint32(header[1:]))
	if length > r.config.MaxRequestBytes {
		return request{}, errTooLarge
	}
	packed := unpacked
	switch header[0] {
	case 0:
	case 1:
		if packed = packing(encoding); !packed.known() || packed == unpacked {
			return request{}, &unknownPackingError{encoding}
		}
	default:
		return request{}, &spans.MalformedError{Reason: "this is no message of gRPC"}
	}
	body, err := r.memory.readAll(io.LimitReader(from, length), length, length)
	if err != nil {
		return request{}, err
	}
	if got := int64(len(body.data)); got < length {
		body.release()
		return request{}, &spans.MalformedError{Offset: got, Reason: fmt.Sprintf("the message ends before its %d bytes", length)}
	}
	return request{body: body, packed: packed}, nil
}

// endGRPC ends an answer: behind what was written, or as all of it.
func endGRPC(w http.ResponseWriter, said *status.Status) {
	header, prefix := w.Header(), http.TrailerPrefix
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", typeGRPC)
		prefix = ""
	}
	header.Set(prefix+"Grpc-Status", strconv.Itoa(int(said.Code())))
	if said.Code() == codes.OK {
		return
	}
	header.Set(prefix+"Grpc-Message", percentEncoded(said.Message()))
	if len(said.Proto().GetDetails()) > 0 {
		if details, err := proto.Marshal(said.Proto()); err == nil { // the message is valid UTF-8 then
			header.Set(prefix+"Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(details))
		}
	}
}

// percentEncoded writes a message as gRPC has it in headers: bytes that are no printable ASCII, and %, in hex.
func percentEncoded(message string) string {
	var encoded strings.Builder
	for _, b := range []byte(strings.ToValidUTF8(message, string(utf8.RuneError))) {
		if b < ' ' || b > '~' || b == '%' {
			fmt.Fprintf(&encoded, "%%%02X", b)
			continue
		}
		encoded.WriteByte(b)
	}
	return encoded.String()
}
