package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/config"
)

func TestTraffic(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("/srv/orrery.yaml", []byte(`
tracing: {endpoint: "http://127.0.0.1:4318", ratio: 0.25}
sources:
  - {id: traces, kind: otlp, grpc: "0.0.0.0:4317", token: "${TOKEN}", memory: 1GiB, settle: 30s, tls: {cert: tls.crt, key: /etc/tls.key}}
  - {id: recorded, kind: otlp, paths: [traces]}
  - {id: mesh, kind: prometheus, url: "http://prometheus:9090", schedule: "*/5 * * * *"}
  - {id: all, kind: jaeger, url: "http://jaeger:16686", removeAfter: 30d}
  - {id: old, kind: zipkin, url: "http://zipkin:9411", lookback: 7d}
`), environment(map[string]string{"TOKEN": "s3cr3t"}))
	if err != nil {
		t.Fatal(err)
	}
	if want := (config.Tracing{Endpoint: "http://127.0.0.1:4318", Protocol: config.TracingHTTP, Ratio: 0.25}); c.Tracing != want {
		t.Errorf("tracing is %+v", c.Tracing)
	}
	live, recorded, mesh, jaeger, zipkin := c.Sources[0], c.Sources[1], c.Sources[2], c.Sources[3], c.Sources[4]
	if !live.Listens() || !live.Watch || live.Memory != 1<<30 || live.MaxRequest != 16<<20 || live.Settle != 30*time.Second ||
		live.Multiplier != 1 || live.Token != "s3cr3t" || live.TLS != (config.TLS{Cert: "/srv/tls.crt", Key: "/etc/tls.key"}) {
		t.Errorf("live: %+v", live)
	}
	if recorded.Listens() || recorded.Watch || recorded.Paths[0] != "/srv/traces" || recorded.StaleAfter != 14*24*time.Hour {
		t.Errorf("recorded: %+v", recorded)
	}
	if !mesh.HearsTraffic() || mesh.Lookback != 6*time.Hour || !cmp.Equal(mesh.Metrics, []string{"service-graph", "istio"}) {
		t.Errorf("mesh: %+v", mesh)
	}
	if jaeger.Schedule != "@every 15m" || jaeger.Lookback != 48*time.Hour || jaeger.RemoveAfter != 30*24*time.Hour {
		t.Errorf("jaeger: %+v", jaeger)
	}
	if zipkin.Lookback != 7*24*time.Hour || zipkin.RemoveAfter != 90*24*time.Hour {
		t.Errorf("zipkin: %+v", zipkin)
	}
}

func TestTrafficErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"no place":            {"kind: otlp", "sources[0]: says neither where traces are taken nor where recorded ones are (give grpc, http or paths)"},
		"sent and recorded":   {"kind: otlp, paths: [x], grpc: '127.0.0.1:4317'", "sources[0].grpc: is for traces that are sent, and this source reads recorded ones (remove it, or remove paths)"},
		"a schedule of sent":  {"kind: otlp, grpc: '127.0.0.1:4317', schedule: '@hourly'", "sources[0].schedule: is for recorded traces, and this source takes what is sent to it (remove it, or give paths)"},
		"open to all":         {"kind: otlp, http: '0.0.0.0:4318'", `sources[0].http: "0.0.0.0:4318" can be reached from other machines and nobody has to sign in (use 127.0.0.1, give a token or tls.clientCA, or set insecure: true if you want that)`},
		"no port":             {"kind: otlp, grpc: localhost", `sources[0].grpc: "localhost" is no host:port (for example 127.0.0.1:7007)`},
		"one port":            {"kind: otlp, grpc: '127.0.0.1:4317', http: '127.0.0.1:4317'", "sources[0].http: is the address of grpc already (give it another port)"},
		"half a certificate":  {"kind: otlp, grpc: '127.0.0.1:4317', tls: {cert: x}", "sources[0].tls: the setting key is missing (PEM file of its key.)"},
		"little memory":       {"kind: otlp, grpc: '127.0.0.1:4317', memory: 1MiB", "sources[0].memory: must be from 16MiB to 64GiB, not 1MiB"},
		"odd memory":          {"kind: otlp, grpc: '127.0.0.1:4317', memory: lots", `sources[0].memory: "lots" is no amount of bytes (write for example 256MiB)`},
		"bare number":         {"kind: otlp, grpc: '127.0.0.1:4317', memory: 1000000000", `sources[0].memory: must be text (write it in quotes), not "1000000000"`},
		"multiplier":          {"kind: otlp, grpc: '127.0.0.1:4317', multiplier: 0", "sources[0].multiplier: must be from 1 to 1000000, not 0"},
		"forgotten too early": {"kind: otlp, paths: [x], removeAfter: 7d", "sources[0].removeAfter: is less than staleAfter (make it longer)"},
		"half a login":        {"kind: prometheus, url: 'http://p', username: a", "sources[0]: has only one of username and password (give both, or a token)"},
		"two logins":          {"kind: prometheus, url: 'http://p', username: a, password: b, token: c", "sources[0].token: stands beside username (give one of them)"},
		"metrics":             {"kind: prometheus, url: 'http://p', metrics: [isito]", `sources[0].metrics[0]: "isito" is no sort of metrics that exists (did you mean istio?)`},
		"a cluster's name":    {"kind: prometheus, url: 'http://p', cluster: 'a/b'", `sources[0].cluster: "a/b" is no name of a cluster (use letters, digits and . _ - between them, at most 63)`},
		"address":             {"kind: jaeger, url: jaeger", "sources[0].url: is no address of a server (write it like https://backstage.example.com)"},
		"no address":          {"kind: zipkin", "sources[0]: the setting url is missing (Address of the server: of a Backstage its backend.baseUrl, such as https://backstage.example.com; of a GitHub Enterprise Server that of its pages (GitHub.com where it is absent); of the others what stands before /api.)"},
		"for another kind":    {"kind: zipkin, url: 'http://z', settle: 1s", `sources[0].settle: is not for "zipkin" (it is for otlp: change kind, or remove it)`},
		"tracing: nowhere":    {"kind: files, paths: [x]}\ntracing: {ratio: 1", "tracing: the setting endpoint is missing (Address of an OTLP receiver, such as http://127.0.0.1:4318.)"},
		"tracing: too much":   {"kind: files, paths: [x]}\ntracing: {endpoint: 'http://o', ratio: 1.5", "tracing.ratio: must be from 0 to 1"},
		"tracing: odd ratio":  {"kind: files, paths: [x]}\ntracing: {endpoint: 'http://o', ratio: all", `tracing.ratio: must be a number, not "all"`},
		"tracing: no address": {"kind: files, paths: [x]}\ntracing: {endpoint: 'o:4317'", "tracing.endpoint: is no address of a server (write it like http://127.0.0.1:4318)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("f.yaml", []byte("sources:\n  - {id: a, "+c.source+"}"), environment(nil))
			if err == nil {
				t.Fatal("accepted")
			}
			_, message, _ := strings.Cut(err.Error(), ": ")
			if diff := cmp.Diff(c.want, message); diff != "" {
				t.Error(diff)
			}
		})
	}
}
