package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestFillOnce(t *testing.T) {
	parent := t.TempDir()
	folder := filepath.Join(parent, "part")
	broken := errors.New("broken")
	err := fillOnce(t.Context(), folder, func(_ context.Context, empty string) error {
		return errors.Join(os.WriteFile(filepath.Join(empty, "half"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("a folder is there that was not filled whole")
	}
	var filled atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := fillOnce(t.Context(), folder, func(_ context.Context, empty string) error {
				filled.Add(1)
				return os.WriteFile(filepath.Join(empty, "whole"), nil, 0o600)
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(folder, "whole")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if filled.Load() != 1 {
		t.Errorf("it was filled %d times", filled.Load())
	}
	left, err := filepath.Glob(filepath.Join(parent, "making-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}
