// Package manifests reads Kubernetes objects from folders of YAML and JSON: manifests as they are applied, or what Helm and
// Kustomize render. What they say is told as a cluster tells it, but for what only a running one knows.
package manifests
