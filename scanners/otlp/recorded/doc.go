// Package recorded counts what traces in files say: what collectors, SDKs, Jaeger, Zipkin and Tempo write or hand out. The
// format of a file is told by its content, never by its name, and compressed files are read as they are. Files may be of
// any size: one message, line or document is in memory at a time, and what is wrong with one costs that one.
package recorded
