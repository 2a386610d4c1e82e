// Package schema holds the GraphQL contract: the SDL by domain in *.graphqls, from which gen is generated, and example
// queries with their answers. Resolvers are in resolve.
package schema

//go:generate go tool gqlgen generate --config gqlgen.yml
