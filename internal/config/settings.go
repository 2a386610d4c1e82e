package config

import (
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/schedule"
)

// setting is one key of the file. T is what the key belongs to.
type setting[T any] struct {
	name string
	help string // one sentence for people, ending in a full stop
	// into gives the place of the value: *string, *int, *float64, *bool, *time.Duration, *Bytes, *[]string, *map[string][]string, or one that
	// has settings of its own: *Graph, *Identity, *[]Rewrite, *Health, *Replicas, *[]Exemption, *TLS, *Tracing or *[]Source. Its type is the type of the setting.
	into     func(*T) any
	fallback any // holds where the key is absent; nil = none
	// fallbacks hold instead beside those values of the setting that selects.
	fallbacks map[string]any
	required  bool // the key must be there
	// optional are values of the setting that selects beside which a required key may be absent.
	optional []string
	// choices are the only values. A setting that selects which others make sense is decoded first, and where it is wrong
	// nothing else is said about its mapping.
	choices []string
	noun    string // what a choice is called; "" = by the name
	selects bool
	only    []string // what the setting that selects must be for this one to be there; nil = whatever it is
	isPath  bool     // starts from the file's folder
	secret  bool     // never shown, also where it is written in the file
	// least and most bound a *time.Duration.
	least, most time.Duration
	// leastBytes and mostBytes bound a *Bytes.
	leastBytes, mostBytes Bytes
}

// holds says whether the setting makes sense beside the value of the one that selects; "" = there is none.
func (s setting[T]) holds(selected string) bool {
	return s.only == nil || slices.Contains(s.only, selected)
}

// needed says whether the key must be there beside the value of the setting that selects.
func (s setting[T]) needed(selected string) bool {
	return s.required && !slices.Contains(s.optional, selected)
}

// otherwise is what holds where the key is absent.
func (s setting[T]) otherwise(selected string) any {
	if value, ok := s.fallbacks[selected]; ok {
		return value
	}
	return s.fallback
}

// selected is the value of the setting that selects; "" = there is none.
func selected[T any](settings []setting[T], from *T) string {
	for _, s := range settings {
		if value, ok := s.into(from).(*string); ok && s.selects {
			return *value
		}
	}
	return ""
}

// selecting is the name of the setting that selects; "" = there is none.
func selecting[T any](settings []setting[T]) string {
	for _, s := range settings {
		if s.selects {
			return s.name
		}
	}
	return ""
}

func rootSettings() []setting[Config] {
	return []setting[Config]{
		{
			name: "listen", into: func(c *Config) any { return &c.Listen }, fallback: DefaultListen,
			help: "Address of the server, host:port. Other than loopback it needs insecure: true.",
		},
		{
			name: "insecure", into: func(c *Config) any { return &c.Insecure }, fallback: false,
			help: "Allows an address that other machines can reach, though nobody has to sign in.",
		},
		{
			name: "hosts", into: func(c *Config) any { return &c.Hosts },
			help: "Other names by which clients call the server, without ports: that of a proxy in front.",
		},
		{
			name: "publicURL", into: func(c *Config) any { return &c.PublicURL },
			help: "Address of the server for people, such as https://catalog.example.com: for links in checks of pull requests and in proposals.",
		},
		{
			name: "graph", into: func(c *Config) any { return &c.Graph },
			help: "Where the catalog is kept.",
		},
		{
			name: "environments", into: func(c *Config) any { return &c.Environments },
			help: "Other names of environments, such as `production: [prod, live]`. Case does not matter.",
		},
		{
			name: "identity", into: func(c *Config) any { return &c.Identity },
			help: "Who is meant by the names that other systems give.",
		},
		{
			name: "health", into: func(c *Config) any { return &c.Health },
			help: "What health checks ask for, and who is exempted.",
		},
		{
			name: "tracing", into: func(c *Config) any { return &c.Tracing },
			help: "Where the server sends traces of its own work. Nowhere where it is absent.",
		},
		{
			name: "sources", into: func(c *Config) any { return &c.Sources },
			help: "Where the data comes from.",
		},
	}
}

func graphSettings() []setting[Graph] {
	return []setting[Graph]{
		{
			name: "engine", into: func(g *Graph) any { return &g.Engine }, fallback: EngineSQLite,
			choices: []string{EngineSQLite, EngineNeo4j}, selects: true,
			help: "The storage engine: a file, or a Neo4j server or cluster that several servers may share.",
		},
		{
			name: "path", into: func(g *Graph) any { return &g.Path }, fallback: "orrery.db", isPath: true, only: []string{EngineSQLite},
			help: "The file; made where it is not there.",
		},
		{
			name: "uri", into: func(g *Graph) any { return &g.URI }, required: true, only: []string{EngineNeo4j},
			help: "Address of the server or cluster, such as neo4j://host:7687; neo4j+s or bolt+s for TLS, bolt for one server without routing.",
		},
		{
			name: "username", into: func(g *Graph) any { return &g.Username }, only: []string{EngineNeo4j},
			help: "Who signs in there; absent where nobody has to.",
		},
		{
			name: "password", into: func(g *Graph) any { return &g.Password }, secret: true, only: []string{EngineNeo4j},
			help: "Best written as ${NEO4J_PASSWORD}.",
		},
		{
			name: "database", into: func(g *Graph) any { return &g.Database }, fallback: "neo4j", only: []string{EngineNeo4j},
			help: "The database in which the catalog is kept.",
		},
		{
			name: "labelPrefix", into: func(g *Graph) any { return &g.LabelPrefix }, only: []string{EngineNeo4j},
			help: "Stands before every label, constraint and index that Orrery makes, so that other data, or a second catalog, fits in one database: letters, digits and _.",
		},
		{
			name: "history", into: func(g *Graph) any { return &g.History }, fallback: 90 * day, least: time.Hour, most: 3650 * day,
			help: "How long past states and what changed are kept: a duration such as 36h or 90d.",
		},
	}
}

func identitySettings() []setting[Identity] {
	return []setting[Identity]{
		{
			name: "rewrites", into: func(i *Identity) any { return &i.Rewrites },
			help: "Rules that make the name of an entity of an alias, tried in order.",
		},
	}
}

func rewriteSettings() []setting[Rewrite] {
	return []setting[Rewrite]{
		{
			name: "match", into: func(r *Rewrite) any { return &r.Match }, required: true,
			help: "Regular expression (RE2) of the whole alias, such as otel:shop/(.*)-svc.",
		},
		{
			name: "replace", into: func(r *Rewrite) any { return &r.Replace }, required: true,
			help: "The name of the entity, such as component:$1; $1 and so on stand for the groups of match.",
		},
	}
}

func sourceSettings() []setting[Source] {
	return slices.Concat(placeSettings(), repositorySettings(), trafficSettings(), timeSettings())
}

// placeSettings say which place a source is.
func placeSettings() []setting[Source] {
	return []setting[Source]{
		{
			name: "id", into: func(s *Source) any { return &s.ID }, required: true,
			help: "Name of the source, unique in the file: letters, digits and . _ - between them, at most 63.",
		},
		{
			name: "kind", into: func(s *Source) any { return &s.Kind }, required: true,
			choices: []string{KindFiles, KindBackstage, KindKubernetes, KindProbe, KindOTLP, KindPrometheus, KindJaeger, KindZipkin, KindGitHub, KindGit}, selects: true,
			help: "What kind of place it is.",
		},
		{
			name: "paths", into: func(s *Source) any { return &s.Paths }, required: true, isPath: true,
			only: []string{KindFiles, KindKubernetes, KindOTLP, KindGit}, optional: []string{KindKubernetes, KindOTLP, KindGit},
			help: "Folders or files to read. A kubernetes source with paths reads manifests instead of a live cluster, an otlp source with paths recorded traces instead of those that are sent to it, a git source the repositories and mirrors in its folders.",
		},
		{
			name: "include", into: func(s *Source) any { return &s.Include }, only: []string{KindFiles, KindKubernetes, KindOTLP},
			help: "Globs on paths inside the folders: only such files are opened. Every YAML and JSON file where it is absent; of recorded traces every file.",
		},
		{
			name: "exclude", into: func(s *Source) any { return &s.Exclude }, only: []string{KindFiles, KindKubernetes, KindOTLP, KindGitHub, KindGit},
			help: "Globs on paths inside the folders or repositories: such files are never opened.",
		},
		{
			name: "url", into: func(s *Source) any { return &s.URL }, required: true,
			only: []string{KindBackstage, KindPrometheus, KindJaeger, KindZipkin, KindGitHub}, optional: []string{KindGitHub},
			help: "Address of the server: of a Backstage its backend.baseUrl, such as https://backstage.example.com; of a GitHub Enterprise Server that of its pages (GitHub.com where it is absent); of the others what stands before /api.",
		},
		{
			name: "token", into: func(s *Source) any { return &s.Token }, secret: true,
			only: []string{KindBackstage, KindPrometheus, KindJaeger, KindZipkin, KindOTLP, KindGitHub},
			help: "Bearer token: of a Backstage the static one for external access; of an otlp source the one that senders must give; of GitHub one that may read the repositories and the organisation's members. Best written as ${TOKEN}.",
		},
		{
			name: "filter", into: func(s *Source) any { return &s.Filter }, only: []string{KindBackstage},
			help: "Filters of the Backstage API such as kind=component,spec.type=service, of which an entity must fit one. All entities where it is absent.",
		},
		{
			name: "caFile", into: func(s *Source) any { return &s.CAFile }, isPath: true, only: []string{KindBackstage, KindPrometheus, KindJaeger, KindZipkin, KindGitHub},
			help: "PEM file of certificates that are trusted besides those of the system.",
		},
		{
			name: "cluster", into: func(s *Source) any { return &s.Cluster }, required: true,
			only: []string{KindKubernetes, KindProbe, KindPrometheus}, optional: []string{KindKubernetes, KindPrometheus},
			help: "Name of the cluster, as spans have it in k8s.cluster.name; of metrics that name none. The id of a kubernetes source where it is absent. A probe source calls the Services of this cluster, by the names that they have inside.",
		},
		{
			name: "networks", into: func(s *Source) any { return &s.Networks }, only: []string{KindProbe},
			help: "The only networks in which addresses are called, such as 10.0.0.0/8. All but the loopback of this machine where it is absent; never link-local and metadata addresses.",
		},
		{
			name: "context", into: func(s *Source) any { return &s.Context }, only: []string{KindKubernetes},
			help: "Context of the kubeconfig by which a live cluster is reached; its current one where it is absent.",
		},
		{
			name: "kubeconfig", into: func(s *Source) any { return &s.Kubeconfig }, isPath: true, only: []string{KindKubernetes},
			help: "The kubeconfig file; found as kubectl finds it where it is absent.",
		},
		{
			name: "inCluster", into: func(s *Source) any { return &s.InCluster }, only: []string{KindKubernetes},
			help: "Read the cluster that the server itself runs in, by its service account.",
		},
		{
			name: "namespaces", into: func(s *Source) any { return &s.Namespaces }, only: []string{KindKubernetes},
			help: "Namespaces of a live cluster to read; all where it is absent. With some, permissions in these are enough.",
		},
		{
			name: "excludeNamespaces", into: func(s *Source) any { return &s.ExcludeNamespaces }, only: []string{KindKubernetes},
			help: "Namespaces of a live cluster that are passed over.",
		},
		{
			name: "excludeKinds", into: func(s *Source) any { return &s.ExcludeKinds }, only: []string{KindKubernetes},
			help: "Kinds of a live cluster that are not read, such as configmaps: what was found by them goes. A kind that is merely forbidden keeps it.",
		},
		{
			name: "logFormat", into: func(s *Source) any { return &s.LogFormat }, choices: []string{"json", "logfmt"},
			only: []string{KindKubernetes},
			help: "What containers of a live cluster should log: a few lines of each are looked at, never kept, and judged by the check log-format. No log is read where it is absent.",
		},
		{
			name: "logFields", into: func(s *Source) any { return &s.LogFields }, only: []string{KindKubernetes},
			help: "More names of fields of a log line, by what they say: timestamp, level, message and correlation, such as `level: [lvl]`.",
		},
	}
}

// timeSettings are those that every source may have.
func timeSettings() []setting[Source] {
	return []setting[Source]{
		{
			name: "environment", into: func(s *Source) any { return &s.Environment }, fallback: DefaultEnvironment,
			help: "The environment that observed facts of the source belong to. Declared facts hold in all.",
		},
		{
			name: "priority", into: func(s *Source) any { return &s.Priority }, fallback: catalog.DefaultPriorityFiles,
			fallbacks: map[string]any{
				KindBackstage: catalog.DefaultPriorityImports, KindKubernetes: catalog.DefaultPriorityClusters,
			},
			help: "Where two sources describe one entity, the higher priority wins: 1 to 1000. Manifests have 60.",
		},
		{
			name: "schedule", into: func(s *Source) any { return &s.Schedule }, fallbacks: map[string]any{
				KindProbe: "@every 1m", KindPrometheus: "@every 5m", KindJaeger: "@every 15m", KindZipkin: "@every 15m",
				KindGitHub: "@every 30m", KindGit: "@every 10m",
			},
			help: "When it is scanned again: the five fields of cron, @hourly and the like, or @every 30m. Without one it is scanned when the server starts; a probe source calls each minute, and a cluster that is watched is looked over every 5 minutes.",
		},
		{
			name: "timezone", into: func(s *Source) any { return &s.Timezone },
			help: "Where the fields of schedule are read, such as Europe/Berlin. UTC where it is absent.",
		},
		{
			name: "jitter", into: func(s *Source) any { return &s.Jitter }, most: schedule.MaxJitter,
			help: "Every scheduled scan starts later by a time below this, the same for one source, so that sources do not start together: at most 1h.",
		},
		{
			name: "watch", into: func(s *Source) any { return &s.Watch }, fallback: false, only: []string{KindFiles, KindKubernetes, KindOTLP},
			help: "Scan what changes as soon as it changes. Where that cannot be heard of, it is scanned by its schedule, or every minute. A live cluster is watched unless this is false.",
		},
		{
			name: "timeout", into: func(s *Source) any { return &s.Timeout }, fallback: time.Hour, least: time.Second, most: 7 * day,
			help: "How long one scan may take.",
		},
	}
}

// names lists the keys that may be written beside the value of the one that selects, in the order of the table.
func names[T any](settings []setting[T], selected string) []string {
	var list []string
	for _, s := range settings {
		if s.holds(selected) {
			list = append(list, s.name)
		}
	}
	return list
}
