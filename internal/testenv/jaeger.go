package testenv

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// How long Jaeger may take to be built, and to answer.
const (
	jaegerBuilds  = 20 * time.Minute
	jaegerAnswers = time.Minute
)

// JaegerServer is a Jaeger that keeps its traces in memory.
type JaegerServer struct {
	Query string // the address of its API
	OTLP  string // where it takes traces, at /v1/traces
}

// Jaeger starts a Jaeger that ends with the test, and returns its addresses once it answers. The program is built once, from
// the module jaeger below this package.
func Jaeger(t testing.TB) JaegerServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), jaegerBuilds)
	defer cancel()
	program, err := jaegerProgram(ctx)
	found(t, PartJaeger, err)
	query, otlp := unusedAddress(ctx, t), unusedAddress(ctx, t)
	arguments := []string{"--query.http-server.host-port=" + query, "--collector.otlp.http.host-port=" + otlp, "--log-level=warn"}
	for _, other := range []string{
		"admin.http", "collector.grpc-server", "collector.http-server", "collector.otlp.grpc", "query.grpc-server",
	} {
		arguments = append(arguments, "--"+other+".host-port=127.0.0.1:0")
	}
	ctx, cancel = context.WithTimeout(ctx, jaegerAnswers)
	defer cancel()
	startAnswering(ctx, t, "http://"+query+"/api/services", program, arguments...)
	return JaegerServer{Query: "http://" + query, OTLP: "http://" + otlp}
}

func jaegerProgram(ctx context.Context) (string, error) {
	folder, err := builtModule(ctx, "jaeger", func(ctx context.Context, module, folder string) error {
		_, err := goCommand(ctx, module, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", filepath.Join(folder, "jaeger"), "github.com/jaegertracing/jaeger/cmd/all-in-one")
		return err
	})
	return filepath.Join(folder, "jaeger"), err
}

// PrepareTracers fetches and builds Jaeger, Zipkin and Prometheus, where they are not there yet. A *MissingError tells what
// cannot be had.
func PrepareTracers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jaegerBuilds)
	defer cancel()
	_, jaeger := jaegerProgram(ctx)
	_, zipkin := zipkinLibrary(ctx)
	_, prometheus := prometheusPrograms(ctx)
	return errors.Join(jaeger, zipkin, prometheus)
}
