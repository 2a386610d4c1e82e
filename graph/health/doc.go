// Package health judges whether what runs can be checked for health, and stays up: one check a file, each a definition
// and a pure function over what a cluster or its manifests say of a workload. Nothing here reads the world.
package health
