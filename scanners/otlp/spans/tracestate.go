package spans

import "bytes"

// thresholdDigits is how many hexadecimal digits a rejection threshold has; those left out at the end are zero.
const thresholdDigits = 14

// Weight is how many spans a sampled one stands for, by the rejection threshold that OpenTelemetry's samplers leave in
// the W3C tracestate (ot=th:…): 2^56/(2^56−threshold). Without a valid one it is 1 and stated is false.
func Weight(traceState []byte) (weight float64, stated bool) {
	for len(traceState) > 0 {
		var member []byte
		member, traceState, _ = bytes.Cut(traceState, []byte{','})
		member = bytes.Trim(member, " \t")
		if value, found := bytes.CutPrefix(member, []byte("ot=")); found {
			return weightOf(value)
		}
	}
	return 1, false
}

// weightOf is Weight of the member that is OpenTelemetry's.
func weightOf(member []byte) (weight float64, stated bool) {
	for len(member) > 0 {
		var part []byte
		part, member, _ = bytes.Cut(member, []byte{';'})
		if digits, found := bytes.CutPrefix(part, []byte("th:")); found {
			threshold, valid := parseThreshold(digits)
			if !valid {
				return 1, false
			}
			const all = 1 << (4 * thresholdDigits)
			return all / float64(all-threshold), true
		}
	}
	return 1, false
}

func parseThreshold(digits []byte) (threshold uint64, valid bool) {
	if len(digits) == 0 || len(digits) > thresholdDigits {
		return 0, false
	}
	for i := range thresholdDigits {
		digit := byte('0')
		if i < len(digits) {
			digit = digits[i]
		}
		switch {
		case '0' <= digit && digit <= '9':
			threshold = threshold<<4 | uint64(digit-'0')
		case 'a' <= digit && digit <= 'f':
			threshold = threshold<<4 | uint64(digit-'a'+10)
		default:
			return 0, false
		}
	}
	return threshold, true
}
