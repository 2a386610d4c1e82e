// Package probe calls the health endpoints that workloads declare for their probes, and says how they answer. It calls
// nothing but what it is given: the Services of the catalogued workloads, by the network that this process is in. It
// follows no redirects, and never calls the machine it runs on, link-local or metadata addresses.
package probe
