package sqlitestore

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(killEnv); path != "" { // as the child of TestKillNine
		fmt.Fprintln(os.Stderr, killChild(path))
		os.Exit(1)
	}
	if path := os.Getenv(killTrafficEnv); path != "" { // as the child of TestKillNineOfTraffic
		fmt.Fprintln(os.Stderr, killTrafficChild(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
