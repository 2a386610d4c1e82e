package onboard

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/codeowners"
)

// noOwner stands where a person has to write who it is: a reference that is accepted, and that nobody describes.
const noOwner = "group:default/which-team"

const (
	maxOwners = 10 // of one folder that are looked up
	teamSlug  = "github.com/team-slug"
	userLogin = "github.com/user-login"
)

// readOwners reads the first CODEOWNERS file in the places where GitHub looks for it. A line that is none is passed over.
func (d *drafter) readOwners() {
	for _, file := range codeowners.Places() {
		if data := d.ownersFile(file); data != nil {
			d.ownersAt = file
			d.owners, _ = codeowners.Parse(data)
			return
		}
	}
}

// ownersFile is a file of the whole repository; nil = it is not there, or cannot be read.
func (d *drafter) ownersFile(name string) []byte {
	if d.options.Whole == nil {
		return d.tree.content(name)
	}
	data, err := readUnlisted(d.options.Whole, name, maxFileBytes)
	if err != nil {
		return nil
	}
	return data
}

// own says who owns what is in a folder.
func (d *drafter) own(document *Document, folder string) error {
	document.Owner = Value{Text: noOwner, Reason: "write the group that answers for it, such as group:payments: nothing here names one", Ask: true}
	if d.owners == nil {
		return nil
	}
	owners := d.owners.Owners(path.Join(d.options.Path, folder))
	if len(owners) == 0 {
		return nil
	}
	said := d.said(owners[0])
	guess := Value{}
	owners = owners[:min(len(owners), maxOwners)]
	slices.SortStableFunc(owners, func(a, b codeowners.Owner) int { return ownerRank(a.Name) - ownerRank(b.Name) })
	for _, owner := range owners {
		found, err := d.ownerOf(owner.Name)
		if err != nil {
			return err
		}
		if found.Text == "" {
			continue
		}
		found.Reason = d.said(owner) + found.Reason
		if !found.Ask {
			document.Owner = found
			return nil
		}
		if guess.Text == "" {
			guess = found
		}
	}
	if guess.Text != "" {
		document.Owner = guess
		return nil
	}
	document.Owner.Reason = "write the group that answers for it: " + said + " names nobody who is in the catalog"
	return nil
}

// said is where an owner is named.
func (d *drafter) said(owner codeowners.Owner) string {
	return fmt.Sprintf("%s in %s:%d (%s)", oneLine(owner.Name, 80), d.ownersAt, owner.Line, oneLine(owner.Pattern, 60))
}

// ownerRank puts teams before people, who come and go.
func ownerRank(name string) int {
	switch login, ok := strings.CutPrefix(name, "@"); {
	case !ok:
		return 1
	case strings.Contains(login, "/"):
		return 0
	}
	return 2
}

// ownerOf is the entity that an owner of CODEOWNERS stands for. Where no catalog is asked the name is taken as it is.
func (d *drafter) ownerOf(written string) (Value, error) {
	switch login, ok := strings.CutPrefix(written, "@"); {
	case ok && strings.Contains(login, "/"):
		return d.teamOf(login)
	case ok:
		name := legal(login)
		if name == "" {
			return Value{}, nil
		}
		if d.asked == nil {
			return Value{Text: "user:" + name, Reason: ": a group would be better"}, nil
		}
		user, err := d.asked.Find(d.ctx, "user:"+name)
		if err != nil || user.described() {
			return refTo(user, ""), err
		}
		return Value{Text: "user:" + name, Reason: ", whom the catalog does not know: write the group that answers for it", Ask: true}, nil
	}
	groups, err := d.allGroups()
	for i := range groups {
		if strings.EqualFold(groups[i].Email, written) {
			return refTo(&groups[i], ""), err
		}
	}
	return Value{}, err
}

// teamOf is the group of a team org/slug: by its annotation, else the only one of that name.
func (d *drafter) teamOf(team string) (Value, error) {
	slug := team[strings.LastIndexByte(team, '/')+1:]
	name := legal(slug)
	if name == "" {
		return Value{}, nil
	}
	if d.asked == nil {
		return Value{Text: "group:" + name, Reason: ""}, nil
	}
	groups, err := d.allGroups()
	var named []*Known
	for i := range groups {
		g := &groups[i]
		if strings.EqualFold(g.Annotations[teamSlug], team) {
			return refTo(g, ""), err
		}
		if strings.EqualFold(g.Name, slug) {
			named = append(named, g)
		}
	}
	if len(named) == 1 {
		return refTo(named[0], ""), err
	}
	why := ", whom the catalog does not know"
	if len(named) > 1 {
		why = fmt.Sprintf(", and the catalog has %d groups of that name", len(named))
	}
	return Value{Text: "group:" + name, Reason: why + ": write the group that answers for it", Ask: true}, err
}

func (d *drafter) allGroups() ([]Known, error) {
	if d.groups != nil || d.asked == nil {
		return d.groups, nil
	}
	groups, err := d.asked.Groups(d.ctx)
	d.groups = append([]Known{}, groups...)
	return d.groups, err
}

// refTo writes a reference to an entity; nothing where there is none.
func refTo(k *Known, reason string) Value {
	if k == nil {
		return Value{}
	}
	return Value{Text: short(k.Ref), Reason: reason}
}

// short is a ref as people write it: without the default namespace.
func short(ref catalog.Ref) string {
	if ref.Namespace() == catalog.DefaultNamespace {
		return ref.Kind() + ":" + ref.Name()
	}
	return string(ref)
}
