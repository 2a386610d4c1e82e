package scanners

import "errors"

// ErrHeardBefore says that a delivery with the same id was taken already, so that nothing is to be done about this one.
var ErrHeardBefore = errors.New("the delivery was heard before")
