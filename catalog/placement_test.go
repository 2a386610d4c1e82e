package catalog_test

import (
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestPlacementRefs(t *testing.T) {
	for got, want := range map[catalog.Ref]catalog.Ref{
		catalog.ClusterRef("prod-eu"):                            "cluster:default/prod-eu",
		catalog.NodeRef("prod", "ip-10-0-0-1.ec2.internal"):      "node:default/prod.ip-10-0-0-1.ec2.internal",
		catalog.ZoneRef("eu-west-1", "eu-west-1a"):               "zone:default/eu-west-1a",
		catalog.ZoneRef("eastus2", "1"):                          "zone:default/eastus2.1",
		catalog.ZoneRef("eastus2", "eastus2-1"):                  "zone:default/eastus2-1",
		catalog.ZoneRef("", "a"):                                 "zone:default/a",
		catalog.NodeRef("p", "n."+strings.Repeat("x", 100))[:20]: "node:default/p.n.xxx",
		catalog.ClusterRef("arn:aws:eks:eu:1:cluster/prod")[:len("cluster:default/arn-aws-eks-eu-1-cluster-prod-")]: "cluster:default/arn-aws-eks-eu-1-cluster-prod-",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if a, b := catalog.NodeRef("prod.eu", "n1"), catalog.NodeRef("prod", "eu.n1"); a == b {
		t.Errorf("nodes of two clusters are both %s", a)
	}
	for _, ref := range []catalog.Ref{
		catalog.ClusterRef(strings.Repeat("c", 300)), catalog.NodeRef("c", strings.Repeat("n", 300)), catalog.ZoneRef("r", strings.Repeat("ž", 90)),
	} {
		if len(ref.Name()) > 63 {
			t.Errorf("%s has a name of %d characters", ref, len(ref.Name()))
		}
	}
}
