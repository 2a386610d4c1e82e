package boltpeer

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Message is the kind of a request, by the number it has in Bolt.
type Message byte

// The requests of Bolt 5. Handshake is the opening of a connection, before any of them.
const (
	Handshake Message = 0x00
	Hello     Message = 0x01
	Goodbye   Message = 0x02
	Reset     Message = 0x0F
	Run       Message = 0x10
	Begin     Message = 0x11
	Commit    Message = 0x12
	Rollback  Message = 0x13
	Discard   Message = 0x2F
	Pull      Message = 0x3F
	Telemetry Message = 0x54
	Route     Message = 0x66
	Logon     Message = 0x6A
	Logoff    Message = 0x6B
)

// The answers of a server.
const (
	success byte = 0x70
	record  byte = 0x71
	ignored byte = 0x7E
	failure byte = 0x7F
)

func (m Message) String() string {
	switch m {
	case Handshake:
		return "HANDSHAKE"
	case Hello:
		return "HELLO"
	case Goodbye:
		return "GOODBYE"
	case Reset:
		return "RESET"
	case Run:
		return "RUN"
	case Begin:
		return "BEGIN"
	case Commit:
		return "COMMIT"
	case Rollback:
		return "ROLLBACK"
	case Discard:
		return "DISCARD"
	case Pull:
		return "PULL"
	case Telemetry:
		return "TELEMETRY"
	case Route:
		return "ROUTE"
	case Logon:
		return "LOGON"
	case Logoff:
		return "LOGOFF"
	}
	return fmt.Sprintf("message %#x", byte(m))
}

// Request is what a client asked a member for.
type Request struct {
	Member     string
	Connection int // counted over the cluster, from 1
	Message    Message

	// Of the transaction that a BEGIN or a RUN opens, and of everything in it.
	Database  string
	Write     bool // its access mode
	Bookmarks []string
	Timeout   time.Duration // 0 = none was asked for

	Query string // of a RUN; of a COMMIT those of its transaction, one a line
	User  string // of a LOGON

	// Answer is "SUCCESS", "IGNORED" or the code of a failure; "" while there is none, and where the connection was cut.
	Answer string
	// Bookmark is that of the answer.
	Bookmark string
}

// Transaction is the number of the newest transaction that the request's bookmarks name; 0 = none.
func (r Request) Transaction() int64 {
	var newest int64
	for _, bookmark := range r.Bookmarks {
		newest = max(newest, Transaction(bookmark))
	}
	return newest
}

// Transaction is the number of the transaction that a bookmark of a single Neo4j 5 server names; 0 where it is none of
// those. They have the prefix FB: and then, in base64, a list with the UUID of the database, and the number.
func Transaction(bookmark string) int64 {
	encoded, ok := strings.CutPrefix(bookmark, "FB:")
	if !ok {
		return 0
	}
	packed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return 0
	}
	u := unpacker{rest: packed}
	if _, err := u.value(); err != nil {
		return 0
	}
	number, _ := u.value()
	n, _ := number.(int64)
	return n
}

// parse reads what the log and the scripts want to know of a message. inside is the transaction it belongs to; nil = none.
func parse(message []byte, inside *Request) (Request, error) {
	if len(message) < 2 || message[0]>>4 != 0xB {
		return Request{}, errPackStream
	}
	request := Request{Message: Message(message[1])}
	if inside != nil {
		request.Database, request.Write, request.Bookmarks, request.Timeout = inside.Database, inside.Write, inside.Bookmarks, inside.Timeout
	}
	u := unpacker{rest: message[2:]}
	var extra any
	var err error
	switch request.Message {
	case Run:
		query, queryErr := u.value()
		request.Query, _ = query.(string)
		if inside != nil || queryErr != nil { // what comes in a transaction has nothing else of interest, and may be large
			return request, queryErr
		}
		if _, err = u.value(); err == nil {
			extra, err = u.value()
		}
	case Begin, Logon, Hello:
		extra, err = u.value()
	default:
		return request, nil
	}
	if err != nil {
		return request, err
	}
	fields, _ := extra.(map[string]any)
	if request.Message == Logon || request.Message == Hello {
		request.User, _ = fields["principal"].(string)
		return request, nil
	}
	request.Database, _ = fields["db"].(string)
	mode, _ := fields["mode"].(string)
	request.Write = mode != "r"
	bookmarks, _ := fields["bookmarks"].([]any)
	for _, bookmark := range bookmarks {
		if text, ok := bookmark.(string); ok {
			request.Bookmarks = append(request.Bookmarks, text)
		}
	}
	timeout, _ := fields["tx_timeout"].(int64)
	request.Timeout = time.Duration(timeout) * time.Millisecond
	return request, nil
}
