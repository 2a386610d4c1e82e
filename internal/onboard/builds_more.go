package onboard

import (
	"encoding/json"
	"encoding/xml"
	"path"
	"regexp"
	"slices"
	"strings"
)

var pythonLibraries = []known{
	{"fastapi", serves, "fastapi", "FastAPI"},
	{"flask", serves, "flask", "Flask"},
	{"django", serves, "django", "Django"},
	{"starlette", serves, "", "Starlette"},
	{"sanic", serves, "", "Sanic"},
	{"aiohttp", framework, "", "aiohttp"},
	{"tornado", serves, "", "Tornado"},
	{"grpcio", serves, "grpc", "gRPC"},
	{"uvicorn", serves, "", "Uvicorn"},
	{"gunicorn", serves, "", "Gunicorn"},
	{"celery", runs, "celery", "Celery"},
	{"streamlit", shows, "streamlit", "Streamlit"},
}

// requirement is the name that a line of requirements begins with.
var requirement = regexp.MustCompile(`^\s*["']?([A-Za-z0-9][A-Za-z0-9._-]*)`)

// requires says whether one of the requirements is of a library.
func requires(requirements []string) func(string) bool {
	names := make(map[string]bool)
	for _, r := range requirements {
		if m := requirement.FindStringSubmatch(r); m != nil {
			names[strings.ToLower(strings.ReplaceAll(m[1], "_", "-"))] = true
		}
	}
	return func(library string) bool { return names[library] }
}

func pythonProject(t *tree, u *unit, file string) {
	u.mark(language, "python", file, "it is a Python project")
	var p struct {
		Project struct {
			Name         string         `toml:"name"`
			Description  string         `toml:"description"`
			Dependencies []string       `toml:"dependencies"`
			Scripts      map[string]any `toml:"scripts"`
		} `toml:"project"`
		Tool struct {
			Poetry struct {
				Name         string         `toml:"name"`
				Description  string         `toml:"description"`
				Dependencies map[string]any `toml:"dependencies"`
				Scripts      map[string]any `toml:"scripts"`
			} `toml:"poetry"`
			UV struct {
				Workspace map[string]any `toml:"workspace"`
			} `toml:"uv"`
		} `toml:"tool"`
		BuildSystem map[string]any `toml:"build-system"`
	}
	if !readTOML(t.content(file), &p) {
		return
	}
	u.state(p.Project.Name, p.Project.Description, file)
	u.state(p.Tool.Poetry.Name, p.Tool.Poetry.Description, file)
	requirements := p.Project.Dependencies
	for name := range p.Tool.Poetry.Dependencies {
		requirements = append(requirements, name)
	}
	u.tell(pythonLibraries, requires(requirements), file)
	switch {
	case len(p.Tool.UV.Workspace) > 0 && len(requirements) == 0:
		u.members = true
	case len(p.Project.Scripts)+len(p.Tool.Poetry.Scripts) > 0:
		u.mark(commands, "", file, "it installs a command")
		u.mark(runs, "", file, "it installs a command")
	case p.BuildSystem != nil && (p.Project.Name != "" || p.Tool.Poetry.Name != "") && u.find(serves) == nil:
		u.mark(lends, "", file, "it is built as a package")
	}
	pythonProgram(t, u)
}

func pythonSetup(t *tree, u *unit, file string) {
	u.mark(language, "python", file, "it is a Python project")
	lines := strings.Split(string(t.content(file)), "\n")
	u.tell(pythonLibraries, requires(lines), file)
	switch path.Base(file) {
	case "setup.py":
		u.mark(lends, "", file, "it is built as a package")
	case "setup.cfg":
		section := ""
		for _, line := range lines {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") {
				section = line
			}
			key, value, ok := strings.Cut(line, "=")
			if section != "[metadata]" || !ok {
				continue
			}
			switch strings.TrimSpace(key) {
			case "name":
				u.state(value, "", file)
				u.mark(lends, "", file, "it is built as a package")
			case "description":
				u.state("", value, file)
			}
		}
	}
	pythonProgram(t, u)
}

func pythonProgram(t *tree, u *unit) {
	for _, name := range []string{"manage.py", "main.py", "app.py", "wsgi.py", "asgi.py", "server.py"} {
		if file := path.Join(u.dir, name); t.has[file] {
			u.mark(runs, "", file, "it has a program")
			return
		}
	}
}

var rustLibraries = []known{
	{"actix-web", serves, "", "Actix"},
	{"axum", serves, "", "axum"},
	{"rocket", serves, "", "Rocket"},
	{"warp", serves, "", "warp"},
	{"tonic", serves, "grpc", "tonic"},
	{"poem", serves, "", "Poem"},
	{"clap", commands, "", "clap"},
}

func cargoPackage(t *tree, u *unit, file string) {
	u.mark(language, "rust", file, "it is a Cargo package")
	var p struct {
		Package struct {
			Name        string `toml:"name"`
			Description any    `toml:"description"`
		} `toml:"package"`
		Bin          []any          `toml:"bin"`
		Lib          map[string]any `toml:"lib"`
		Workspace    map[string]any `toml:"workspace"`
		Dependencies map[string]any `toml:"dependencies"`
	}
	if !readTOML(t.content(file), &p) {
		return
	}
	description, _ := p.Package.Description.(string)
	u.state(p.Package.Name, description, file)
	u.members = p.Workspace != nil && p.Package.Name == ""
	if u.members {
		return
	}
	if program := path.Join(u.dir, "src/main.rs"); t.has[program] || len(p.Bin) > 0 {
		u.mark(runs, "", file, "it has a binary")
		u.tell(rustLibraries, func(library string) bool { _, ok := p.Dependencies[library]; return ok }, file)
	} else {
		u.mark(lends, "", file, "it is a crate without a binary")
	}
}

func dotnetProject(t *tree, u *unit, file string) {
	u.mark(language, map[string]string{".csproj": "csharp", ".fsproj": "fsharp", ".vbproj": "visualbasic"}[path.Ext(file)], file,
		"it is a .NET project")
	var p struct {
		SDK    string `xml:"Sdk,attr"`
		Groups []struct {
			OutputType  string `xml:"OutputType"`
			Description string `xml:"Description"`
			PackageID   string `xml:"PackageId"`
			Test        string `xml:"IsTestProject"`
		} `xml:"PropertyGroup"`
		Items []struct {
			Packages []struct {
				Include string `xml:"Include,attr"`
			} `xml:"PackageReference"`
		} `xml:"ItemGroup"`
	}
	if xml.Unmarshal(t.content(file), &p) != nil {
		return
	}
	program, test := false, false
	for _, g := range p.Groups {
		u.state("", g.Description, file)
		program = program || strings.EqualFold(g.OutputType, "exe") || strings.EqualFold(g.OutputType, "winexe")
		test = test || strings.EqualFold(g.Test, "true")
	}
	for _, item := range p.Items {
		for _, reference := range item.Packages {
			test = test || reference.Include == "Microsoft.NET.Test.Sdk"
			if strings.HasPrefix(reference.Include, "Grpc.AspNetCore") {
				u.mark(framework, "grpc", file, "it is built with gRPC")
			}
		}
	}
	u.state(strings.TrimSuffix(path.Base(file), path.Ext(file)), "", file)
	switch {
	case test: // nothing of it runs elsewhere
	case p.SDK == "Microsoft.NET.Sdk.Web":
		u.mark(serves, "", file, "it is built with ASP.NET Core")
		u.mark(framework, "aspnetcore", file, "it is built with ASP.NET Core")
	case p.SDK == "Microsoft.NET.Sdk.BlazorWebAssembly":
		u.mark(shows, "", file, "it is built with Blazor")
		u.mark(framework, "blazor", file, "it is built with Blazor")
	case p.SDK == "Microsoft.NET.Sdk.Worker", program:
		u.mark(runs, "", file, "it is a program")
	default:
		u.mark(lends, "", file, "it is a class library")
	}
}

// gem is a line that names one.
var gem = regexp.MustCompile(`(?m)^\s*gem\s*\(?\s*['"]([\w-]+)['"]`)

func rubyBundle(t *tree, u *unit, file string) {
	u.mark(language, "ruby", file, "it has a Gemfile")
	gems := make(map[string]bool)
	for _, m := range gem.FindAllSubmatch(t.content(file), -1) {
		gems[string(m[1])] = true
	}
	u.tell([]known{
		{"rails", serves, "rails", "Rails"},
		{"sinatra", serves, "sinatra", "Sinatra"},
		{"grape", serves, "", "Grape"},
		{"hanami", serves, "hanami", "Hanami"},
		{"puma", serves, "", "Puma"},
		{"sidekiq", runs, "", "Sidekiq"},
		{"jekyll", shows, "jekyll", "Jekyll"},
	}, func(library string) bool { return gems[library] }, file)
}

func rubyGem(_ *tree, u *unit, file string) {
	u.mark(language, "ruby", file, "it is a gem")
	u.state(strings.TrimSuffix(path.Base(file), ".gemspec"), "", file)
	u.mark(lends, "", file, "it is a gem that others require")
}

func phpPackage(t *tree, u *unit, file string) {
	u.mark(language, "php", file, "it has a composer.json")
	var p struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		Type        string         `json:"type"`
		Require     map[string]any `json:"require"`
	}
	if json.Unmarshal(t.content(file), &p) != nil {
		return
	}
	u.state(p.Name[strings.LastIndexByte(p.Name, '/')+1:], p.Description, file)
	u.tell([]known{
		{"laravel/framework", serves, "laravel", "Laravel"},
		{"symfony/framework-bundle", serves, "symfony", "Symfony"},
		{"slim/slim", serves, "", "Slim"},
		{"drupal/core-recommended", shows, "drupal", "Drupal"},
		{"magento/product-community-edition", shows, "magento", "Magento"},
	}, func(library string) bool { _, ok := p.Require[library]; return ok }, file)
	if u.find(serves) == nil && p.Type != "project" {
		u.mark(lends, "", file, "it is a package that others require")
	}
}

func elixirProject(t *tree, u *unit, file string) {
	u.mark(language, "elixir", file, "it is a Mix project")
	script := string(t.content(file))
	u.tell([]known{{":phoenix", serves, "phoenix", "Phoenix"}, {":plug_cowboy", serves, "", "Plug"}, {":bandit", serves, "", "Bandit"}},
		func(library string) bool { return regexp.MustCompile(`\{\s*` + library + `\s*,`).MatchString(script) }, file)
	u.members = strings.Contains(script, "apps_path:")
	if u.find(serves) == nil && !u.members {
		if regexp.MustCompile(`(?m)^\s*mod:`).MatchString(script) {
			u.mark(runs, "", file, "it starts an application")
		} else {
			u.mark(lends, "", file, "it starts no application")
		}
	}
}

// instruction is a line of a Dockerfile by which more is told.
var instruction = regexp.MustCompile(`(?mi)^\s*(EXPOSE|FROM)\s+(\S+)`)

func imageFile(t *tree, u *unit, file string) {
	why := "it is made into an image"
	last := ""
	for _, m := range instruction.FindAllSubmatch(t.content(file), -1) {
		if strings.EqualFold(string(m[1]), "EXPOSE") {
			why = "it is made into an image that listens"
		} else {
			last = imageName(string(m[2]))
		}
	}
	u.mark(packs, "", file, why)
	if slices.Contains([]string{"nginx", "httpd", "caddy", "nginx-unprivileged"}, path.Base(last)) && u.find(language) != nil &&
		slices.Contains([]string{"javascript", "typescript"}, u.find(language).text) {
		u.mark(shows, "", file, "its image is a web server for files")
	}
}

func procfile(_ *tree, u *unit, file string) { u.mark(runs, "", file, "it has a Procfile") }

func helmChart(_ *tree, u *unit, file string) {
	u.mark(provisions, "", file, "it has a Helm chart")
	u.mark(framework, "helm", file, "it has a Helm chart")
}

func terraform(_ *tree, u *unit, file string) {
	u.mark(provisions, "", file, "it is written for Terraform")
	u.mark(framework, "terraform", file, "it is written for Terraform")
}

func documentation(_ *tree, u *unit, file string) {
	u.mark(documents, "", file, "it holds documentation")
}
