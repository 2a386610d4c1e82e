// Package zipkin reads the dependencies that Zipkin knows, by the API that its own UI asks: who called whom, how many times,
// and how many of the calls failed. A broker stands between the services that send and get messages by it, by the name that
// instrumentation gives it.
package zipkin
