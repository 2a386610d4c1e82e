package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// The annotations by which an entity says whom it stands for.
const (
	annotationTeam  = "github.com/team-slug"
	annotationLogin = "github.com/user-login"
)

// More than these are an error: a part of them would remove the rest.
const (
	maxTeams   = 20_000
	maxMembers = 200_000
)

// team is one of an organisation that all its members may see. What is secret there stays so.
type team struct {
	slug, name, description, picture string
	parent                           string          // slug; "" = none
	members                          map[string]bool // logins, in lower case, of its own, without those of teams below it
}

// member is somebody in an organisation.
type member struct{ login, name, email, picture string }

// people are the teams and members of an organisation.
type people struct {
	teams   map[string]*team   // by slug
	members map[string]*member // by login in lower case
}

// teamsScope is the name of the scope of an organisation's teams.
func (r *run) teamsScope(organization string) string { return "teams/" + r.host + "/" + organization }

// readTeams reads the teams of those owners that are organisations; with parts of the scan named, only of those that are
// named. What cannot be read is told of its scope; the error is one of the whole scan.
func (r *run) readTeams(ctx context.Context, owners []owner) error {
	if !r.config.Teams {
		return nil
	}
	organizations := slices.DeleteFunc(slices.Clone(owners), func(o owner) bool { return o.user })
	for _, o := range organizations {
		if r.parts != nil && !r.namesTeams(o.name) {
			continue
		}
		scope := scanners.Scope{Name: r.teamsScope(o.name)}
		found, err := r.people(ctx, o.name)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			r.mu.Lock()
			r.postponeLocked(err)
			r.mu.Unlock()
			scope.State, scope.Error = scanners.Unreadable, "the teams of "+o.name+" cannot be read: "+r.why(teamsError(err))
		} else {
			scope.Documents = r.documents(o.name, found, len(organizations) == 1)
		}
		if err := r.sink.Report(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// namesTeams says whether the parts to read name the teams of an organisation, or of any where that is "".
func (r *run) namesTeams(organization string) bool {
	return slices.ContainsFunc(r.parts, func(name string) bool {
		named, ok := strings.CutPrefix(name, r.teamsScope(""))
		return ok && (organization == "" || strings.EqualFold(named, organization))
	})
}

// readNamedTeams reads the teams that are named among the parts to read.
func (r *run) readNamedTeams(ctx context.Context) error {
	if !r.config.Teams || !r.namesTeams("") {
		return nil
	}
	owners, err := r.Scanner.owners(ctx)
	if err != nil {
		return err
	}
	return r.readTeams(ctx, owners)
}

// people reads by GraphQL, or by REST where there is none.
func (r *run) people(ctx context.Context, organization string) (*people, error) {
	found, err := r.askPeople(ctx, organization)
	if noGraphQL(err) {
		return r.listPeople(ctx, organization)
	}
	return found, err
}

// errNoMember says that we see of an organisation what everybody sees, which is not its teams.
var errNoMember = errors.New("whose token this is is no member of it, and so sees none of them: use the token of a member with the scope read:org")

// teamsError says what is missing where something is not permitted.
func teamsError(err error) error {
	var query *connect.QueryErrors
	missing := connect.Missing(err)
	switch {
	case missing != "":
	case errors.As(err, &query) && slices.ContainsFunc(query.Errors, func(e connect.QueryError) bool { return e.Type == "FORBIDDEN" && !e.SAML }),
		status(err) == 403:
		missing = "members=read"
	default:
		return err
	}
	return fmt.Errorf("the permission is missing (%s, of the organisation, for an App or a fine-grained token; the scope "+
		"read:org for a classic one): %w", missing, err)
}

// documents are what is said of teams, then of members, each in order.
func (r *run) documents(organization string, found *people, only bool) []*catalog.Document {
	namespace := r.config.Namespace
	switch {
	case namespace != "":
	case only:
		namespace = catalog.DefaultNamespace
	default:
		namespace = entityName(strings.ToLower(organization))
	}
	groups := make(map[string]catalog.Ref, len(found.teams)) // by slug
	for slug := range found.teams {
		groups[slug] = catalog.NewRef(catalog.KindGroup, namespace, entityName(slug))
	}
	web := r.config.Connection.WebURL()
	in := make(map[string][]catalog.Ref) // groups by member
	var all []*catalog.Document
	add := func(location string, d *catalog.Descriptor, memberOf []catalog.Ref) {
		subject := catalog.Subject{Ref: d.Ref}
		claims := []catalog.Claim{{Subject: subject, Descriptor: d, Yields: true}}
		if len(memberOf) > 0 { // what they are members of counts also where somebody else describes them
			in := catalog.Claim{Subject: subject}
			for _, group := range memberOf {
				in.Edges = append(in.Edges, catalog.EdgeClaim{Target: catalog.Subject{Ref: group}, Type: catalog.MemberOf, Evidence: catalog.Declared})
			}
			claims = append(claims, in)
		}
		all = append(all, &catalog.Document{
			Ordinal: len(all), Priority: catalog.DefaultPriorityDiscoveredTeams, Location: location, Claims: claims,
		})
	}
	for _, slug := range slices.Sorted(maps.Keys(found.teams)) {
		t := found.teams[slug]
		var above []catalog.Ref
		if ref, ok := groups[t.parent]; ok && t.parent != slug {
			above = append(above, ref)
		}
		for login := range t.members {
			in[login] = append(in[login], groups[slug])
		}
		add(web+"/orgs/"+organization+"/teams/"+slug, &catalog.Descriptor{
			Ref: groups[slug], Kind: catalog.KindGroup, Namespace: namespace, Name: entityName(slug), Description: t.description,
			Annotations: map[string]string{annotationTeam: organization + "/" + slug}, Type: "team",
			Profile: &catalog.Profile{DisplayName: t.name, Picture: t.picture},
		}, above)
	}
	for _, key := range slices.Sorted(maps.Keys(found.members)) {
		m := found.members[key]
		name := entityName(m.login)
		add(web+"/"+m.login, &catalog.Descriptor{
			Ref: catalog.NewRef(catalog.KindUser, namespace, name), Kind: catalog.KindUser, Namespace: namespace, Name: name,
			Annotations: map[string]string{annotationLogin: m.login},
			Profile:     &catalog.Profile{DisplayName: m.name, Email: m.email, Picture: m.picture},
		}, in[key])
	}
	return all
}

var validName = regexp.MustCompile(`\A[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\z`)

// entityName is a name of GitHub as one that an entity can have: where it had to be changed, 8 digits of its SHA-256 tell
// it from others that become the same.
func entityName(name string) string {
	if validName.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	digits := hex.EncodeToString(sum[:4])
	fit := strings.Trim(strings.Map(func(c rune) rune {
		if c < 0x80 && validName.MatchString(string(c)) || c == '-' || c == '_' || c == '.' {
			return c
		}
		return '-'
	}, name), "-_.")
	if most := 63 - 1 - len(digits); len(fit) > most {
		fit = strings.TrimRight(fit[:most], "-_.")
	}
	return strings.TrimLeft(fit+"-"+digits, "-")
}
