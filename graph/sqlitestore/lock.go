package sqlitestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/orrery-catalog/orrery/graph"
)

// holder is what the lock file says, for people and for the error that a second writer gets. Only the lock of the
// operating system decides; the words may be those of a process that is gone.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func (h holder) String() string {
	return fmt.Sprintf("%s (process %d on %s, since %s)", h.Command, h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// lockForWriting takes the lock of the store, which ends with the process at the latest. The lock file stays when it is
// given back: a removed one could be held by two.
func lockForWriting(path, command string) (*flock.Flock, error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o644))
	switch held, err := lock.TryLock(); {
	case err != nil:
		return nil, lockFailed(err)
	case !held:
		return nil, fmt.Errorf("%w (stop that first, or open the store for reading)",
			&graph.LeaseHeldError{Name: "the right to write it", Holder: readHolder(lock.Path())})
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	words, err := json.Marshal(holder{os.Getpid(), host, command, time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(lock.Path(), append(words, '\n'), 0o644)
	}
	if err != nil {
		return nil, errors.Join(lockFailed(err), lock.Close())
	}
	return lock, nil
}

func lockFailed(err error) error {
	return fmt.Errorf("%w: the lock file beside it cannot be written: %w (to only read the store, open it for reading)",
		graph.ErrUnavailable, err)
}

func readHolder(path string) string {
	words, err := os.ReadFile(path)
	var h holder
	if err != nil || json.Unmarshal(words, &h) != nil || h.PID == 0 {
		return "another process" // that has not told yet
	}
	return h.String()
}
