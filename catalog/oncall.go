package catalog

import (
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// Contact is a way to reach somebody on call.
type Contact struct {
	Kind   string // one of the Contact constants
	Target string // a service id, integration key, team, URL, address or channel; never empty
}

// The kinds of contact. Only the target of ContactURL is a link that may be followed.
const (
	ContactPagerDuty = "pagerduty" // a service id, or an integration key
	ContactOpsgenie  = "opsgenie"  // a team
	ContactGrafana   = "grafana"   // whatever Grafana OnCall is configured by
	ContactURL       = "url"       // an http or https URL
	ContactEmail     = "email"     // an address
	ContactChat      = "chat"      // a channel, or a person in a chat
)

// The annotations in which an entity or a group says who is on call for it and where its runbooks are.
const (
	AnnotationOnCall  = "orrery.dev/oncall"
	AnnotationRunbook = "orrery.dev/runbook"

	annotationPagerDutyService     = "pagerduty.com/service-id"
	annotationPagerDutyIntegration = "pagerduty.com/integration-key"
	annotationOpsgenieTeam         = "opsgenie.com/team"
	prefixGrafanaOnCall            = "grafana.com/oncall"
)

// OnCallOf lists whom the descriptor itself names, each once. What is inherited from an owner
// is not in it.
func OnCallOf(d *Descriptor) []Contact {
	var contacts []Contact
	add := func(kind string, target string) {
		contact := Contact{kind, strings.TrimSpace(target)}
		if contact.Target != "" && !slices.Contains(contacts, contact) {
			contacts = append(contacts, contact)
		}
	}
	add(ContactPagerDuty, d.Annotations[annotationPagerDutyService])
	add(ContactPagerDuty, d.Annotations[annotationPagerDutyIntegration])
	add(ContactOpsgenie, d.Annotations[annotationOpsgenieTeam])
	for _, key := range slices.Sorted(maps.Keys(d.Annotations)) {
		if strings.HasPrefix(key, prefixGrafanaOnCall) {
			add(ContactGrafana, d.Annotations[key])
		}
	}
	for _, word := range listedWords(d.Annotations[AnnotationOnCall]) {
		kind, target := contactOf(word)
		add(kind, target)
	}
	return contacts
}

// contactOf tells a URL, an e-mail address (with or without mailto:) and, for all else, a chat channel apart.
func contactOf(word string) (kind, target string) {
	if isWebURL(word) {
		return ContactURL, word
	}
	bare := word
	if scheme, rest, ok := strings.Cut(word, ":"); ok && strings.EqualFold(scheme, "mailto") {
		bare, _, _ = strings.Cut(rest, "?")
	}
	if address, err := mail.ParseAddress(bare); err == nil {
		return ContactEmail, address.Address
	}
	return ContactChat, word
}

// RunbooksOf lists the URLs of runbooks: those of the annotation, then the links of type runbook, each once. Only http
// and https URLs are taken, since they are shown as links.
func RunbooksOf(d *Descriptor) []string {
	var urls []string
	add := func(url string) {
		if url = strings.TrimSpace(url); isWebURL(url) && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	for _, word := range listedWords(d.Annotations[AnnotationRunbook]) {
		add(word)
	}
	for _, link := range d.Links {
		if strings.EqualFold(link.Type, "runbook") {
			add(link.URL)
		}
	}
	return urls
}

// listedWords takes apart a list that is separated by commas or lines.
func listedWords(s string) []string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' })
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
