// Package build tells which build of Orrery runs.
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// The linker fills these in a release: -ldflags "-X .../internal/build.version=v1.2.3 -X .../internal/build.commit=...".
var version, commit string

// Info describes the running program.
type Info struct {
	Version string // "v1.2.3", or "devel" where nobody said
	Commit  string // of the sources; "" = unknown
	Dirty   bool   // the sources were changed after the commit
	Go      string // version of the toolchain
	OS      string // operating system and architecture
}

// Current reads what the linker was told and what the Go toolchain recorded.
func Current() Info {
	recorded, _ := debug.ReadBuildInfo() // nil where the program was built without module support
	return from(version, commit, recorded)
}

func from(version, commit string, recorded *debug.BuildInfo) Info {
	info := Info{Version: version, Commit: commit, Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH}
	if recorded != nil {
		if info.Version == "" && recorded.Main.Version != "(devel)" {
			info.Version = recorded.Main.Version
		}
		for _, setting := range recorded.Settings {
			switch {
			case setting.Key == "vcs.revision" && info.Commit == "":
				info.Commit = setting.Value
			case setting.Key == "vcs.modified" && commit == "":
				info.Dirty = setting.Value == "true"
			}
		}
	}
	if info.Version == "" {
		info.Version = "devel"
	}
	return info
}

// String is the one-line form for people.
func (i Info) String() string {
	text := "orrery " + i.Version
	if i.Commit != "" {
		text += " (" + i.Commit[:min(len(i.Commit), 12)]
		if i.Dirty {
			text += ", changed"
		}
		text += ")"
	}
	return fmt.Sprintf("%s, %s, %s", text, i.Go, i.OS)
}
