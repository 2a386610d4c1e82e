package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/build"
	"github.com/orrery-catalog/orrery/internal/config"
	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/server"
	"github.com/orrery-catalog/orrery/internal/tracing"
	"github.com/orrery-catalog/orrery/web"
)

// defaultConfigFile is read where no other is named.
const defaultConfigFile = "orrery.yaml"

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Scan the sources and serve the UI and the API",
		Long: "Scan the sources of a configuration into its store, by their schedules and as they change, and serve the UI and\n" +
			"the API until SIGINT or SIGTERM.\n" +
			"With --demo it shows a made-up company instead, kept in memory: nothing is written to disk.",
		Example: "  orrery serve --demo\n  orrery serve --config orrery.yaml",
		Args:    arguments(0, 0, "no arguments, only flags"),
		GroupID: groupRun,
	}
	flags := cmd.Flags()
	file := flags.String("config", "", "the configuration `file` (default "+defaultConfigFile+")")
	listen := flags.String("listen", "", "the `address` to listen on, host:port, in place of the configured one")
	insecure := flags.Bool("insecure", false, "allow an address that other machines can reach, though nobody has to sign in")
	showDemo := flags.Bool("demo", false, "show "+demo.Name+", a made-up company")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *showDemo && *file != "" {
			return usagef("use only one of --demo and --config")
		}
		log, err := p.logger(zerolog.InfoLevel)
		if err != nil {
			return err
		}
		c := config.Default()
		if !*showDemo {
			if *file == "" {
				*file = defaultConfigFile
			}
			if c, err = p.loadConfig(*file); err != nil {
				return err
			}
		}
		c.Insecure = c.Insecure || *insecure
		if *listen != "" {
			if err := config.CheckListen(*listen, c.Insecure); err != nil {
				return usagef("--listen %s", err)
			}
			c.Listen = *listen
		}
		return p.serve(cmd.Context(), c, *showDemo, log)
	}
	return cmd
}

// lastTraces is how long a server that stops waits for the receiver of its own traces.
const lastTraces = 5 * time.Second

// serve runs until ctx ends, which is no error.
func (p *program) serve(ctx context.Context, c *config.Config, showDemo bool, log zerolog.Logger) (err error) {
	traces, err := tracing.Start(ctx, tracing.Config{
		Endpoint: c.Tracing.Endpoint, Protocol: c.Tracing.Protocol, Ratio: c.Tracing.Ratio, Version: build.Current().Version, Log: log,
	})
	if err != nil {
		return err
	}
	ctx = traces.Context(ctx)
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTraces)
		defer cancel()
		if err := traces.Stop(last); err != nil {
			log.Warn().Err(err).Msg("the last traces of this server are lost")
		}
	}()
	// The store comes first: a second server is to hear who holds it, rather than that the address is taken.
	now, registry := &present{}, prometheus.NewRegistry()
	hubs := newHubs(c, now, log, registry)
	sources, store, counted, err := p.opened(ctx, c, showDemo, now, hubs, registry, log)
	if err != nil {
		return err
	}
	if store != nil {
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	judge, err := judgeOf(c)
	if err != nil {
		return err
	}
	webhooks, err := hubs.webhooks()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("%w: stop what listens there, or choose another address by --listen", err)
	}
	defer func() { _ = listener.Close() }() // the server closes it too, once it runs
	face := server.Config{
		Snapshots: starting{}, Live: starting{}, UI: web.Handler(), Health: judge, Log: log,
		Hosts: append(hostsOf(c.Listen), c.Hosts...), AnyAddress: c.Insecure, Traces: counted.handler(), Webhooks: webhooks,
	}
	shown := &front{}
	shown.show(server.New(face))
	address := listener.Addr().String()
	log.Info().Str("url", "http://"+address).Msg("serving")
	if !web.Built() {
		log.Warn().Msg("this binary was built without the UI: make build puts it in")
	}
	if isTerminal(p.stdout) {
		if err := p.printf("Orrery is at http://%s (Ctrl-C ends it)\n", address); err != nil {
			return err
		}
	}
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return server.Run(ctx, listener, traces.Middleware(shown), log) })
	running.Go(func() error { return counted.Run(ctx) })
	running.Go(func() error {
		live, err := ingest.New(ctx, ingest.Config{
			Store: store, Sources: sources, Merge: c.MergeOptions(), Holder: holder(serveName), WaitForStore: true, Log: log, Metrics: registry,
			Traffic: counted,
		})
		if err != nil {
			return unlessEnded(ctx, err)
		}
		now.is(live)
		if showDemo { // its sources are one company: nobody is to meet the half of it
			if _, err := live.Scan(ctx); err != nil {
				return unlessEnded(ctx, err)
			}
		}
		face.Snapshots, face.Past, face.Live, face.Metrics = live, live, live, registry
		if store != nil {
			face.Freshness = live.Freshness
		}
		shown.show(server.New(face))
		running.Go(func() error { return prepareSearch(ctx, live) })
		running.Go(func() error { return hubs.run(ctx) })
		return live.Run(ctx)
	})
	err = running.Wait()
	log.Info().Msg("stopped")
	return err
}

// unlessEnded is the error, or none where it may come of the end of ctx, which is no failure.
func unlessEnded(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// serveName describes a server to other processes.
const serveName = "orrery serve"

// opened opens the store and makes the sources; the store of the demo is none, so that it leaves nothing behind.
func (p *program) opened(
	ctx context.Context, c *config.Config, showDemo bool, now *present, h *hubs, metrics prometheus.Registerer, log zerolog.Logger,
) (sources []ingest.Source, store graph.Store, counted *counting, err error) {
	if !showDemo {
		if store, err = openStore(ctx, c.Graph, false, serveName); err != nil {
			return nil, nil, nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, store.Close())
			}
		}()
	}
	if counted, err = newCounting(c, store, now.leads, log, metrics); err != nil {
		return nil, nil, nil, err
	}
	if showDemo {
		sources, err = demoSources(counted)
	} else {
		sources, err = sourcesOf(c, now, counted, h)
	}
	return sources, store, counted, err
}

// hostsOf are the names by which clients may call a server that listens there.
func hostsOf(listen string) []string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		return nil
	}
	return []string{host}
}
