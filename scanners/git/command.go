package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// maxWords is how much is kept of what git says about its work.
	maxWords = 16 << 10
	// lingering is how long the streams of a program that has ended are waited for: ssh may leave a connection open in the
	// background for the next one (ControlPersist), which holds them.
	lingering = 2 * time.Second
)

// errOutput says that a program wrote more than it was expected to.
var errOutput = errors.New("git answered more than is read")

// commandError is a call of git that failed.
type commandError struct {
	what  string // the subcommand
	words string // what it said, in one line
	err   error
}

func (e *commandError) Error() string {
	if e.words == "" {
		return fmt.Sprintf("git %s: %v", e.what, e.err)
	}
	return fmt.Sprintf("git %s: %s", e.what, e.words)
}

func (e *commandError) Unwrap() error { return e.err }

// call is one call of git.
type call struct {
	args    []string
	gitDir  string    // the repository it works in
	objects string    // a folder of objects to read instead of those of gitDir; "" = none
	remote  *address  // to speak to; nil = it stays on this machine
	input   io.Reader // nil = none
	output  io.Writer // nil = none
	timeout time.Duration
	// settings are for this call.
	settings [][2]string
}

// run calls git and waits for its end.
func (c call) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("it took longer than %v", c.timeout))
	defer cancel()
	words := &tail{most: maxWords}
	command := c.command(ctx)
	command.Stderr = words
	err := command.Run()
	switch {
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, only its streams are still held
		return nil
	case ctx.Err() != nil:
		return &commandError{what: c.args[0], err: context.Cause(ctx)}
	case errors.Is(err, errOutput), errors.Is(err, exec.ErrNotFound):
		return &commandError{what: c.args[0], err: err}
	case err != nil:
		return &commandError{what: c.args[0], words: c.remote.plain(words.data), err: err}
	}
	return nil
}

// command is the call as a program that was not started. It ends with ctx, with all that it started.
func (c call) command(ctx context.Context) *exec.Cmd {
	command := exec.CommandContext(ctx, "git", c.args...) //nolint:gosec // the arguments are ours: no URL, no word of a remote is among them
	command.Dir = c.gitDir
	command.Env = c.environment()
	command.Stdin, command.Stdout = c.input, c.output
	command.WaitDelay = lingering
	ownGroup(command)
	return command
}

// passed are the variables that git and what it starts may need of ours. What begins with GIT_ and is not among them could
// make it work elsewhere or run something else.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK",
	"KRB5CCNAME", "KRB5_CONFIG", "GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
	"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT",
	"GIT_PROXY_COMMAND", "GIT_PROXY_SSL_CAINFO", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
	"http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
}

// quiet is the configuration under which git does its work and nothing beside it.
var quiet = [][2]string{
	{"core.hooksPath", os.DevNull},
	{"core.fsmonitor", "false"},
	{"core.askPass", ""},
	{"credential.interactive", "false"},
	{"gc.auto", "0"},
	{"maintenance.auto", "false"},
	{"submodule.recurse", "false"},
	{"fetch.recurseSubmodules", "false"},
	{"fetch.unpackLimit", "1"},
	{"transfer.unpackLimit", "1"},
	{"fetch.writeCommitGraph", "false"},
	{"transfer.bundleURI", "false"},
	{"protocol.version", "2"},
	{"http.lowSpeedLimit", "1000"},
	{"http.lowSpeedTime", "60"},
}

// remoteName is what git is told a remote is called: its URL stands in no argument and in no file.
const remoteName = "orrery"

func (c call) environment() []string {
	environment := []string{
		"LC_ALL=C", "GIT_DIR=" + c.gitDir, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "SSH_ASKPASS_REQUIRE=never",
		"GCM_INTERACTIVE=never", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "GIT_ATTR_NOSYSTEM=1",
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); slices.Contains(passed, name) {
			environment = append(environment, variable)
		}
	}
	if c.objects != "" {
		environment = append(environment, "GIT_OBJECT_DIRECTORY="+c.objects)
	}
	settings := slices.Concat(quiet, c.settings)
	if c.remote == nil {
		environment = append(environment, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_CONFIG_GLOBAL="+os.DevNull,
			"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none")
	} else {
		environment = append(environment, "GIT_ALLOW_PROTOCOL="+c.remote.protocols())
		settings = append(settings, c.remote.settings()...)
		environment = append(environment, passwordVariables(c.remote)...)
	}
	environment = append(environment, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, setting := range settings {
		environment = append(environment, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, setting[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, setting[1]))
	}
	return environment
}

// protocols are those that git may speak to get at the remote. A person's insteadOf may replace https by ssh and back.
func (a *address) protocols() string {
	if a.scheme == "https" || a.scheme == "ssh" {
		return "https:ssh"
	}
	return a.scheme + ":https:ssh"
}

// Where the user and the password of a URL are handed to git: arguments are seen by everybody on the machine, and so is a URL
// that git hands on.
const (
	userVariable     = "ORRERY_GIT_USER"
	passwordVariable = "ORRERY_GIT_PASSWORD" //nolint:gosec // the name of a variable
)

func passwordVariables(a *address) []string {
	if a.user == "" && a.password == "" {
		return nil
	}
	return []string{userVariable + "=" + a.user, passwordVariable + "=" + a.password}
}

// settings make the remote known to git. Where the URL brought a password, no helper but ours is asked, and none is told it
// to keep; it is for the host of the URL alone.
func (a *address) settings() [][2]string {
	settings := [][2]string{{"remote." + remoteName + ".url", a.url}}
	if a.user == "" && a.password == "" {
		return settings
	}
	base := a.url
	if i := strings.Index(base, "://"); i >= 0 {
		if slash := strings.IndexByte(base[i+3:], '/'); slash >= 0 {
			base = base[:i+3+slash]
		}
	}
	return append(settings, [2]string{"credential.helper", ""}, [2]string{
		"credential." + base + ".helper",
		`!f() { if test "$1" = get; then printf 'username=%s\npassword=%s\n' "$` + userVariable + `" "$` + passwordVariable + `"; fi; }; f`,
	})
}

var (
	// telling are the lines in which git says why it failed. What else it says may be words of the remote.
	telling = regexp.MustCompile(`(?m)^(?:fatal|error|ssh|[A-Za-z-]*@?[\w.-]*: Permission denied|Host key verification failed|kex_exchange)\b.*$`)
	// others are what hides the reason.
	hiding = []string{"Could not read from remote repository.", "Please make sure you have the correct access rights", "the remote end hung up"}
)

// plain is why git failed, in one line without secrets.
func (a *address) plain(words []byte) string {
	var lines []string
	for _, line := range telling.FindAllString(string(words), -1) {
		hidden := slices.ContainsFunc(hiding, func(part string) bool { return strings.Contains(line, part) })
		if !hidden && !slices.Contains(lines, line) && len(lines) < 3 {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	text := strings.Join(lines, "; ")
	if text == "" {
		text = lastLine(string(words))
	}
	if a != nil {
		for _, secret := range []string{a.password, a.user} {
			if len(secret) > 3 { // git is told neither by the URL, so that it can hardly show them
				text = strings.ReplaceAll(text, secret, "***")
			}
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, redacted(text))
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + " …"
	}
	return text
}

func lastLine(words string) string {
	words = strings.TrimSpace(words)
	return strings.TrimSpace(words[strings.LastIndexByte(words, '\n')+1:])
}

// The oldest version of git that can do what is asked of it: that of the commands of cat-file.
const oldestMajor, oldestMinor = 2, 36

// program is an error where there is no git, or too old a one.
func (s *scan) program(ctx context.Context) error {
	answer := &bounded{most: 1 << 10}
	err := call{args: []string{"version"}, output: answer, timeout: time.Minute}.run(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("git repositories are read by the git command, which cannot be run: %w", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(answer.String(), "git version %d.%d", &major, &minor); err != nil {
		return fmt.Errorf("git says its version is %.60q, which tells nothing", answer.String())
	}
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return fmt.Errorf("git is of version %d.%d: install %d.%d or newer", major, minor, oldestMajor, oldestMinor)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	data []byte
	most int
}

func (t *tail) Write(data []byte) (int, error) {
	t.data = append(t.data, data...)
	if over := len(t.data) - t.most; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(data), nil
}

// bounded keeps what is written to it, and refuses more.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(data []byte) (int, error) {
	if b.Len()+len(data) > b.most {
		n, _ := b.Buffer.Write(data[:b.most-b.Len()])
		return n, errOutput
	}
	return b.Buffer.Write(data)
}
