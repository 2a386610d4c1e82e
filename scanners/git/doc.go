// Package git scans git repositories without a working tree: remote ones by their URL, and local mirrors, which are folders
// of repositories. The files of a commit are an fs.FS over its objects, which scanners/files reads, so that a repository says
// what its checkout would say.
//
// # Why the git command
//
// Remotes are spoken to, and objects are read, by the git command (2.36 or newer) and not by go-git. It knows what people
// have set up for themselves: credential helpers, ~/.ssh/config, agents, proxies, certificates, insteadOf. It can leave out
// the contents of files (partial clone), and reads only those of catalog files afterwards, all in one request; go-git v5
// cannot. Of a repository of 50,000 files, of which 5,000 are catalog files, over HTTP on one machine: 3.5 MB and 0.9 s,
// against 70 MB and 4 s for the whole newest commit by the git command, and 70 MB, 14 s and 220 MB of memory by go-git, which
// also takes no more than SHA-1 as it is built here. What it costs is a process or two for each remote that is asked.
//
// # What it costs
//
// A remote repository that did not change costs one `git ls-remote`; a mirror that did not change, reading a reference. One
// that changed is fetched at depth 1 and without contents into a cache on disk, from which everything is read.
//
// # Whom it trusts
//
// Remotes are not trusted: no hooks run, no submodule is followed, nothing is checked out, only the protocols that were
// configured are spoken, nothing asks a person, and time, disk and memory are bounded. Of a mirror only references and
// objects are read, never what its configuration would have git do.
package git
