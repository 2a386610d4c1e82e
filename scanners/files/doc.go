// Package files scans folders for catalog files. Every YAML and JSON file is opened and decided by its content, whatever
// its name; globs only narrow. Nothing outside a root is ever read: not by symbolic links, not by targets of Locations,
// not by placeholders. Folders may hold one repository, many, or none.
package files
