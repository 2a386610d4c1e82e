package githubtest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FilesOf are all files of a folder.
func FilesOf(folder string) (Files, error) {
	files := Files{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
		files[path] = string(content)
		return err
	})
	return files, err
}

// AddFolders makes a repository of each folder in a folder whose name is an owner and a name ("acme+checkout"), as the
// catalogs of the corpora lie. Where owner is given, all become its own, under their names with the owner in it.
func (g *GitHub) AddFolders(folder, owner string) ([]*Repository, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var made []*Repository
	for _, entry := range entries {
		account, name, is := strings.Cut(entry.Name(), "+")
		if !entry.IsDir() || !is {
			continue
		}
		files, err := FilesOf(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		if owner != "" {
			account, name = owner, account+"."+name
		}
		made = append(made, g.AddRepository(account+"/"+name, files, Settings{}))
	}
	return made, nil
}

// AddCompany makes an organisation of n repositories, the same for the same n: each with a few files and, but for every
// tenth, a catalog-info.yaml that describes one component, which depends on the one before.
func (g *GitHub) AddCompany(login string, n int) (*Account, []*Repository) {
	organization := g.AddOrganization(login)
	made := make([]*Repository, 0, n)
	for i := range n {
		name := ServiceName(i)
		files := Files{"README.md": "# " + name + "\n", "main.go": "package main\n", "go.mod": "module example.com/" + name + "\n"}
		if i%10 != 9 {
			files["catalog-info.yaml"] = ServiceFile(i, i-1)
		}
		made = append(made, g.AddRepository(login+"/"+name, files, Settings{Visibility: "private"}))
	}
	return organization, made
}

// ServiceName is the name of a repository and its component in [GitHub.AddCompany].
func ServiceName(i int) string { return fmt.Sprintf("service-%05d", i) }

// ServiceFile is the catalog file of a component of [GitHub.AddCompany], which depends on another one unless that is negative.
func ServiceFile(i, on int) string {
	text := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\nspec:\n  type: service\n"+
		"  lifecycle: production\n  owner: team-%d\n", ServiceName(i), i%50)
	if on >= 0 {
		text += "  dependsOn: [component:" + ServiceName(on) + "]\n"
	}
	return text
}
