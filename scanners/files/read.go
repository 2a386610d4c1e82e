package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

const (
	// largeFile is the size from which files are parsed one at a time.
	largeFile = 1 << 20
	// headBytes is how much of a file over the limit is read to tell whether anybody will miss it.
	headBytes = 64 << 10
)

// read reads one file and reports its scope, if it is a catalog file.
func (r *run) read(ctx context.Context, f file) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch r.config.Repository.before(f) {
	case SaidSame:
		if _, err := r.ownersOf(ctx, path.Dir(f.real)); err != nil { // what is wrong with it is told each time
			return err
		}
		return r.report(ctx, scanners.Scope{Name: r.shown(f.name), State: scanners.Unchanged})
	case SaidNothing:
		return nil
	case SaidUnknown:
	}
	r.config.Progress.Read.Add(1)
	opened, info, err := folder.OpenRegular(r.tree, f.real)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.gone(f)
	case errors.Is(err, folder.ErrIrregular):
		return r.refused(ctx, folder.Irregular(f.name))
	case err != nil:
		return r.unreadableFile(ctx, f, err)
	}
	defer opened.Close()
	if info.Size() >= largeFile {
		select {
		case r.large <- struct{}{}:
			defer func() { <-r.large }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	limit := r.config.MaxFileBytes
	if info.Size() > limit {
		limit = headBytes
	}
	data, err := folder.ReadUpTo(opened, limit, info.Size())
	switch {
	case err != nil:
		return r.unreadableFile(ctx, f, err)
	case int64(len(data)) > r.config.MaxFileBytes || info.Size() > r.config.MaxFileBytes:
		return r.tooLarge(ctx, f, data[:min(len(data), headBytes)])
	}
	if err := r.fetchRead(ctx, f, data); err != nil {
		return err
	}
	result := descriptor.Parse(data, descriptor.Options{
		Location: r.shown(f.name), Read: r.placeholders(f), MaxBytes: int(r.config.MaxFileBytes),
	})
	if result.NotCatalog {
		return r.silent(ctx, f, data)
	}
	if err := r.fetchTargets(ctx, f, result); err != nil {
		return err
	}
	scope := r.scope(f, result)
	if err := r.hint(ctx, f, &scope); err != nil {
		return err
	}
	return r.report(ctx, scope)
}

// scope turns what a file says into the scope that is reported, and remembers what its Locations name.
func (r *run) scope(f file, result descriptor.Result) scanners.Scope {
	scope := scanners.Scope{Name: r.shown(f.name)}
	for _, parsed := range result.Documents {
		if parsed.Document == nil {
			scope.Documents = append(scope.Documents, &catalog.Document{
				Location: scope.Name, Ordinal: parsed.Index, Problems: parsed.Problems,
			})
			if !parsed.Template {
				scope.State = scanners.Partly
				scope.Error = "not every document could be read"
			}
			continue
		}
		if parsed.Location != nil {
			r.locate(f, parsed)
		}
		scope.Documents = append(scope.Documents, parsed.Document)
	}
	r.described(f, result, &scope)
	return scope
}

// locate looks up the targets of a Location. What is wrong with them is a problem of its document.
func (r *run) locate(f file, parsed descriptor.Parsed) {
	switch parsed.Location.Type {
	case "", "file", "url":
	default:
		return // a kind of discovery that some other source does
	}
	document := parsed.Document
	for _, target := range parsed.Location.Targets {
		var problem *catalog.Problem
		if isRemote(target.Target) {
			problem = r.config.Repository.elsewhere(f, target.Target)
		} else {
			r.noteLocation(f, target.Target)
			problem = r.target(f, target.Target, parsed.Location.Optional)
		}
		if problem != nil {
			problem.Location, problem.Line, problem.Field = document.Location, target.Line, target.Field
			problem.Severity, problem.Ref = catalog.Warning, parsed.Ref
			document.Problems = append(document.Problems, *problem)
		}
	}
	slices.SortStableFunc(document.Problems, catalog.CompareProblems)
}

// gone decides what it means that a file is not there any more: alone, it was deleted; with its folder, the listing
// cannot be trusted.
func (r *run) gone(f file) error {
	if _, err := r.tree.Lstat(path.Dir(f.real)); err != nil {
		return r.tree.Vanished(path.Dir(f.name))
	}
	return nil
}

func (r *run) unreadableFile(ctx context.Context, f file, err error) error {
	return r.refuse(ctx, f.name, "unreadable-file", "this file cannot be read: "+folder.Plain(err).Error(), "mend it, or leave it out by exclude")
}

// tooLarge tells of a file over the limit, if its name or its beginning is that of a catalog file.
func (r *run) tooLarge(ctx context.Context, f file, head []byte) error {
	if descriptor.Parse(head, descriptor.Options{Location: r.shown(f.name), MaxBytes: 1}).NotCatalog && !r.spoke(f) {
		r.config.Repository.note(Note{Name: f.name, Real: f.real, Silent: true})
		return nil
	}
	return r.refuse(ctx, f.name, descriptor.CodeTooLarge,
		fmt.Sprintf("this file is larger than %d bytes and was not read", r.config.MaxFileBytes),
		"split it into several files, and move bulk such as API definitions into files of their own")
}
