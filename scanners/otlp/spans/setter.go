package spans

// Setter fills Attributes from attributes by name, the same for every format. A reader keeps one Setter, and for each span
// says Begin once and Set for each attribute, in any order:
//
//	var setter spans.Setter
//	…
//	setter.Begin(&span.Attributes)
//	setter.Set("http.response.status_code", spans.Whole(503))
//	setter.Set("server.address", spans.Text([]byte("checkout")))
//
// Names of newer conventions win over older ones, and of one name the first value wins. Empty texts say nothing. What the
// span itself says, such as its kind and ids, is up to the reader.
type Setter struct {
	into *Attributes
	// won has the rank of the name that gave each meaning; 0 = none did.
	won [meanings]uint8
	// service is rpc.service, and joined where it is joined with the method; it is used again for each span.
	service, joined []byte
}

// Begin empties into, which is filled from now on.
func (s *Setter) Begin(into *Attributes) {
	*into = Attributes{}
	s.fill(into)
}

// fill is Begin of what is empty already.
func (s *Setter) fill(into *Attributes) {
	s.into = into
	s.won = [meanings]uint8{}
	s.service = nil
}

// Set takes in an attribute; those that do not matter are ignored. The texts in Attributes share memory with value.
func (s *Setter) Set(key string, value Value) {
	if meaning, rank := nameOf(key); meaning != nothing {
		s.set(meaning, rank, value)
	}
}

// set takes in what an attribute of the rank says, unless one of a lower or the same rank has said it.
func (s *Setter) set(what meaning, rank uint8, value Value) {
	if won := s.won[what]; won != 0 && won <= rank {
		return
	}
	if s.take(what, value) {
		s.won[what] = rank
		if what == dbSystem {
			s.into.DBSystemOld = rank > newName
		}
	}
}

// take says whether the value could be used.
func (s *Setter) take(what meaning, value Value) bool {
	a := s.into
	switch what {
	case serverPort:
		return takePort(&a.ServerPort, value)
	case networkPort:
		return takePort(&a.NetworkPort, value)
	case httpStatus:
		return takeWhole(&a.HTTPStatus, value, 100, 999)
	case messagingBatch:
		return takeWhole(&a.MessagingBatch, value, 1, maxBatch)
	case grpcStatus:
		code, ok := grpcCode(value)
		if ok {
			a.GRPCStatus, a.HasGRPCStatus = code, true
		}
		return ok
	case errorTag:
		a.ErrorTag = value.asBool()
		return a.ErrorTag
	default:
		return s.takeText(what, value)
	}
}

// maxBatch is the most messages that a batch is believed to have.
const maxBatch = 1_000_000

func takePort(into *uint16, value Value) bool {
	n, ok := value.asWhole()
	if !ok || n < 1 || n > 65535 {
		return false
	}
	*into = uint16(n)
	return true
}

func takeWhole(into *int, value Value, least, most int64) bool {
	n, ok := value.asWhole()
	if !ok || n < least || n > most {
		return false
	}
	*into = int(n)
	return true
}

func (s *Setter) takeText(what meaning, value Value) bool {
	text := value.asText()
	if len(text) == 0 {
		return false
	}
	switch what {
	case rpcService:
		s.service = text
		s.join()
	case rpcMethod:
		s.into.RPCMethod = text
		s.join()
	default:
		into := s.text(what)
		if into == nil {
			return false
		}
		*into = text
	}
	return true
}

// text is where a text of the meaning goes; nil if the meaning is no text.
func (s *Setter) text(what meaning) *[]byte {
	a := s.into
	switch what {
	case peerService:
		return &a.PeerService
	case peerNamespace:
		return &a.PeerNamespace
	case serverAddress:
		return &a.ServerAddress
	case networkAddress:
		return &a.NetworkAddress
	case fullURL:
		return &a.URL
	case dbSystem:
		return &a.DBSystem
	case dbNamespace:
		return &a.DBNamespace
	case dbIndex:
		return &a.DBIndex
	case dbTable:
		return &a.DBTable
	case dbConnectionString:
		return &a.DBConnectionString
	case dbOperation:
		return &a.DBOperation
	case rpcSystem:
		return &a.RPCSystem
	case httpMethod:
		return &a.HTTPMethod
	case httpRoute:
		return &a.HTTPRoute
	case messagingSystem:
		return &a.MessagingSystem
	case messagingDestination:
		return &a.MessagingDestination
	case messagingOperation:
		return &a.MessagingOperation
	case messagingRoutingKey:
		return &a.MessagingRoutingKey
	default:
		return nil
	}
}

// join puts the service before a method that stands alone.
func (s *Setter) join() {
	method := s.into.RPCMethod
	if len(s.service) == 0 || len(method) == 0 || len(s.service)+len(method) >= MaxText {
		return
	}
	for _, char := range method {
		if char == '/' {
			return
		}
	}
	s.joined = append(append(append(s.joined[:0], s.service...), '/'), method...)
	s.into.RPCMethod = s.joined
}

// grpcCode is a status of gRPC, by its number or name.
func grpcCode(value Value) (int, bool) {
	if code, whole := value.asWhole(); whole {
		return int(code), code >= 0 && code < int64(len(grpcCodes))
	}
	name := value.asText()
	for code, known := range grpcCodes {
		if equalFold(name, known) {
			return code, true
		}
	}
	return 0, false
}

// grpcCodes are the names of the statuses of gRPC, each at its number.
var grpcCodes = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// equalFold compares text with an upper-case name without regard to case, of letters of ASCII.
func equalFold(text []byte, upper string) bool {
	if len(text) != len(upper) {
		return false
	}
	for i, char := range text {
		if 'a' <= char && char <= 'z' {
			char -= 'a' - 'A'
		}
		if char != upper[i] {
			return false
		}
	}
	return true
}
