package testenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// kubeProgram is the program of kube/main.go, built once into the cache folder of the user. A *MissingError says that its
// modules cannot be had.
func kubeProgram(ctx context.Context) (string, error) {
	folder, err := builtModule(ctx, "kube", func(ctx context.Context, module, folder string) error {
		version, err := goCommand(ctx, module, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
		if err != nil {
			return err
		}
		// What the server tells its clients.
		numbers := append(strings.Split(strings.TrimPrefix(version, "v"), "."), "", "")
		flags := fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
			"k8s.io/component-base/version", version, numbers[0], numbers[1])
		_, err = goCommand(ctx, module, "build", "-trimpath", "-buildvcs=false", "-ldflags="+flags,
			"-o", filepath.Join(folder, "kube"), ".")
		return err
	})
	return filepath.Join(folder, "kube"), err
}

// kwok is what plays the nodes and the life of their pods.
type kwok struct {
	program string
	stages  string // a file: how nodes become ready, pods run, complete and go, and claims of storage get a volume
}

// storageClass is the usual name of the one that clusters have by default.
const storageClass = "standard"

// kwokStages are the files of the module that kwok needs to be told; it knows no life by itself.
var kwokStages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
	"volume/fast/pvc-provision.yaml", "volume/fast/pv-bind.yaml",
}

// kwokProgram is built as kubeProgram is. It is a program of its own, as its flags clash with those of Kubernetes.
func kwokProgram(ctx context.Context) (kwok, error) {
	folder, err := builtModule(ctx, "kwok", func(ctx context.Context, module, folder string) error {
		_, err := goCommand(ctx, module, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", filepath.Join(folder, "kwok"), "sigs.k8s.io/kwok/cmd/kwok")
		if err != nil {
			return err
		}
		source, err := goCommand(ctx, module, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
		if err != nil {
			return err
		}
		var stages []byte
		for _, name := range kwokStages {
			stage, err := os.ReadFile(filepath.Join(source, "kustomize", "stage", name))
			if err != nil {
				return err
			}
			stages = fmt.Appendf(stages, "---\n%s", bytes.ReplaceAll(stage, []byte("kwok-volume"), []byte(storageClass)))
		}
		return os.WriteFile(filepath.Join(folder, "stages.yaml"), stages, 0o644)
	})
	return kwok{program: filepath.Join(folder, "kwok"), stages: filepath.Join(folder, "stages.yaml")}, err
}

// KubeBuilt says whether the programs lie in the cache folder.
func KubeBuilt() bool {
	for _, name := range []string{"kube", "kwok"} {
		folder, _, err := moduleFolder(name)
		if err != nil {
			return false
		}
		if _, err := os.Stat(folder); err != nil {
			return false
		}
	}
	return true
}

// PrepareKube builds the programs that are not built yet. A *MissingError says that their modules cannot be had.
func PrepareKube(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kubeBuilds)
	defer cancel()
	if _, err := kubeProgram(ctx); err != nil {
		return err
	}
	_, err := kwokProgram(ctx)
	return err
}

// builtModule is the folder that build fills from the module of that name below this package. It is kept until the module,
// this file or Go changes.
func builtModule(ctx context.Context, name string, build func(ctx context.Context, module, folder string) error) (string, error) {
	folder, module, err := moduleFolder(name)
	if err != nil {
		return "", err
	}
	return folder, fillOnce(ctx, folder, func(ctx context.Context, empty string) error {
		if _, err := exec.LookPath("go"); err != nil {
			return &MissingError{fmt.Sprintf("there is no Go to build %s with: %s", name, err)}
		}
		if _, err := goCommand(ctx, module, "mod", "download"); err != nil {
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
	files := os.DirFS(filepath.Dir(module))
	add := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		_, _ = fmt.Fprintf(digest, "%s %d\n%s", path, len(content), content)
		return err
	}
	// How it is built stands in this file.
	if err := errors.Join(fs.WalkDir(files, name, add), fs.WalkDir(files, "kubebuild.go", add)); err != nil {
		return "", "", fmt.Errorf("reading the module %s: %w", name, err)
	}
	folder, err = cacheFolder(fmt.Sprintf("%s-%x", name, digest.Sum(nil)[:6]))
	return folder, module, err
}

// goCommand returns what go writes, without the end of the line.
func goCommand(ctx context.Context, module string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir, command.Env = module, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var words strings.Builder
	command.Stderr = &words
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s in %s: %w: %s", args[0], module, err, lastLines(words.String(), 10))
	}
	return strings.TrimSpace(string(output)), nil
}
