package probe

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/orrery-catalog/orrery/catalog"
)

// answer is what a call gave.
type answer struct {
	healthy  bool
	status   int32
	failures []string
}

func failed(format string, args ...any) answer {
	return answer{failures: []string{fmt.Sprintf(format, args...)}}
}

type caller struct {
	networks []netip.Prefix
	maxBody  int64
}

// errForbidden says that an address may not be called.
var errForbidden = errors.New("its address may not be called")

func (c caller) call(ctx context.Context, target *Target) answer {
	address := net.JoinHostPort(target.Host, strconv.Itoa(int(target.Port)))
	switch target.Handler {
	case catalog.ProbeHTTP:
		return c.http(ctx, target)
	case catalog.ProbeGRPC:
		return c.grpc(ctx, address, target.Service)
	case catalog.ProbeTCP:
		conn, err := c.dial(ctx, "tcp", address)
		if err != nil {
			return failed("%s", reason(err))
		}
		_ = conn.Close() // it answered
		return answer{healthy: true}
	default:
		return failed("a probe by %s cannot be called from outside", target.Handler)
	}
}

// dial connects to an address that may be called. It looks at the very address that is dialled, so that a name that
// resolves to another one the second time gains nothing.
func (c caller) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if !c.allows(at.Addr()) {
			return fmt.Errorf("%w: %s", errForbidden, at.Addr())
		}
		return nil
	}}
	return dialer.DialContext(ctx, network, address)
}

// metadata are addresses at which clouds tell a machine its secrets, besides those that are link-local.
var metadata = [...]netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254"), netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16"),
}

// translated are the networks whose addresses hold one of IPv4, and at which of their bytes: a gateway on the way turns them
// into that one.
var translated = [...]struct {
	network netip.Prefix
	at      int
}{
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible, RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // IPv4-translated, RFC 2765
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},  // NAT64 of a network's own, RFC 8215
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4, RFC 3056
}

// allows says whether an address may be called, and the one of IPv4 that it stands for.
func (c caller) allows(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if !harmless(address) {
		return false
	}
	for _, t := range translated {
		if bytes := address.As16(); address.Is6() && t.network.Contains(address) && !address.IsLoopback() {
			inner := netip.AddrFrom4([4]byte(bytes[t.at : t.at+4]))
			if !harmless(inner) || inner.IsLoopback() {
				return false
			}
		}
	}
	if len(c.networks) == 0 {
		return !address.IsLoopback()
	}
	return slices.ContainsFunc(c.networks, func(network netip.Prefix) bool {
		// The machine itself is called only where it is named.
		return network.Contains(address) && (!address.IsLoopback() || network.Addr().IsLoopback())
	})
}

// harmless says whether no secrets of a machine are told at an address.
func harmless(address netip.Addr) bool {
	return address.IsValid() && !address.IsLinkLocalUnicast() && !address.IsMulticast() && !address.IsUnspecified() &&
		!slices.Contains(metadata[:], address)
}

// http asks as the kubelet does: certificates are not verified, and a redirect is an answer.
func (c caller) http(ctx context.Context, target *Target) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.endpoint(), nil)
	if err != nil {
		return failed("the path %q cannot be asked for", target.Path)
	}
	request.Header.Set("User-Agent", "orrery-probe")
	request.Header.Set("Accept", "*/*")
	transport := &http.Transport{
		DialContext: c.dial, DisableKeepAlives: true, MaxResponseHeaderBytes: c.maxBody,
		// The kubelet does not verify certificates either; nothing secret is sent.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request) // which follows no redirect
	if err != nil {
		return failed("%s", reason(err))
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	got := answer{status: int32(response.StatusCode), healthy: response.StatusCode >= 200 && response.StatusCode < 400}
	switch {
	case !got.healthy:
		got.failures = []string{fmt.Sprintf("answers with status %d", response.StatusCode)}
		return got
	case response.StatusCode >= 300:
		got.failures = []string{"answers with a redirect, which was not followed"}
		return got
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxBody+1))
	switch {
	case err != nil:
		return answer{status: got.status, failures: []string{"the answer broke off"}}
	case int64(len(body)) > c.maxBody:
		got.failures = []string{fmt.Sprintf("the answer is larger than %d bytes", c.maxBody)}
	default:
		got.failures = shape(response.Header.Get("Content-Type"), body)
	}
	return got
}

// shape says what is not as a health endpoint should answer: nothing, plain text, or a JSON object, each under its own
// content type. A page for people under the path of a health endpoint is mostly a front end that answers everything.
func shape(contentType string, body []byte) []string {
	text := strings.TrimSpace(string(body))
	if text == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "":
		return []string{"the answer has no content type"}
	case err != nil:
		return []string{"the content type cannot be read"}
	case media == "text/html":
		return []string{"answers with a page (text/html): is it a health endpoint?"}
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) != nil {
			return []string{"says that it answers with JSON, and is no JSON object"}
		}
	}
	return nil
}

func (c caller) grpc(ctx context.Context, address, service string) answer {
	connection, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return c.dial(ctx, "tcp", address) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(int(c.maxBody))), grpc.WithNoProxy(), grpc.WithUserAgent("orrery-probe"))
	if err != nil {
		return failed("it cannot be called")
	}
	defer func() { _ = connection.Close() }() // nothing is kept of it
	response, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	switch status.Code(err) {
	case codes.OK:
	case codes.Unimplemented:
		return failed("it does not serve the gRPC health protocol")
	case codes.NotFound:
		return failed("the gRPC health protocol does not know the service %q", service)
	case codes.DeadlineExceeded:
		return failed("no answer in time")
	case codes.Unavailable:
		if strings.Contains(err.Error(), errForbidden.Error()) {
			return failed("%s", errForbidden)
		}
		return failed("cannot be connected to")
	default:
		return failed("answers with the gRPC status %s", status.Code(err))
	}
	if is := response.GetStatus(); is != grpc_health_v1.HealthCheckResponse_SERVING {
		return failed("says that it is %s", is)
	}
	return answer{healthy: true}
}

// reason says why a call failed in words that stay the same from one call to the next: no ports of this machine, no times.
func reason(err error) string {
	var dns *net.DNSError
	var tlsError tls.RecordHeaderError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errForbidden):
		return errForbidden.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "its name does not resolve"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "cannot be reached"
	case errors.As(err, &tlsError):
		return "does not speak TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "closes the connection without an answer"
	}
	return "gives no valid answer"
}
