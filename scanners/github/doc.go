// Package github reads the catalog files of GitHub repositories: those of organisations, of users, or of all that an App is
// installed in. It lists repositories by conditional requests, reads only those that changed, many in one question, and
// leaves what a file means to the scanner of files.
package github
