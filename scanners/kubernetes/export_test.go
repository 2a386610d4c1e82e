package kubernetes

import "time"

// Impatient makes everything that waits wait less.
func Impatient(c Config) Config {
	c.timing = timing{
		quiet: 20 * time.Millisecond, impatient: 200 * time.Millisecond, patience: 2 * time.Second, stall: 20 * time.Second,
		discover: 500 * time.Millisecond, backoff: 500 * time.Millisecond, request: 20 * time.Second,
	}
	return c
}

// Hasty is Impatient with a server that does not answer.
func Hasty(c Config) Config {
	c = Impatient(c)
	c.timing.request, c.timing.stall = time.Second, time.Second
	return c
}

// Restless is Impatient with pauses that are hardly any.
func Restless(c Config) Config {
	c = Impatient(c)
	c.timing.discover, c.timing.backoff = 20*time.Millisecond, 20*time.Millisecond
	return c
}
