// Package folder finds the files in folders that a scanner reads, and hears when they change. Nothing outside a root is
// ever read, not by symbolic links either; a .gitignore is kept to; nothing waits for the other end of a FIFO.
package folder
