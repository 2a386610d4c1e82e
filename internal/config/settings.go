package config

import "github.com/orrery-catalog/orrery/catalog"

// setting is one key of the file. T is what the key belongs to.
type setting[T any] struct {
	name string
	help string // one sentence for people, ending in a full stop
	// into gives the place of the value: *string, *int, *bool, *[]string, *Graph or *[]Source. Its type is the type of the
	// setting.
	into     func(*T) any
	fallback any  // holds where the key is absent; nil = none
	required bool // the key must be there
	// choices are the only values. A setting that selects which others make sense is decoded first, and where it is wrong
	// nothing else is said about its mapping.
	choices []string
	selects bool
	isPath  bool   // starts from the file's folder
	refused string // the key is known and not supported: what to tell
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
			name: "graph", into: func(c *Config) any { return &c.Graph },
			help: "Where the catalog is kept.",
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
			choices: []string{EngineSQLite}, selects: true,
			help: "The storage engine.",
		},
		{
			name: "path", into: func(g *Graph) any { return &g.Path }, fallback: "orrery.db", isPath: true,
			help: "The file of the sqlite engine; made where it is not there.",
		},
	}
}

func sourceSettings() []setting[Source] {
	const atStart = "this version scans every source when it starts, and by orrery scan"
	return []setting[Source]{
		{
			name: "id", into: func(s *Source) any { return &s.ID }, required: true,
			help: "Name of the source, unique in the file: letters, digits and . _ - between them, at most 63.",
		},
		{
			name: "kind", into: func(s *Source) any { return &s.Kind }, required: true,
			choices: []string{KindFiles}, selects: true,
			help: "What kind of place it is.",
		},
		{
			name: "paths", into: func(s *Source) any { return &s.Paths }, required: true, isPath: true,
			help: "Folders or files to read.",
		},
		{
			name: "include", into: func(s *Source) any { return &s.Include },
			help: "Globs on paths inside the folders: only such files are opened. Every YAML and JSON file where it is absent.",
		},
		{
			name: "exclude", into: func(s *Source) any { return &s.Exclude },
			help: "Globs on paths inside the folders: such files are never opened.",
		},
		{
			name: "environment", into: func(s *Source) any { return &s.Environment }, fallback: DefaultEnvironment,
			help: "The environment that observed facts of the source belong to. Declared facts hold in all.",
		},
		{
			name: "priority", into: func(s *Source) any { return &s.Priority }, fallback: catalog.DefaultPriorityFiles,
			help: "Where two sources describe one entity, the higher priority wins: 1 to 1000.",
		},
		{name: "schedule", refused: atStart},
		{name: "watch", refused: atStart},
	}
}

// names lists the keys that may be written, in the order of the table.
func names[T any](settings []setting[T]) []string {
	var list []string
	for _, s := range settings {
		if s.refused == "" {
			list = append(list, s.name)
		}
	}
	return list
}
