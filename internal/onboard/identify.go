package onboard

import (
	"fmt"
	"path"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// identify looks in the catalog for what the components are there already: discovered software becomes theirs, and a name
// that somebody else has is not taken.
func (d *drafter) identify() error {
	if d.asked == nil {
		return nil
	}
	if d.repository != "" {
		k, err := d.asked.Find(d.ctx, catalog.WorldRepository+":"+strings.ToLower(d.repository))
		if err != nil {
			return err
		}
		if k.described() {
			d.note("%s says in %s that it is this repository: delete one of the two descriptions", short(k.Ref), orNowhere(k.Location))
		}
	}
	for _, c := range d.components {
		if err := d.settle(c); err != nil {
			return err
		}
	}
	return nil
}

func orNowhere(location string) string {
	if location == "" {
		return "the catalog"
	}
	return location
}

// settle finds the name that a component can have.
func (d *drafter) settle(c *component) error {
	owner := legal(path.Base(path.Dir(d.repository)))
	wanted := c.Name
	names := []string{c.Name.Text, legal(trimTo(c.Name.Text, 50) + "-" + c.unit.sort().Text)}
	if d.repository != "" && owner != "" {
		names = append(names, legal(trimTo(owner+"-"+c.Name.Text, maxName)))
	}
	for n := 2; n < 10; n++ {
		names = append(names, legal(fmt.Sprintf("%s-%d", trimTo(c.Name.Text, maxName-2), n)))
	}
	for _, name := range names {
		k, err := d.asked.Find(d.ctx, string(catalog.NewRef(catalog.KindComponent, "", name)))
		if err != nil {
			return err
		}
		if k.described() && k.Ref == catalog.NewRef(catalog.KindComponent, "", name) && !d.isOurs(k) || d.isTaken(c, name) {
			if name == wanted.Text && k != nil {
				c.Head = append(c.Head, fmt.Sprintf("%s is taken: it is described in %s.", short(k.Ref), oneLine(orNowhere(k.Location), maxReason)))
				d.note("%s is taken: it is described in %s", short(k.Ref), orNowhere(k.Location))
			}
			continue
		}
		if name != wanted.Text {
			c.Name = Value{Text: name, Reason: wanted.Text + " is taken; " + wanted.Reason}
			c.called[name] = true
		}
		return nil
	}
	return nil
}

func (d *drafter) isOurs(k *Known) bool {
	for _, alias := range k.Aliases {
		if d.repository != "" && string(alias) == catalog.WorldRepository+":"+strings.ToLower(d.repository) {
			return true
		}
	}
	return false
}

func (d *drafter) isTaken(c *component, name string) bool {
	for _, other := range d.components {
		if other != c && other.Name.Text == name {
			return true
		}
	}
	return false
}

// twins are what runs as the component and nobody declares.
func (d *drafter) twins(c *component) ([]*Known, error) {
	var texts []string
	if d.single && d.repository != "" {
		texts = append(texts, catalog.WorldRepository+":"+strings.ToLower(d.repository))
	}
	for _, name := range sorted(c.called) {
		texts = append(texts, "component:"+name, "workload:"+name)
	}
	for i := range d.runs.workloads {
		if w := &d.runs.workloads[i]; w.is(c) {
			texts = append(texts, "component:"+w.Name(), "workload:"+w.Name())
		}
	}
	if d.single {
		for _, ref := range d.options.Runs {
			texts = append(texts, string(ref))
		}
	}
	var twins []*Known
	seen := make(map[catalog.Ref]bool)
	for _, text := range texts {
		k, err := d.asked.Find(d.ctx, text)
		if err != nil {
			return nil, err
		}
		if k != nil && k.Discovered && !seen[k.Ref] && (k.Ref.Kind() == "component" || k.Ref.Kind() == "workload") {
			seen[k.Ref] = true
			twins = append(twins, k)
		}
	}
	return twins, nil
}

// observed takes over what is known of the component's twins: by which names they are seen, and what they need.
func (d *drafter) observed(c *component) error {
	if d.asked == nil {
		return nil
	}
	twins, err := d.twins(c)
	if err != nil {
		return err
	}
	for _, k := range twins {
		c.twins[k.Ref] = true
	}
	for _, k := range twins {
		reason := short(k.Ref) + " runs, and nobody declares it"
		if c.Lifecycle.Ask {
			c.Lifecycle = Value{Text: "production", Reason: reason}
		}
		if c.System.Text == "" && k.System != "" {
			c.System = Value{Text: short(k.System), Reason: "what the catalog knows of " + short(k.Ref)}
		}
		for _, alias := range k.Aliases {
			world, name, _ := strings.Cut(string(alias), ":")
			switch {
			case world == catalog.WorldOTel && strings.TrimPrefix(name, "/") != c.Name.Text:
				c.annotation("orrery.dev/otel-service", name, reason)
			case world == catalog.WorldKubernetes && path.Base(name) != c.Name.Text, world == catalog.WorldDNS:
				c.annotation("orrery.dev/aliases", string(alias), reason)
			}
		}
		needs, err := d.asked.Needs(d.ctx, k.Ref)
		if err != nil {
			return err
		}
		for i := range needs {
			n := &needs[i]
			target := n.To
			if target.Kind() == "workload" {
				if target, err = d.standsFor(d.asked.Find(d.ctx, string(n.To))); err != nil {
					return err
				}
			}
			added := c.need(target, n.words(k))
			if added != nil && n.Observed {
				added.Strength, added.Role = n.strength(), n.Role
			}
		}
	}
	return nil
}

// strength is the one that is worth writing down: not that which is assumed without it.
func (n *Need) strength() catalog.Strength {
	if n.Role != catalog.NoRole || n.Strength == catalog.Hard {
		return catalog.Unstated
	}
	return n.Strength
}

// words say why a need is believed.
func (n *Need) words(of *Known) string {
	if !n.Observed {
		if n.Location != "" {
			return "configuration of " + short(of.Ref) + " suggests it (" + n.Location + ")"
		}
		return "configuration of " + short(of.Ref) + " suggests it"
	}
	text := "seen in traffic of " + short(of.Ref)
	if !n.Since.IsZero() {
		text += " since " + n.Since.UTC().Format("2006-01-02")
	}
	if n.Requests >= 1.5 {
		text += fmt.Sprintf(": %.0f requests", n.Requests)
	}
	return text
}
