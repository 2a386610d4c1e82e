package spans

import "fmt"

// MalformedError says that the input is not what it should be. It is the sender's fault: sending it again does not help.
type MalformedError struct {
	Offset int64 // in bytes from the beginning of the input
	Reason string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("malformed at byte %d: %s", e.Offset, e.Reason)
}
