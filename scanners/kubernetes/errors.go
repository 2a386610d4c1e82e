package kubernetes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// turnedAway says that an error is the server's word on whoever asks, whatever for.
func turnedAway(err error) bool {
	other := (*anotherClusterError)(nil)
	return apierrors.IsUnauthorized(err) || errors.As(err, &other)
}

// outOfReach says that an error is about the server as a whole and not about what it was asked for.
func outOfReach(err error) bool {
	if err == nil {
		return false
	}
	if turnedAway(err) {
		return true
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return false
	}
	var network net.Error
	var transport *url.Error
	return errors.As(err, &network) || errors.As(err, &transport) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err)
}

// explained says in words of people what is wrong with the way to the server. What it says has no credentials in it.
func (c *client) explained(err error) error {
	var other *anotherClusterError
	var untrusted x509.UnknownAuthorityError
	var hostname x509.HostnameError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.As(err, &other):
		return err
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the API server at %s refuses the credentials of %s (401): renew them; a token file is read again by itself: %w",
			c.server, c.who, err)
	case errors.As(err, &untrusted), errors.As(err, &hostname):
		return fmt.Errorf("the API server at %s shows a certificate that is not trusted: check certificate-authority in the kubeconfig: %w",
			c.server, plain(err))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the API server at %s does not answer in time: %w", c.server, plain(err))
	case outOfReach(err):
		return fmt.Errorf("the API server at %s cannot be reached: %w", c.server, plain(err))
	}
	return fmt.Errorf("the API server at %s: %w", c.server, err)
}

// plain is without the URL that was asked for, of which only the server is of interest.
func plain(err error) error {
	if asked := (*url.Error)(nil); errors.As(err, &asked) {
		return asked.Err
	}
	return err
}

// rule is what has to be added to a role so that a kind can be read.
func rule(resource *inventory.Resource) string {
	return fmt.Sprintf(`{apiGroups: [%q], resources: [%s], verbs: [get, list, watch]}`, resource.Group, resource.Path())
}

// oneLine is the text of an error in one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
