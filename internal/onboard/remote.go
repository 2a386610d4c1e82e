package onboard

import (
	"bufio"
	"bytes"
	"net/url"
	"path"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// maxGitConfig is how much of .git/config is read.
const maxGitConfig = 64 << 10

// remote is where .git/config says that the repository comes from, as host/owner/name; "" = nowhere that can be told.
// origin counts, else the first remote.
func (d *drafter) remote() string {
	data, err := readUnlisted(d.whole(), ".git/config", maxGitConfig)
	if err != nil {
		return ""
	}
	found, section := "", ""
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(key) != "url" || !strings.HasPrefix(section, "[remote ") {
			continue
		}
		if repository := repositoryOf(strings.TrimSpace(value)); repository != "" && (found == "" || section == `[remote "origin"]`) {
			found = repository
		}
	}
	return found
}

// repositoryOf reads the URL of a remote: https://host/owner/name.git, ssh://git@host/owner/name, git@host:owner/name.
func repositoryOf(remote string) string {
	host, name := "", ""
	if strings.Contains(remote, "://") {
		u, err := url.Parse(remote)
		if err != nil || u.Scheme == "file" {
			return ""
		}
		host, name = u.Hostname(), u.Path
	} else if before, after, ok := strings.Cut(remote, ":"); ok && !strings.Contains(before, "/") {
		host, name = before[strings.LastIndexByte(before, '@')+1:], after
	}
	name = strings.Trim(strings.TrimSuffix(strings.Trim(name, "/"), ".git"), "/")
	repository := strings.ToLower(host) + "/" + name
	if alias, err := catalog.ParseAlias(catalog.WorldRepository + ":" + repository); err != nil || alias == "" || !strings.Contains(name, "/") ||
		path.Clean(repository) != repository || host == "" {
		return ""
	}
	return repository
}

// annotate says where the code of a component is.
func (d *drafter) annotate(c *component) {
	reason := "the repository that it was drafted for"
	if d.options.Repository == "" {
		reason = "the remote in .git/config"
	}
	host, name, _ := strings.Cut(d.repository, "/")
	switch {
	case d.repository == "":
	case host == "github.com" && strings.Count(name, "/") == 1:
		c.annotation("github.com/project-slug", name, reason)
	case strings.Contains(host, "gitlab"):
		c.annotation("gitlab.com/project-slug", name, reason)
		fallthrough
	default:
		c.annotation("orrery.dev/aliases", catalog.WorldRepository+":"+strings.ToLower(d.repository), reason)
	}
	if w := d.runs.of(c); w != nil && w.labelled() != "" {
		c.annotation(catalog.LabelKubernetesID, w.labelled(), "the label of "+w.words())
	}
	for _, name := range []string{"mkdocs.yml", "mkdocs.yaml"} {
		if file := path.Join(c.Folder, name); d.tree.has[file] {
			dir := "dir:."
			if c.Folder != "." {
				dir = "dir:./" + c.Folder
			}
			c.annotation("backstage.io/techdocs-ref", dir, "its documentation is built from "+file)
			return
		}
	}
}

// annotation adds one; to a list of aliases, another.
func (d *Document) annotation(key, text, reason string) {
	for i := range d.Annotations {
		a := &d.Annotations[i]
		if a.Key == key {
			if key == "orrery.dev/aliases" && !strings.Contains(a.Text, text) {
				a.Text += ", " + text
				a.Reason += "; " + reason
			}
			return
		}
	}
	d.Annotations = append(d.Annotations, Pair{key, Value{Text: text, Reason: reason}})
}
