package testenv

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// kubeVersion is that of k8s.io/kubernetes in kube/go.mod. The server tells it to its clients.
const kubeVersion = "v1.36.3"

const componentVersion = "k8s.io/component-base/version"

// kubeProgram is the program of kube/main.go, built once into the cache folder of the user. A *MissingError says that its
// modules cannot be had.
func kubeProgram(ctx context.Context) (string, error) {
	major, minor, _ := strings.Cut(strings.TrimPrefix(kubeVersion, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	folder, err := builtModule(ctx, "kube", func(ctx context.Context, module, folder string) error {
		return goCommand(ctx, module, "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(folder, "kube"),
			"-ldflags", fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
				componentVersion, kubeVersion, major, minor), ".")
	})
	return filepath.Join(folder, "kube"), err
}

// kwok is what plays the nodes and the life of their pods.
type kwok struct {
	program string
	stages  string // a file: how nodes become ready, and pods run, complete and go
}

// kwokStages are the files of the module that kwok needs to be told; it knows no life by itself.
var kwokStages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
}

// kwokProgram is built as kubeProgram is. It is a program of its own, as its flags clash with those of Kubernetes.
func kwokProgram(ctx context.Context) (kwok, error) {
	folder, err := builtModule(ctx, "kwok", func(ctx context.Context, module, folder string) error {
		if err := goCommand(ctx, module, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
			"-o", filepath.Join(folder, "kwok"), "sigs.k8s.io/kwok/cmd/kwok"); err != nil {
			return err
		}
		list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
		list.Dir, list.Env = module, goEnvironment()
		source, err := list.Output()
		if err != nil {
			return fmt.Errorf("finding the sources of kwok: %w", err)
		}
		var stages []byte
		for _, name := range kwokStages {
			stage, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(source)), "kustomize", "stage", name))
			if err != nil {
				return err
			}
			stages = append(append(stages, "---\n"...), stage...)
		}
		return os.WriteFile(filepath.Join(folder, "stages.yaml"), stages, 0o644)
	})
	return kwok{program: filepath.Join(folder, "kwok"), stages: filepath.Join(folder, "stages.yaml")}, err
}

// builtModule is the folder that build fills from the module of that name below this package. It is kept until the module
// or Go changes.
func builtModule(ctx context.Context, name string, build func(ctx context.Context, module, folder string) error) (string, error) {
	folder, module, err := moduleFolder(name)
	if err != nil {
		return "", err
	}
	return folder, fillOnce(ctx, folder, func(ctx context.Context, empty string) error {
		if _, err := exec.LookPath("go"); err != nil {
			return &MissingError{fmt.Sprintf("there is no Go to build %s with: %s", name, err)}
		}
		if err := goCommand(ctx, module, "mod", "download"); err != nil {
			return &MissingError{fmt.Sprintf("the Go modules of %s cannot be had: %s", name, err)}
		}
		return build(ctx, module, empty)
	})
}

// moduleFolder names where a module is built to, and where its sources are.
func moduleFolder(name string) (folder, module string, err error) {
	root, err := projectRoot()
	if err != nil {
		return "", "", err
	}
	module = filepath.Join(root, "internal", "testenv", name)
	digest := sha256.New()
	_, _ = fmt.Fprintln(digest, runtime.Version()) // hashing never fails
	files := os.DirFS(module)
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		_, _ = fmt.Fprintf(digest, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("reading the module %s: %w", name, err)
	}
	folder, err = cacheFolder(fmt.Sprintf("%s-%x", name, digest.Sum(nil)[:6]))
	return folder, module, err
}

func goCommand(ctx context.Context, module string, args ...string) error {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir, command.Env = module, goEnvironment()
	if words, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s in %s: %w: %s", args[0], module, err, lastLines(string(words), 10))
	}
	return nil
}

func goEnvironment() []string { return append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off") }
