package recorded

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// maxLooked is how many lines are looked at to tell whether each is a request.
const maxLooked = 100

// lenient reads JSON as it is found: of a name that is there twice both count, and what is no UTF-8 is replaced.
func lenient() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

// text reads a file of JSON: one document, several, or one a line.
func (c *content) text(in *input) error {
	head, err := readUpTo(in, c.held)
	whole := err == nil
	if err != nil && !errors.Is(err, errLong) {
		c.broken(err)
		whole = true // what there is of it
	}
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	rest := io.MultiReader(bytes.NewReader(head), in)
	switch {
	case byLine(head):
		return c.lines(rest)
	case whole:
		return c.document(head)
	case requestHead.Match(head[:min(len(head), headBytes)]):
		return c.longRequest(rest)
	default:
		return c.longDocument(rest)
	}
}

var (
	requestHead = regexp.MustCompile(`^\s*\{\s*"(resourceSpans|resource_spans|batches)"\s*:\s*\[`)
	requestLine = regexp.MustCompile(`^\s*\{\s*"(resourceSpans|resource_spans|resourceMetrics|resourceLogs)"\s*:`)

	errLong = errors.New("there is more of it than is held in memory")
)

// readUpTo reads all, or with errLong the first most bytes.
func readUpTo(from io.Reader, most int) ([]byte, error) {
	var buffer bytes.Buffer
	_, err := io.Copy(&buffer, io.LimitReader(from, int64(most)))
	if err == nil && buffer.Len() == most {
		err = errLong
	}
	return buffer.Bytes(), err
}

// byLine says whether each line of a file is a document of its own, by its first lines: the first is, or another is a
// request, where the first is broken.
func byLine(head []byte) bool {
	looked := 0
	for rest := head; len(rest) > 0 && looked < maxLooked; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		rest = after
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if looked == 0 && valid(line) {
			return true
		}
		if looked > 0 && ended && requestLine.Match(line) && valid(line) {
			return true
		}
		looked++
	}
	return false
}

func valid(line []byte) bool { return jsontext.Value(line).IsValid(lenient()...) }

// lines reads one document a line. A broken one costs itself; the last one may be half written yet.
func (c *content) lines(from io.Reader) error {
	reader := bufio.NewReaderSize(from, 16*headBytes)
	for at := (place{line: 1}); ; at.line++ {
		line, err := c.line(reader)
		if errors.Is(err, errLong) {
			c.found = true
			c.wrong(at, codeLarge, "this line is longer than can be read", fixLarge)
			c.lost[lostTooLarge]++
			continue
		}
		last := err != nil
		if last && !errors.Is(err, io.EOF) {
			c.broken(err)
		}
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0:
		case !last && requestHead.Match(line): // as nearly all: read without a look beforehand
			if err := c.request(line, at); err != nil {
				return err
			}
		case valid(line):
			if err := c.value(line, at, 0); err != nil {
				return err
			}
		case last && errors.Is(err, io.EOF):
			c.wrong(at, codeCutOff, "the last line is not whole yet", "nothing, if it is still being written; else take it out")
		case last: // why is told
		default:
			c.rejected(at, "this line", whyInvalid(line))
		}
		if last {
			return nil //nolint:nilerr // it is told
		}
	}
}

// line reads one line; errLong = it is too long, and was passed over.
func (c *content) line(reader *bufio.Reader) (line []byte, err error) {
	long := false
	for {
		part, err := reader.ReadSlice('\n')
		if long = long || len(line)+len(part) > c.held; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case long && err == nil:
			return nil, errLong
		default:
			return line, err
		}
	}
}

// whyInvalid is what is wrong with a text that is no JSON.
func whyInvalid(data []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data), lenient()...)
	for {
		if err := decoder.SkipValue(); err != nil {
			return plain(err)
		}
		if decoder.PeekKind() != jsontext.KindInvalid {
			return errors.New("more than one document is in it")
		}
	}
}

// plain is an error of reading in words for people.
func plain(err error) error {
	var syntax *jsontext.SyntacticError
	var malformed *spans.MalformedError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends in the middle")
	case errors.As(err, &syntax):
		return syntax.Err
	case errors.As(err, &malformed):
		return errors.New(malformed.Reason)
	}
	return err
}

// document reads documents that follow each other, most often one.
func (c *content) document(data []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data), lenient()...)
	at := lineCounter{data: data, line: 1}
	for {
		if decoder.PeekKind() == jsontext.KindInvalid {
			if _, err := decoder.ReadToken(); errors.Is(err, io.EOF) {
				return nil
			}
		}
		value, err := decoder.ReadValue()
		if err != nil {
			line := at.of(int(decoder.InputOffset()))
			var syntax *jsontext.SyntacticError
			if errors.As(err, &syntax) {
				line = at.of(int(syntax.ByteOffset))
			}
			c.rejected(place{line: line}, "this document", plain(err))
			return nil
		}
		end := int(decoder.InputOffset())
		if err := c.value(value, place{line: at.of(end - len(value))}, 0); err != nil {
			return err
		}
	}
}

// lineCounter tells lines of offsets that grow.
type lineCounter struct {
	data   []byte
	offset int
	line   int32
}

func (l *lineCounter) of(offset int) int32 {
	offset = min(max(offset, l.offset), len(l.data))
	l.line += int32(bytes.Count(l.data[l.offset:offset], []byte("\n"))) //nolint:gosec // data is held in memory
	l.offset = offset
	return l.line
}
