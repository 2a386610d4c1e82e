//go:build !linux

package folder

// foreign is the name of the file system of a folder, if it is known not to tell of all changes. Only Linux says.
func foreign(string) string { return "" }
