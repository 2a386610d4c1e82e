// Package githubtest is a GitHub for tests: organisations, users, repositories, teams and apps that a test makes and
// changes, answered by REST and GraphQL as GitHub answers them.
//
// What a test does to it (a push, a rename, a suspended app) is a method of [GitHub], [Repository], [App] … What it answers
// follows from that state alone: object ids are those that git would compute, pages carry Link headers, answers carry ETags
// and cost budget, and who may not see a repository is told that there is none. What goes wrong at GitHub goes wrong on
// demand: see [GitHub.Fail]. What it was asked is counted: see [GitHub.Calls].
//
// Where to find what: objects.go, repository.go, account.go, team.go, app.go and pull.go hold the state; access.go, limit.go,
// fault.go and call.go are what every request goes by; rest*.go answer REST, an area each; graphql*.go answer GraphQL;
// hook.go and payload.go send webhooks; fill.go makes repositories from folders, and whole organisations.
package githubtest
