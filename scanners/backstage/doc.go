// Package backstage imports the catalog of a running Backstage by its REST API. What each entity says goes through the
// same reader as catalog files, so that the rules, problems and extra fields are the same; its location is the original
// one, that of the file or other place that Backstage has it from.
package backstage
