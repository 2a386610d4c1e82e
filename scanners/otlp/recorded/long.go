package recorded

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// budget bounds how much is read, and so held, for one part of a document.
type budget struct {
	from       io.Reader
	most, left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.from.Read(p)
	b.left -= n
	return n, err
}

func (b *budget) renew() { b.left = b.most }

// longRequest reads a request that is larger than what is held in memory. What stands before something malformed counts.
func (c *content) longRequest(from io.Reader) error {
	c.found = true
	bounded := &budget{from: from, most: c.held, left: c.held}
	var refused error
	err := spans.NewJSONReader(c.resources, bounded).Next(func(s *spans.Span) error {
		bounded.renew()
		refused = c.each(s)
		return refused
	})
	if refused != nil {
		return refused
	}
	c.long(err)
	return nil
}

// longDocument reads what is in the lists of a document that is larger than what is held in memory.
func (c *content) longDocument(from io.Reader) error {
	l := &long{content: c, budget: &budget{from: from, most: c.held, left: c.held}}
	l.decoder = jsontext.NewDecoder(l.budget, lenient()...)
	for {
		err := l.value(0)
		if l.refused != nil {
			return l.refused
		}
		if err != nil {
			c.long(err)
			return nil
		}
	}
}

// long tells why the rest of a long document was not read.
func (c *content) long(err error) {
	switch {
	case err == nil, errors.Is(err, io.EOF):
	case errors.Is(err, errLong):
		c.found = true
		c.wrong(place{}, codeLarge, "a part of this document is larger than can be read: what follows it was not read", fixLarge)
		c.lost[lostTooLarge]++
	default:
		c.rejected(place{}, "this document", fmt.Errorf("%w: what stands before counts", plain(err)))
	}
}

// long goes through a long document.
type long struct {
	*content
	*budget
	decoder *jsontext.Decoder
	refused error // what the taker of spans returned
}

// value goes into lists and objects down to the elements of lists. It returns io.EOF at the end.
func (l *long) value(depth int) error {
	l.renew()
	kind := l.decoder.PeekKind()
	if kind != jsontext.KindBeginArray && kind != jsontext.KindBeginObject || depth > maxNested {
		return l.skip()
	}
	if _, err := l.decoder.ReadToken(); err != nil {
		return err
	}
	for {
		l.renew()
		switch next := l.decoder.PeekKind(); {
		case next == jsontext.KindEndArray || next == jsontext.KindEndObject:
			_, err := l.decoder.ReadToken()
			return err
		case kind == jsontext.KindBeginArray:
			element, err := l.decoder.ReadValue()
			if err != nil {
				return inTheMiddle(err)
			}
			if l.refused = l.content.value(element, place{}, depth+1); l.refused != nil {
				return l.refused
			}
		default:
			name, err := l.decoder.ReadToken()
			if err != nil {
				return inTheMiddle(err)
			}
			if holds := name.String(); wrapping(holds) || requesting(holds) {
				err = l.value(depth + 1)
			} else {
				err = l.skip()
			}
			if err != nil {
				return inTheMiddle(err)
			}
		}
	}
}

// inTheMiddle makes an end that comes too early an error.
func inTheMiddle(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skip passes over a value of any size.
func (l *long) skip() error {
	for depth := 0; ; {
		l.renew()
		token, err := l.decoder.ReadToken()
		if err != nil {
			return err
		}
		switch token.Kind() {
		case jsontext.KindBeginArray, jsontext.KindBeginObject:
			depth++
		case jsontext.KindEndArray, jsontext.KindEndObject:
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}
