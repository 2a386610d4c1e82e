// Package prometheus reads what metrics say of who calls whom: those that count service graphs (Grafana Tempo, the
// OpenTelemetry connector, Beyla), and those of Istio. Everything is asked by PromQL, aggregated by the server, hour by hour.
package prometheus
