package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// TLS names PEM files, which are read again when they change.
type TLS struct {
	Cert, Key string
	ClientCA  string // only clients with a certificate of it may send; "" = any may
}

// certificates are what a server shows and asks for, by what stands in files now.
type certificates struct {
	files TLS
	log   zerolog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   [3]fileState
	shown  tls.Certificate
	asked  *x509.CertPool // nil = no certificate of clients is asked for
}

// lookEvery is how often it is looked whether the files have changed, at most.
const lookEvery = time.Second

// fileState tells whether a file has changed.
type fileState struct {
	size    int64
	changed time.Time
}

func readCertificates(files TLS, log zerolog.Logger) (*certificates, error) {
	c := &certificates{files: files, log: log}
	return c, c.read()
}

// config is for a server of those protocols.
func (c *certificates) config(alpn []string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: alpn,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			shown, asked := c.now(time.Now())
			config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: alpn, Certificates: []tls.Certificate{shown}}
			if asked != nil {
				config.ClientCAs, config.ClientAuth = asked, tls.RequireAndVerifyClientCert
			}
			return config, nil
		},
	}
}

// now is what holds now. Files that cannot be used leave it as it was.
func (c *certificates) now(now time.Time) (tls.Certificate, *x509.CertPool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if c.states() != c.seen {
			if err := c.read(); err != nil {
				c.log.Error().Err(err).Msg("the changed certificates cannot be used; those from before are")
			}
		}
	}
	return c.shown, c.asked
}

func (c *certificates) states() (states [3]fileState) {
	for i, name := range []string{c.files.Cert, c.files.Key, c.files.ClientCA} {
		if info, err := os.Stat(name); err == nil {
			states[i] = fileState{info.Size(), info.ModTime()}
		}
	}
	return states
}

func (c *certificates) read() error {
	c.seen = c.states()
	shown, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("reading the certificate of the receiver and its key: %w", err)
	}
	var asked *x509.CertPool
	if c.files.ClientCA != "" {
		authorities, err := os.ReadFile(c.files.ClientCA)
		if err != nil {
			return fmt.Errorf("reading the authorities of clients: %w", err)
		}
		asked = x509.NewCertPool()
		if !asked.AppendCertsFromPEM(authorities) {
			return fmt.Errorf("there is no certificate in %s", c.files.ClientCA)
		}
	}
	c.shown, c.asked = shown, asked
	return nil
}
