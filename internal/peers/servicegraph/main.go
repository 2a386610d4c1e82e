// Command servicegraph compares how many spans a second of a core Orrery and the OpenTelemetry service-graph connector turn
// from the bytes of OTLP requests into the edges of a map. Both get the same requests, each time with trace ids that were
// not seen before, and wait the same time for the rest of a trace. The seconds are those of the processor, collecting garbage
// included, and they take turns, so that what else the machine does matters little.
//
//	go run . [-rounds 5] [-time 5s] [-workers 2] [-services 60]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
)

func main() {
	run := run{out: os.Stdout}
	flag.IntVar(&run.rounds, "rounds", 5, "how often each is measured")
	flag.DurationVar(&run.time, "time", 5*time.Second, "how long each is measured each time")
	flag.IntVar(&run.workers, "workers", runtime.GOMAXPROCS(0), "goroutines that send")
	flag.IntVar(&run.services, "services", 60, "services in the requests")
	flag.Parse()
	if err := run.write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run.compare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// settle is how long both wait for the rest of a trace: what the connector does by default.
const settle = 2 * time.Second

// run says what is measured.
type run struct {
	out                       io.Writer
	rounds, workers, services int
	time                      time.Duration
	requests                  [][]*otlptest.Request // of each worker
}

// write makes the requests.
func (r *run) write() error {
	for worker := range r.workers {
		requests, err := otlptest.Requests(int64(worker), 100, r.services, time.Now())
		if err != nil {
			return err
		}
		r.requests = append(r.requests, requests)
	}
	return nil
}

// peer turns requests into edges.
type peer interface {
	// worker makes what takes requests on one goroutine.
	worker() func(request *otlptest.Request) error
	// stop ends the work on what was taken, and says how many calls it found.
	stop() (calls float64, err error)
}

func (r run) compare(ctx context.Context) error {
	peers := []struct {
		name  string
		start func(context.Context) (peer, error)
	}{
		{"connector", startConnector},
		{"orrery", startOrrery},
		{"decoding by pdata alone", startDecoder},
		{"reading by orrery alone", startReader},
	}
	rates := make([][]float64, len(peers))
	for round := range r.rounds {
		for i, peer := range peers {
			rate, err := r.measure(ctx, uint64(round*len(peers)+i), peer.name, peer.start)
			if err != nil {
				return fmt.Errorf("%s: %w", peer.name, err)
			}
			rates[i] = append(rates[i], rate)
		}
	}
	for i, peer := range peers {
		slices.Sort(rates[i])
		if _, err := fmt.Fprintf(r.out, "%-24s %9.0f spans/s of a core, median of %d (%.0f to %.0f)\n",
			peer.name, median(rates[i]), r.rounds, rates[i][0], rates[i][len(rates[i])-1]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(r.out, "orrery / connector       %9.2f\n", median(rates[1])/median(rates[0]))
	return err
}

// processorTime is how long cores have worked for this process.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// measure says how many spans a second the peer takes, with all that is left to do at the end.
func (r run) measure(
	ctx context.Context, seed uint64, name string, start func(context.Context) (peer, error),
) (float64, error) {
	runtime.GC()
	debug.FreeOSMemory()
	peer, err := start(ctx)
	if err != nil {
		return 0, err
	}
	begin, used := time.Now(), processorTime()
	var group errgroup.Group
	spans := make([]int, r.workers)
	for i := range r.workers {
		take, requests := peer.worker(), r.requests[i]
		group.Go(func() error {
			for n := uint64(0); ctx.Err() == nil && time.Since(begin) < r.time; n++ {
				request := requests[n%uint64(len(requests))]
				request.Fresh(seed<<56 | uint64(i)<<48 | n)
				if err := take(request); err != nil {
					return err
				}
				spans[i] += request.Spans
			}
			return ctx.Err()
		})
	}
	err = group.Wait()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	calls, stopErr := peer.stop()
	if err := errors.Join(err, stopErr); err != nil {
		return 0, err
	}
	total := 0
	for _, n := range spans {
		total += n
	}
	if want := float64(total) / otlptest.SpansPerTrace * otlptest.CallsPerTrace; !math.IsNaN(calls) && calls != want {
		return 0, fmt.Errorf("%.0f calls were found, not %.0f", calls, want)
	}
	used, took := processorTime()-used, time.Since(begin)
	rate := float64(total) / used.Seconds()
	_, err = fmt.Fprintf(r.out, "%-24s %9.0f spans/s of a core, %9.0f by the clock, heap of %d MiB\n",
		name, rate, float64(total)/took.Seconds(), memory.HeapAlloc>>20)
	return rate, err
}
