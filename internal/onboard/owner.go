package onboard

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"

	"github.com/orrery-catalog/orrery/catalog"
)

// noOwner stands where a person has to write who it is: a reference that is accepted, and that nobody describes.
const noOwner = "group:default/which-team"

const (
	maxOwnerRules = 20_000
	maxOwners     = 10 // of one rule that are looked up
	teamSlug      = "github.com/team-slug"
	userLogin     = "github.com/user-login"
)

// ownerRule is a line of CODEOWNERS.
type ownerRule struct {
	codeowners.Rule
	line int
}

// ownersFiles are the places of CODEOWNERS, the one that counts first. Nobody changes them.
var ownersFiles = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}

// readOwners reads the first CODEOWNERS file in the places where GitHub looks for it. A line that is none is passed over.
func (d *drafter) readOwners() {
	for _, file := range ownersFiles {
		data := d.ownersFile(file)
		if data == nil {
			continue
		}
		d.rulesFile = file
		for i, line := range bytes.Split(data, []byte("\n")) {
			if len(d.rules) >= maxOwnerRules {
				return
			}
			rules, err := codeowners.ParseFile(bytes.NewReader(bytes.TrimRight(line, "\r")))
			if err == nil && len(rules) == 1 {
				d.rules = append(d.rules, ownerRule{rules[0], i + 1})
			}
		}
		return
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
	rule := d.ruleOf(folder)
	if rule == nil || len(rule.Owners) == 0 {
		return nil
	}
	said := fmt.Sprintf("%s in %s:%d (%s)", oneLine(rule.Owners[0].String(), 80), d.rulesFile, rule.line, oneLine(rule.RawPattern(), 60))
	guess := Value{}
	owners := slices.Clone(rule.Owners[:min(len(rule.Owners), maxOwners)])
	slices.SortStableFunc(owners, func(a, b codeowners.Owner) int { return ownerRank(a) - ownerRank(b) })
	for _, owner := range owners {
		found, err := d.ownerOf(owner)
		if err != nil {
			return err
		}
		if found.Text == "" {
			continue
		}
		found.Reason = fmt.Sprintf("%s in %s:%d (%s)%s", oneLine(owner.String(), 80), d.rulesFile, rule.line, oneLine(rule.RawPattern(), 60), found.Reason)
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

// ownerRank puts teams before people, who come and go.
func ownerRank(owner codeowners.Owner) int {
	switch owner.Type {
	case codeowners.TeamOwner:
		return 0
	case codeowners.EmailOwner:
		return 1
	}
	return 2
}

// ruleOf is the last rule that fits a file in the folder whose name no rule is meant for.
func (d *drafter) ruleOf(folder string) *ownerRule {
	file := path.Join(d.options.Path, folder, "file")
	for i := len(d.rules) - 1; i >= 0; i-- {
		if fits, err := d.rules[i].Match(file); err == nil && fits {
			return &d.rules[i]
		}
	}
	return nil
}

// ownerOf is the entity that an owner of CODEOWNERS stands for. Where no catalog is asked the name is taken as it is.
func (d *drafter) ownerOf(owner codeowners.Owner) (Value, error) {
	switch owner.Type {
	case codeowners.TeamOwner:
		return d.teamOf(owner.Value)
	case codeowners.UsernameOwner:
		name := legal(owner.Value)
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
		if strings.EqualFold(groups[i].Email, owner.Value) {
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
