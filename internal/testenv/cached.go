package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// MissingError says which part is not installed, and how to.
type MissingError struct{ Reason string }

func (e *MissingError) Error() string { return e.Reason }

// cacheFolder is where a part lies that is fetched or built once, for all processes of the user and all their runs.
func cacheFolder(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", &MissingError{fmt.Sprintf("there is no place to keep %s: %s", name, err)}
	}
	return filepath.Join(cache, "orrery", name), nil
}

// fillOnce makes the folder by fill, which writes into an empty one: whole or not at all, once for all processes.
func fillOnce(ctx context.Context, folder string, fill func(ctx context.Context, empty string) error) (err error) {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	lock := flock.New(folder + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return fmt.Errorf("another process makes %s: %w", folder, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := os.Stat(folder); err == nil {
		return nil // by somebody else, in the meantime
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "making-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	made := filepath.Join(work, "made")
	if err := os.Mkdir(made, 0o755); err != nil {
		return err
	}
	if err := fill(ctx, made); err != nil {
		return err
	}
	return os.Rename(made, folder)
}
