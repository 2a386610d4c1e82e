package backstage

import (
	"maps"
	"path"
	"strings"
)

// The annotations by which the backend keeps its books.
const (
	annotationLocation = "backstage.io/managed-by-location"        // the file, or other place, that the entity is from
	annotationOrigin   = "backstage.io/managed-by-origin-location" // the registered place that led there
	annotationOrphan   = "backstage.io/orphan"
)

// The annotations that it adds where the file has none of its own.
const (
	annotationViewURL = "backstage.io/view-url"
	annotationEditURL = "backstage.io/edit-url"
	annotationSource  = "backstage.io/source-location"
)

func (e *entity) annotation(key string) string {
	annotations, _ := e.Metadata["annotations"].(map[string]any)
	value, _ := annotations[key].(string)
	return value
}

// location is where the entity was written; where Backstage does not tell, its address in the catalog's API.
func (e *entity) location(base string) string {
	for _, key := range []string{annotationLocation, annotationOrigin} {
		kind, target, ok := strings.Cut(e.annotation(key), ":")
		switch {
		case !ok || target == "":
		case kind == "url", kind == "file":
			return target
		default:
			return kind + ":" + target // the id of a team in some directory
		}
	}
	if url := e.annotation(annotationViewURL); url != "" {
		return url
	}
	ref := e.ref()
	return base + "/entities/by-name/" + ref.Kind() + "/" + ref.Namespace() + "/" + ref.Name()
}

// written are the annotations without those that the backend has added. The last three it makes from the URL of the file,
// so that they say nothing that the location does not; an entity that is also read from its file must not seem to be
// described in two ways for them.
func (e *entity) written(annotations map[string]any) map[string]any {
	annotations = maps.Clone(annotations)
	for _, key := range []string{annotationLocation, annotationOrigin, annotationOrphan} {
		delete(annotations, key)
	}
	file, ok := strings.CutPrefix(e.annotation(annotationLocation), "url:")
	if !ok {
		return annotations
	}
	if e.annotation(annotationViewURL) == file {
		delete(annotations, annotationViewURL)
	}
	if sameFile(e.annotation(annotationEditURL), file) {
		delete(annotations, annotationEditURL)
	}
	if folder, ok := strings.CutPrefix(e.annotation(annotationSource), "url:"); ok && strings.HasSuffix(folder, "/") &&
		sameFile(folder+path.Base(file), file) {
		delete(annotations, annotationSource)
	}
	return annotations
}

// sameFile says whether two URLs show one file of a repository, to read or to edit.
func sameFile(a, b string) bool { return fileOf(a) == fileOf(b) }

func fileOf(url string) string {
	url, _, _ = strings.Cut(url, "?")
	for _, view := range []string{"/blob/", "/edit/"} {
		url = strings.Replace(url, view, "/tree/", 1)
	}
	return url
}
