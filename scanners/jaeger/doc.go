// Package jaeger reads the dependencies that Jaeger knows, by the API that its own UI asks: who called whom, how many
// times. It tells neither errors nor how long calls took, nor which of them were messages.
package jaeger
