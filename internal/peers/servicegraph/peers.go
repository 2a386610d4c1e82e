package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/servicegraphconnector"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// serviceGraph is the connector.
type serviceGraph struct {
	connector connector.Traces
	ctx       context.Context //nolint:containedctx // of the measurement that it is made for
}

func startConnector(ctx context.Context) (peer, error) {
	factory := servicegraphconnector.NewFactory()
	config, ok := factory.CreateDefaultConfig().(*servicegraphconnector.Config)
	if !ok {
		return nil, fmt.Errorf("the connector has another configuration: %T", factory.CreateDefaultConfig())
	}
	config.Store.MaxItems = 1_000_000 // as many as it needs to lose nothing
	config.Store.TTL = settle
	ignore, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error { return nil })
	if err != nil {
		return nil, err
	}
	made, err := factory.CreateTracesToMetrics(ctx, connectortest.NewNopSettings(factory.Type()), config, ignore)
	if err != nil {
		return nil, err
	}
	return &serviceGraph{made, ctx}, made.Start(ctx, componenttest.NewNopHost())
}

func (g *serviceGraph) worker() func(*otlptest.Request) error {
	return func(request *otlptest.Request) error {
		decoded := ptraceotlp.NewExportRequest()
		if err := decoded.UnmarshalProto(request.Bytes); err != nil {
			return err
		}
		return g.connector.ConsumeTraces(g.ctx, decoded.Traces())
	}
}

func (g *serviceGraph) stop() (float64, error) { return math.NaN(), g.connector.Shutdown(g.ctx) }

// orrery is Orrery's reader and pairing.
type orrery struct {
	resources *spans.Resources
	pairer    *pairing.Pairer
	cancel    func()
	ticked    chan float64 // how many calls were drained
}

func startOrrery(ctx context.Context) (peer, error) {
	ctx, cancel := context.WithCancel(ctx)
	o := &orrery{
		resources: spans.NewResources(16 << 20), pairer: pairing.New(pairing.Config{Settle: settle, MaxBytes: 2 << 30}),
		cancel: cancel, ticked: make(chan float64, 1),
	}
	go o.tick(ctx)
	return o, nil
}

// tick does at times what the receiver does at these times.
func (o *orrery) tick(ctx context.Context) {
	calls := 0.0
	drained := time.Now()
	for ticker := time.NewTicker(500 * time.Millisecond); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
			ticker.Stop()
		case <-ticker.C:
			o.pairer.Tick()
			if time.Since(drained) > 2*time.Second {
				calls += callsOf(o.pairer.Drain(0))
				drained = time.Now()
			}
		}
	}
	o.ticked <- calls
}

func callsOf(counted map[traffic.Hour]*traffic.Counts) (calls float64) {
	for _, counts := range counted {
		for _, flow := range counts.Flows {
			calls += flow.Requests
		}
		calls += float64(counts.Lost[traffic.LostSelfCall])
	}
	return calls
}

func (o *orrery) worker() func(*otlptest.Request) error {
	reader := spans.NewReader(o.resources)
	return func(request *otlptest.Request) error { return reader.Protobuf(request.Bytes, o.pairer.Add) }
}

func (o *orrery) stop() (float64, error) {
	o.cancel()
	calls := <-o.ticked
	o.pairer.SettleAll()
	return calls + callsOf(o.pairer.Drain(0)), nil
}

// decoder decodes, and does nothing with it.
type decoder struct{}

func startDecoder(context.Context) (peer, error) { return decoder{}, nil }

func (decoder) worker() func(*otlptest.Request) error {
	return func(request *otlptest.Request) error {
		return ptraceotlp.NewExportRequest().UnmarshalProto(request.Bytes)
	}
}

func (decoder) stop() (float64, error) { return math.NaN(), nil }

// reader reads, and does nothing with it.
type reader struct{ resources *spans.Resources }

func startReader(context.Context) (peer, error) { return reader{spans.NewResources(16 << 20)}, nil }

func (r reader) worker() func(*otlptest.Request) error {
	reader := spans.NewReader(r.resources)
	return func(request *otlptest.Request) error {
		return reader.Protobuf(request.Bytes, func(*spans.Span) error { return nil })
	}
}

func (reader) stop() (float64, error) { return math.NaN(), nil }
