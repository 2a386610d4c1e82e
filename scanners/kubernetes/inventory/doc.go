// Package inventory holds the objects of one cluster, from its API server or from manifests, and finds which belong
// together: by index, so that a join costs what it yields.
package inventory
