package onboard

import (
	"encoding/json"
	"encoding/xml"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/mod/modfile"
)

// builder reads one build file into the unit of its folder. What it cannot read tells what its name tells.
type builder func(t *tree, u *unit, file string)

// builderOf is the one for a file of that name; nil = it is no build file.
func builderOf(name string) builder {
	switch name {
	case "go.mod":
		return goModule
	case "package.json":
		return nodePackage
	case "pom.xml":
		return mavenProject
	case "build.gradle", "build.gradle.kts":
		return gradleProject
	case "pyproject.toml":
		return pythonProject
	case "setup.py", "setup.cfg", "requirements.txt", "Pipfile":
		return pythonSetup
	case "Cargo.toml":
		return cargoPackage
	case "Gemfile":
		return rubyBundle
	case "composer.json":
		return phpPackage
	case "mix.exs":
		return elixirProject
	case "Dockerfile", "Containerfile":
		return imageFile
	case "Procfile":
		return procfile
	case "Chart.yaml":
		return helmChart
	case "mkdocs.yml", "mkdocs.yaml", "docusaurus.config.js", "docusaurus.config.ts":
		return documentation
	}
	switch {
	case strings.HasPrefix(name, "Dockerfile.") || strings.HasSuffix(name, ".Dockerfile") || strings.HasSuffix(name, ".dockerfile"):
		return imageFile
	case slices.Contains([]string{".csproj", ".fsproj", ".vbproj"}, path.Ext(name)):
		return dotnetProject
	case path.Ext(name) == ".tf":
		return terraform
	case path.Ext(name) == ".gemspec":
		return rubyGem
	}
	return nil
}

// known is a library by which something is told.
type known struct {
	library string
	trait   trait
	tag     string // "" = none
	name    string // for people
}

// tell marks what a library tells.
func (u *unit) tell(table []known, has func(library string) bool, file string) {
	for _, k := range table {
		if !has(k.library) {
			continue
		}
		if k.trait != framework {
			u.mark(k.trait, "", file, "it is built with "+k.name)
		}
		if k.tag != "" {
			u.mark(framework, k.tag, file, "it is built with "+k.name)
		}
	}
}

var goLibraries = []known{
	{"google.golang.org/grpc", serves, "grpc", "gRPC"},
	{"github.com/gin-gonic/gin", serves, "", "Gin"},
	{"github.com/labstack/echo", serves, "", "Echo"},
	{"github.com/go-chi/chi", serves, "", "chi"},
	{"github.com/gofiber/fiber", serves, "", "Fiber"},
	{"github.com/gorilla/mux", serves, "", "gorilla/mux"},
	{"github.com/99designs/gqlgen", serves, "graphql", "gqlgen"},
	{"connectrpc.com/connect", serves, "grpc", "Connect"},
	{"github.com/spf13/cobra", commands, "", "Cobra"},
	{"github.com/urfave/cli", commands, "", "urfave/cli"},
	{"github.com/alecthomas/kong", commands, "", "Kong"},
}

func goModule(t *tree, u *unit, file string) {
	u.mark(language, "go", file, "it is a Go module")
	program := ""
	for _, name := range t.dirs[u.dir] {
		if path.Base(name) == "main.go" {
			program = name
		}
	}
	for _, name := range t.below(path.Join(u.dir, "cmd")) {
		if program == "" && path.Base(name) == "main.go" {
			program = name
		}
	}
	if program == "" {
		u.mark(lends, "", file, "it is a Go module without a main package")
	} else {
		u.mark(runs, "", program, "it has a main package")
	}
	module, err := modfile.ParseLax(file, t.content(file), nil)
	if err != nil || module.Module == nil {
		return
	}
	name := module.Module.Mod.Path
	u.names = append(u.names, Value{Text: path.Base(regexp.MustCompile(`/v\d+$`).ReplaceAllString(name, "")), Reason: "the module in " + file})
	if program == "" {
		return // a library may well be built with a server's
	}
	u.tell(goLibraries, func(library string) bool {
		return slices.ContainsFunc(module.Require, func(r *modfile.Require) bool {
			return !r.Indirect && (r.Mod.Path == library || strings.HasPrefix(r.Mod.Path, library+"/"))
		})
	}, file)
}

var nodeLibraries = []known{
	{"express", serves, "express", "Express"},
	{"fastify", serves, "fastify", "Fastify"},
	{"koa", serves, "", "Koa"},
	{"@nestjs/core", serves, "nestjs", "NestJS"},
	{"@hapi/hapi", serves, "", "hapi"},
	{"hono", serves, "", "Hono"},
	{"@grpc/grpc-js", serves, "grpc", "gRPC"},
	{"@apollo/server", serves, "graphql", "Apollo Server"},
	{"apollo-server", serves, "graphql", "Apollo Server"},
	{"next", shows, "nextjs", "Next.js"},
	{"nuxt", shows, "nuxt", "Nuxt"},
	{"@remix-run/react", shows, "remix", "Remix"},
	{"gatsby", shows, "gatsby", "Gatsby"},
	{"astro", shows, "astro", "Astro"},
	{"@angular/core", shows, "angular", "Angular"},
	{"react-dom", shows, "react", "React"},
	{"vue", shows, "vue", "Vue"},
	{"svelte", shows, "svelte", "Svelte"},
	{"@docusaurus/core", documents, "", "Docusaurus"},
}

func nodePackage(t *tree, u *unit, file string) {
	var p struct {
		Name            string          `json:"name"`
		Description     string          `json:"description"`
		Private         bool            `json:"private"`
		Workspaces      json.RawMessage `json:"workspaces"`
		Main            any             `json:"main"`
		Module          any             `json:"module"`
		Exports         any             `json:"exports"`
		Bin             any             `json:"bin"`
		Scripts         map[string]any  `json:"scripts"`
		Dependencies    map[string]any  `json:"dependencies"`
		DevDependencies map[string]any  `json:"devDependencies"`
		Peers           map[string]any  `json:"peerDependencies"`
	}
	if json.Unmarshal(t.content(file), &p) != nil {
		u.mark(language, "javascript", file, "it has a package.json")
		return
	}
	_, typed := p.DevDependencies["typescript"]
	if _, direct := p.Dependencies["typescript"]; typed || direct || t.has[path.Join(u.dir, "tsconfig.json")] {
		u.mark(language, "typescript", file, "it is written in TypeScript")
	} else {
		u.mark(language, "javascript", file, "it has a package.json")
	}
	u.state(p.Name[strings.LastIndexByte(p.Name, '/')+1:], p.Description, file)
	_, starts := p.Scripts["start"]
	_, builds := p.Scripts["build"]
	if len(p.Workspaces) > 0 || t.has[path.Join(u.dir, "lerna.json")] || t.has[path.Join(u.dir, "pnpm-workspace.yaml")] {
		u.members = len(p.Dependencies) == 0 && !starts
	}
	if u.members {
		return
	}
	// What others build with names its framework as a peer, and is no program for that.
	lent := !starts && (len(p.Peers) > 0 || !p.Private && (p.Main != nil || p.Module != nil || p.Exports != nil))
	if !lent {
		u.tell(nodeLibraries, func(library string) bool {
			_, direct := p.Dependencies[library]
			_, dev := p.DevDependencies[library]
			return direct || dev && (starts || builds) && !strings.HasPrefix(library, "express")
		}, file)
	}
	switch {
	case starts:
		u.mark(runs, "", file, "it has a script that starts it")
	case p.Bin != nil:
		u.mark(runs, "", file, "it installs a command")
		u.mark(commands, "", file, "it installs a command")
	case lent:
		u.mark(lends, "", file, "it is a package that others import")
	}
}

// state notes a name and a description that a build file gives.
func (u *unit) state(name, description, file string) {
	if name = strings.TrimSpace(name); name != "" {
		u.names = append(u.names, Value{Text: name, Reason: "the name in " + file})
	}
	if description = oneLine(description, maxDescription); description != "" {
		u.texts = append(u.texts, Value{Text: description, Reason: "the description in " + file})
	}
}

var javaLibraries = []known{
	{"spring-boot-starter-web", serves, "spring-boot", "Spring Boot"},
	{"spring-boot-starter-webflux", serves, "spring-boot", "Spring Boot"},
	{"spring-boot-starter-data-rest", serves, "spring-boot", "Spring Boot"},
	{"spring-cloud-starter-gateway", serves, "spring-boot", "Spring Cloud Gateway"},
	{"spring-boot-starter", runs, "spring-boot", "Spring Boot"},
	{"org.springframework.boot", framework, "spring-boot", "Spring Boot"},
	{"quarkus-", serves, "quarkus", "Quarkus"},
	{"io.quarkus", serves, "quarkus", "Quarkus"},
	{"micronaut-http-server", serves, "micronaut", "Micronaut"},
	{"io.micronaut.application", serves, "micronaut", "Micronaut"},
	{"ktor-server", serves, "ktor", "Ktor"},
	{"io.helidon", serves, "helidon", "Helidon"},
	{"dropwizard-core", serves, "dropwizard", "Dropwizard"},
	{"grpc-netty", serves, "grpc", "gRPC"},
	{"play-server", serves, "", "Play"},
}

func mavenProject(t *tree, u *unit, file string) {
	u.mark(language, "java", file, "it is a Maven project")
	data := t.content(file)
	var p struct {
		ArtifactID  string   `xml:"artifactId"`
		Name        string   `xml:"name"`
		Description string   `xml:"description"`
		Packaging   string   `xml:"packaging"`
		Modules     []string `xml:"modules>module"`
		Needs       []struct {
			Group    string `xml:"groupId"`
			Artifact string `xml:"artifactId"`
		} `xml:"dependencies>dependency"`
		Plugins []struct {
			Artifact string `xml:"artifactId"`
		} `xml:"build>plugins>plugin"`
	}
	if xml.Unmarshal(data, &p) != nil {
		return
	}
	name := p.ArtifactID
	if strings.Contains(name, "${") {
		name = ""
	}
	u.state(name, p.Description, file)
	u.members = p.Packaging == "pom" || len(p.Modules) > 0
	if u.members {
		return
	}
	u.tell(javaLibraries, func(library string) bool {
		for _, need := range p.Needs {
			if strings.HasPrefix(need.Artifact, library) && (library != "spring-boot-starter" || need.Artifact == library) || need.Group == library {
				return true
			}
		}
		return false
	}, file)
	for _, plugin := range p.Plugins {
		switch plugin.Artifact {
		case "spring-boot-maven-plugin", "quarkus-maven-plugin", "micronaut-maven-plugin":
			u.mark(runs, "", file, "it is built by "+plugin.Artifact)
		case "jib-maven-plugin":
			u.mark(packs, "", file, "it is made into an image by Jib")
		}
	}
	switch {
	case p.Packaging == "war":
		u.mark(serves, "", file, "it is packed as war")
	case u.find(runs) == nil && u.find(serves) == nil:
		u.mark(lends, "", file, "it is packed as jar, without a program")
	}
}

// gradleComment is what a build script says to nobody but people.
var gradleComment = regexp.MustCompile(`(?s)/\*.*?\*/|(?m)^\s*//.*$`)

func gradleProject(t *tree, u *unit, file string) {
	script := gradleComment.ReplaceAllString(string(t.content(file)), "")
	if strings.HasSuffix(file, ".kts") && strings.Contains(script, "kotlin") || strings.Contains(script, "org.jetbrains.kotlin") {
		u.mark(language, "kotlin", file, "it is a Gradle project in Kotlin")
	} else {
		u.mark(language, "java", file, "it is a Gradle project")
	}
	if t.has[path.Join(u.dir, "settings.gradle")] || t.has[path.Join(u.dir, "settings.gradle.kts")] {
		u.members = len(t.below(path.Join(u.dir, "src"))) == 0
	}
	if u.members {
		return
	}
	u.tell(javaLibraries, func(library string) bool { return strings.Contains(script, library) }, file)
	switch {
	case strings.Contains(script, "com.android.application"):
		u.mark(shows, "android", file, "it is an Android app")
	case strings.Contains(script, "com.google.cloud.tools.jib"):
		u.mark(packs, "", file, "it is made into an image by Jib")
	case strings.Contains(script, "mainClass") || strings.Contains(script, "id 'application'") || strings.Contains(script, `id("application")`) ||
		strings.Contains(script, "bootJar") || u.find(framework) != nil && strings.Contains(script, "org.springframework.boot"):
		u.mark(runs, "", file, "it has a main class")
	case u.find(serves) == nil:
		u.mark(lends, "", file, "it builds no program")
	}
}

// below are the files below a folder, in order.
func (t *tree) below(dir string) []string {
	start, _ := slices.BinarySearch(t.files, dir+"/")
	end, _ := slices.BinarySearch(t.files, dir+"0") // the character after the slash
	return t.files[start:end]
}

// readTOML decodes what has the wanted shape; false = it is no TOML.
func readTOML(data []byte, into any) bool { return data != nil && toml.Unmarshal(data, into) == nil }
