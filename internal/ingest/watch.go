package ingest

import "github.com/orrery-catalog/orrery/scanners"

func canWatch(scanner scanners.Scanner) bool {
	_, ok := scanner.(scanners.Watcher)
	return ok
}
