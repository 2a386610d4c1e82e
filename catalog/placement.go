package catalog

import "strings"

// The entities that workloads are placed on have no aliases: their Refs follow from their names alone, made fit by the
// rules of [DiscoveredRef].

// ClusterRef is the Ref of a cluster, by the name under which it is configured: cluster:default/<cluster>.
func ClusterRef(cluster string) Ref {
	return NewRef(KindCluster, DefaultNamespace, told(Alias("cluster:"+cluster), cluster, false))
}

// NodeRef is the Ref of a node: node:default/<cluster>.<node>.
func NodeRef(cluster, node string) Ref {
	// With a dot in the name of the cluster, the name of a node in another cluster could give the same.
	tell := strings.Contains(cluster, ".")
	return NewRef(KindNode, DefaultNamespace, told(Alias("node:"+cluster+"/"+node), cluster+"."+node, tell))
}

// ZoneRef is the Ref of a zone, the same for all clusters in it: zone:default/<zone>, or where the name of the zone does
// not begin with that of its region (eastus2 has a zone 1) zone:default/<region>.<zone>.
func ZoneRef(region, zone string) Ref {
	name := zone
	if region != "" && !strings.HasPrefix(zone, region) {
		name = region + "." + zone
	}
	return NewRef(KindZone, DefaultNamespace, told(Alias("zone:"+region+"/"+zone), name, false))
}
