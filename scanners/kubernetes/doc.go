// Package kubernetes reads what runs in a cluster by its API server, and hears of changes as they happen. It lists and
// watches, and never writes. Secrets are not among what it reads. What it finds is joined and told by the packages below it:
// inventory holds the objects, edges and facts make claims of them, manifests reads the same from files.
package kubernetes
