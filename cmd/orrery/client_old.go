package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// notice tells a person, once, that the answers of a server may be old. Nobody is told where tell is nil.
type notice struct {
	tell func(string)
	once sync.Once
}

// storeState is what a server says of answers that may be old. What cannot be read of it counts as unknown.
type storeState struct {
	Confirmed  *time.Time `json:"confirmed"`
	AgeSeconds *float64   `json:"ageSeconds"`
}

// ofAnswer reads the extension of an answer; an empty one says that the answer is new.
func (n *notice) ofAnswer(extension json.RawMessage, revision int64) {
	if len(extension) == 0 || string(extension) == "null" {
		return
	}
	var state storeState
	if json.Unmarshal(extension, &state) != nil {
		state = storeState{}
	}
	n.say(state, fmt.Sprint(revision))
}

// ofExport reads the headers of an export.
func (n *notice) ofExport(header http.Header) {
	const confirmed = "Orrery-Store-Confirmed"
	if header.Get(confirmed) == "" {
		return
	}
	var state storeState
	if at, err := time.Parse(time.RFC3339, header.Get(confirmed)); err == nil {
		state.Confirmed = &at
		if now, err := http.ParseTime(header.Get("Date")); err == nil {
			state.AgeSeconds = new(now.Sub(at).Seconds())
		}
	}
	n.say(state, header.Get("Orrery-Revision"))
}

func (n *notice) say(state storeState, revision string) {
	if n.tell == nil {
		return
	}
	n.once.Do(func() {
		since := "since it was started"
		if state.AgeSeconds != nil {
			since = "for " + roughly(time.Duration(*state.AgeSeconds*float64(time.Second)))
		}
		message := "the server has not reached its store " + since + ": this is the state of revision " + revision
		if state.Confirmed != nil {
			message += " (" + state.Confirmed.UTC().Format(time.RFC3339) + ")"
		}
		n.tell(message)
	})
}
