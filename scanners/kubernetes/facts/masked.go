package facts

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// withoutUser is an address or a URL without what is written before an at sign: a user, and a password. A password may hold
// any sign, so all that stands before the last one goes.
func withoutUser(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	scheme, _, ok := strings.Cut(address[:at], "://")
	if !ok {
		return address[at+1:]
	}
	return scheme + "://" + address[at+1:]
}

// imageOf is the reference of an image without credentials, which some write as in a URL. An at sign after the last slash is
// that of a digest.
func imageOf(image string) string {
	slash := strings.LastIndexByte(image, '/')
	if slash < 0 {
		return image
	}
	return withoutUser(image[:slash]) + image[slash:]
}

// pathOf is the path of a probe as the kubelet asks for it, without credentials: values of its query that may be secret are
// digests, so that paths that differ still do.
func pathOf(path string) string {
	path, _, _ = strings.Cut(path, "#")
	path, query, asks := strings.Cut(path, "?")
	if strings.Contains(path, "://") {
		path = withoutUser(path)
	}
	if !asks {
		return path
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, value, _ := strings.Cut(part, "="); value != "" && mayBeSecret(name, value) {
			parts[i] = name + "=" + catalog.MaskedValue + digest(value)
		}
	}
	return path + "?" + strings.Join(parts, "&")
}

// mayBeSecret judges a value by its name, and by its look: so many letters and digits in a row are no word.
func mayBeSecret(name, value string) bool {
	for _, word := range hosts.Words(name) {
		switch {
		case word == "pw" || word == "pwd" || word == "sig" || word == "jwt" || strings.HasSuffix(word, "key"):
			return true
		case slices.ContainsFunc([]string{"pass", "secret", "token", "auth", "signature", "cred", "session"}, func(part string) bool {
			return strings.Contains(word, part)
		}):
			return true
		}
	}
	const longest = 20
	return len(value) >= longest && strings.ContainsAny(value, "0123456789")
}
