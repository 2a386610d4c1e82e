package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

var (
	// errMissing says that an object is not there.
	errMissing = errors.New("its content is not in this repository")
	// errBroken says that objects cannot be read, so that the repository is broken or is being changed.
	errBroken = errors.New("the repository is broken")
)

// objects reads blobs through one `git cat-file --batch-command`. Several goroutines may use it.
type objects struct {
	call   call            // its repository
	ctx    context.Context //nolint:containedctx // the process ends with it, and files of an fs.FS take none
	cancel context.CancelFunc

	mu      sync.Mutex
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
	broken  error
	missing map[string]bool // what was asked for and is not there
}

// openObjects starts to read. The caller closes it.
func openObjects(ctx context.Context, in call) (*objects, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, in.timeout, fmt.Errorf("reading it took longer than %v", in.timeout))
	o := &objects{call: in, ctx: ctx, cancel: cancel, missing: make(map[string]bool)}
	if err := o.start(); err != nil {
		cancel()
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	return o, nil
}

func (o *objects) start() (err error) {
	c := o.call
	c.args = []string{"cat-file", "--batch-command"}
	o.command = c.command(o.ctx)
	if o.input, err = o.command.StdinPipe(); err != nil {
		return err
	}
	output, err := o.command.StdoutPipe()
	if err != nil {
		return err
	}
	o.output = bufio.NewReaderSize(output, 64<<10)
	return o.command.Start()
}

// close ends the process.
func (o *objects) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.cancel()
	if o.broken != nil {
		o.cancel() // it may wait for somebody to read on
	}
	_ = o.input.Close()  // it ends by that
	_ = o.command.Wait() // what it read was read; what it could not read was told
}

// size is how many bytes a blob has. An error may be errMissing.
func (o *objects) size(oid string) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ask("info", oid)
}

// read reads a blob of at most limit bytes.
func (o *objects) read(oid string, limit int64) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size, err := o.ask("info", oid)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("it has %d bytes, which are too many here", size)
	}
	if size, err = o.ask("contents", oid); err != nil {
		return nil, err
	}
	data := make([]byte, size+1)
	if _, err := io.ReadFull(o.output, data); err != nil {
		return nil, o.breaks(err)
	}
	return data[:size], nil
}

// head reads the first bytes of a blob of any size.
func (o *objects) head(oid string, most int) ([]byte, error) {
	head := &bounded{most: most}
	c := o.call
	c.args, c.output = []string{"cat-file", "blob", oid}, head
	if err := c.run(o.ctx); err != nil && !errors.Is(err, errOutput) && head.Len() < most {
		return nil, err
	}
	return head.Bytes(), nil
}

// ask sends a command about an object and reads the first line of the answer.
func (o *objects) ask(command, oid string) (size int64, err error) {
	if o.broken != nil {
		return 0, o.broken
	}
	if _, err := io.WriteString(o.input, command+" "+oid+"\n"); err != nil {
		return 0, o.breaks(err)
	}
	line, err := o.output.ReadSlice('\n')
	if err != nil {
		return 0, o.breaks(err)
	}
	words := strings.Fields(string(line))
	switch {
	case len(words) == 2 && words[0] == oid && words[1] == "missing":
		o.missing[oid] = true
		return 0, errMissing
	case len(words) == 3 && words[0] == oid && words[1] == "blob":
		size, err = strconv.ParseInt(words[2], 10, 64)
		if err == nil && size >= 0 {
			return size, nil
		}
	}
	return 0, o.breaks(fmt.Errorf("git cat-file answers %.100q", line))
}

// breaks remembers that nothing more can be read.
func (o *objects) breaks(err error) error {
	if o.ctx.Err() != nil {
		o.broken = context.Cause(o.ctx)
	} else {
		o.broken = fmt.Errorf("%w: %w", errBroken, err)
	}
	return o.broken
}
