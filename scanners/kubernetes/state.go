package kubernetes

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// state is what a scan leaves for the next one.
type state struct {
	// Cluster is the identity of the cluster that was read; "" = it is not known.
	Cluster string `json:"cluster,omitempty"`
	// Kinds are those that the last good scan has read, and those that it could not read and an earlier one could: what
	// was made from them stands. Sorted.
	Kinds []inventory.Kind `json:"kinds"`
}

func parseState(previous []byte) (state, error) {
	var s state
	if len(previous) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(previous, &s); err != nil {
		return s, fmt.Errorf("what the last scan left is not understood: %w", err)
	}
	return s, nil
}

// had says whether a kind was read before.
func (s *state) had(kind inventory.Kind) bool { return slices.Contains(s.Kinds, kind) }

// next is the state after a scan of a cluster with those readings.
func (s *state) next(cluster string, now readings) ([]byte, error) {
	after := state{Cluster: cluster, Kinds: []inventory.Kind{}}
	if cluster == "" || cluster == noIdentity {
		after.Cluster = s.Cluster
	}
	for _, resource := range inventory.Resources() {
		switch kind := resource.Kind; {
		case now[kind].state == readable, s.had(kind) && !now.read(kind):
			after.Kinds = append(after.Kinds, kind)
		}
	}
	slices.Sort(after.Kinds)
	return json.Marshal(after)
}

// sameCluster is an error where a cluster is known to be another one than that of the last scan.
func (s *state) sameCluster(c *client, now string) error {
	if s.Cluster == "" || now == "" || s.Cluster == now {
		return nil
	}
	return &anotherClusterError{server: c.server, who: c.who, now: now, before: s.Cluster}
}

// anotherClusterError says that a cluster is not the one that was read before.
type anotherClusterError struct{ server, who, now, before string }

func (e *anotherClusterError) Error() string {
	if e.now == noIdentity {
		return fmt.Sprintf("the API server at %s (%s) has no namespace kube-system, as one that has lost or not yet got its data: "+
			"what was read of the cluster before stands; restore it, or, if a new one is to take its place, give the source another id and cluster",
			e.server, e.who)
	}
	return fmt.Sprintf("the API server at %s (%s) is another cluster than the one that was read before under this name "+
		"(its kube-system has the uid %s, and had %s): point the source back to the old one, or, if this one is to take its "+
		"place, give the source another id and cluster", e.server, e.who, e.now, e.before)
}
