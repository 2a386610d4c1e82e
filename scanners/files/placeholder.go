package files

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

// placeholders gives the function by which placeholders in file f ($text, $json, $yaml) read other files of the same
// repository; where no .git marks one, of the same root. All that one file reads together is bounded.
func (r *run) placeholders(f file) func(target string) ([]byte, error) {
	left := 4 * r.config.MaxFileBytes
	return func(target string) ([]byte, error) {
		if isRemote(target) {
			return nil, errors.New("only files of the same repository are read, no URLs")
		}
		name, err := r.from(f, target)
		if err != nil {
			return nil, err
		}
		real, _, err := folder.Resolve(r.tree, name)
		r.noteRead(f, name, real)
		if err != nil {
			return nil, folder.Plain(err)
		}
		if repository := r.repository(path.Dir(f.real)); repository != "." && !strings.HasPrefix(real, repository+"/") {
			return nil, errors.New("it leads out of the repository")
		}
		if inGit(real) {
			return nil, errGit
		}
		opened, info, err := folder.OpenRegular(r.tree, real)
		if err != nil {
			return nil, folder.Plain(err)
		}
		defer opened.Close()
		limit := min(left, r.config.MaxFileBytes)
		tooLarge := fmt.Errorf("it has more than %d bytes, which is what this file may still read", limit)
		if info.Size() > limit {
			return nil, tooLarge
		}
		data, err := folder.ReadUpTo(opened, limit, info.Size())
		if err != nil {
			return nil, folder.Plain(err)
		}
		if int64(len(data)) > limit { // it grew
			return nil, tooLarge
		}
		left -= int64(len(data))
		return data, nil
	}
}

// repository is the nearest folder at or above dir that holds a .git; "." where there is none in the root.
func (r *run) repository(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := r.tree.Lstat(dir + "/.git"); err == nil {
			return dir
		}
	}
	return "."
}
