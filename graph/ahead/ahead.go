// Package ahead runs a stream a little ahead of who reads it.
package ahead

import "iter"

// Batches make the price of passing between goroutines small, and their bounds that of memory.
const (
	batchPieces = 128
	batchBytes  = 128 << 10
)

// Of runs the stream in a goroutine of its own, a few batches ahead of who reads what it returns, so that more than one
// core is used. size is about how many bytes a piece takes. The goroutine is gone when the reader is done.
func Of[T any](stream iter.Seq2[T, error], size func(T) int) iter.Seq2[T, error] {
	type piece struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		batches, stop := make(chan []piece, 2), make(chan struct{})
		go func() {
			defer close(batches)
			var batch []piece
			bytes := 0
			pass := func() bool {
				select {
				case batches <- batch:
					batch, bytes = make([]piece, 0, batchPieces), 0
					return true
				case <-stop:
					return false
				}
			}
			for value, err := range stream {
				batch = append(batch, piece{value, err})
				bytes += size(value)
				if (len(batch) == batchPieces || bytes >= batchBytes) && !pass() {
					return
				}
			}
			pass()
		}()
		defer func() {
			close(stop)
			for range batches { // until the goroutine is gone
			}
		}()
		for batch := range batches {
			for _, p := range batch {
				if !yield(p.value, p.err) {
					return
				}
			}
		}
	}
}
