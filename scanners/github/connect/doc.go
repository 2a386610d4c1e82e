// Package connect is the connection to GitHub: who asks (a token, or an App with its installations), within the limits that GitHub
// sets, again where it failed, and not at all where the answer is known. Whoever asks by it thinks of none of this.
package connect
