package neo4jstore

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var schemes = []string{"neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"}

// checkURI finds the mistakes that people make, and never repeats what may be a password.
func checkURI(uri string) error {
	if uri == "" {
		return errors.New("no URI of the Neo4j server is given: write one like neo4j://host:7687")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("the URI of the Neo4j server cannot be read: write one like neo4j://host:7687, without a name or a password in it")
	}
	switch scheme := u.Scheme; {
	case u.User != nil:
		return errors.New("the URI of the Neo4j server has a user name in it: give username and password as settings of their own")
	case scheme == "http" || scheme == "https":
		return fmt.Errorf("the URI %s is that of the browser interface: write neo4j://%s:7687 (7687 is the port unless it was changed)", uri, u.Hostname())
	case !strings.Contains(uri, "://"):
		return errors.New("the URI of the Neo4j server has no scheme: write neo4j://host:7687")
	case !slices.Contains(schemes, scheme):
		return fmt.Errorf("the URI %s has the scheme %q: use one of %s", uri, scheme, strings.Join(schemes, ", "))
	case u.Hostname() == "":
		return fmt.Errorf("the URI %s names no host: write one like neo4j://host:7687", uri)
	case u.Path != "" && u.Path != "/":
		return fmt.Errorf("the URI %s has a path: name the database by the setting of its own", uri)
	case u.RawQuery != "" && !strings.HasPrefix(scheme, "neo4j"):
		return fmt.Errorf("the URI %s has parameters, which only the scheme neo4j takes", uri)
	case u.Fragment != "":
		return fmt.Errorf("the URI %s has a fragment (#…): leave it out", uri)
	}
	return nil
}
