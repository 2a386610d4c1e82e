// Package polled is what the readers of traffic share that others counted: how another program is asked over HTTP, and how
// windows of time are asked again until nothing more comes of them, and never count twice.
package polled
