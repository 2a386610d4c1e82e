package otlp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/orrery-catalog/orrery/scanners/otlp"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.certificate, a.key = certificate(t, "authority", nil)
	return a
}

// certificate signs one; it signs itself where there is no authority.
func certificate(t *testing.T, name string, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	written, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(written)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func writePEM(t *testing.T, path, kind string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes a new certificate of the receiver.
func (a *authority) issue(t *testing.T, name string, files otlp.TLS) {
	t.Helper()
	made, key := certificate(t, name, a)
	written, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, files.Cert, "CERTIFICATE", made.Raw)
	writePEM(t, files.Key, "EC PRIVATE KEY", written)
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func tlsFiles(t *testing.T) otlp.TLS {
	t.Helper()
	folder := t.TempDir()
	return otlp.TLS{Cert: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem")}
}

func TestTLSCertificateIsReadAgain(t *testing.T) {
	ours, files := newAuthority(t), tlsFiles(t)
	ours.issue(t, "first", files)
	r := listen(t, otlp.Config{TLS: &files})
	shown := func(address string) string {
		connection, err := tls.Dial("tcp", address, &tls.Config{RootCAs: ours.pool()})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		return connection.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	for _, address := range []string{r.grpc, r.http} {
		if got := shown(address); got != "first" {
			t.Errorf("%s shows %s", address, got)
		}
	}
	if err := os.WriteFile(files.Key, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-time.After(1100 * time.Millisecond) // it looks every second
	if got := shown(r.http); got != "first" {
		t.Errorf("it shows %s by files that cannot be used", got)
	}
	ours.issue(t, "second", files)
	for deadline := time.Now().Add(20 * time.Second); shown(r.grpc) != "second" || shown(r.http) != "second"; {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not shown")
		}
	}
	client := dial(t, r.grpc, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: ours.pool()})))
	if _, err := ptraceotlp.NewGRPCClient(client).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(call(1))); err != nil {
		t.Error(err)
	}
	if got := calls(r.stop()); got != 1 {
		t.Errorf("%v calls", got)
	}
}

func TestTLSAsksForCertificatesOfClients(t *testing.T) {
	ours, theirs, files := newAuthority(t), newAuthority(t), tlsFiles(t)
	ours.issue(t, "receiver", files)
	files.ClientCA = filepath.Join(filepath.Dir(files.Cert), "clients.pem")
	writePEM(t, files.ClientCA, "CERTIFICATE", theirs.certificate.Raw)
	r := listen(t, otlp.Config{TLS: &files})
	for by, may := range map[*authority]bool{theirs: true, ours: false, nil: false} {
		config := &tls.Config{RootCAs: ours.pool()}
		if by != nil {
			made, key := certificate(t, "client", by)
			config.Certificates = []tls.Certificate{{Certificate: [][]byte{made.Raw}, PrivateKey: key}}
		}
		client := dial(t, r.grpc, grpc.WithTransportCredentials(credentials.NewTLS(config)))
		if _, err := export(t, client, inProtobuf(t, call(1))); (err == nil) != may {
			t.Errorf("by gRPC: %v", err)
		}
		transport := &http.Transport{TLSClientConfig: config}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+r.http+"/v1/traces", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", typeProtobuf)
		response, err := transport.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if (err == nil) != may {
			t.Errorf("by HTTP: %v", err)
		}
		transport.CloseIdleConnections()
	}
}

func TestTLSFilesThatCannotBeRead(t *testing.T) {
	files := tlsFiles(t)
	if _, err := otlp.New(otlp.Config{TLS: &files}); err == nil {
		t.Error("there are no files")
	}
	newAuthority(t).issue(t, "receiver", files)
	files.ClientCA = files.Key
	if _, err := otlp.New(otlp.Config{TLS: &files}); err == nil {
		t.Error("a key is no authority")
	}
}
