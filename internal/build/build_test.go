package build

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	place := ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH
	vcs := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"},
	}
	for name, c := range map[string]struct {
		version, commit string
		recorded        *debug.BuildInfo
		want            string
	}{
		"nothing known": {want: "orrery devel"},
		"a release":     {version: "v1.2.3", commit: "abcdef", want: "orrery v1.2.3 (abcdef)"},
		"a checkout": {
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: vcs},
			want:     "orrery devel (0123456789ab, changed)",
		},
		"installed by version": {
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "v1.0.0"}}, want: "orrery v1.0.0",
		},
		"the linker wins": {
			version: "v2.0.0", commit: "fedcba",
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "v1.0.0"}, Settings: vcs},
			want:     "orrery v2.0.0 (fedcba)",
		},
	} {
		if got := from(c.version, c.commit, c.recorded).String(); got != c.want+place {
			t.Errorf("%s: %q, want %q", name, got, c.want+place)
		}
	}
}

func TestCurrentNamesTheToolchain(t *testing.T) {
	t.Parallel()
	if got := Current(); got.Go != runtime.Version() || got.Version == "" {
		t.Errorf("%+v", got)
	}
}
