package graphtest_test

import (
	"os"
	"testing"

	"github.com/orrery-catalog/orrery/graph/graphtest"
)

func TestScripts(t *testing.T) { graphtest.RunScripts(t, os.DirFS("testdata")) }
