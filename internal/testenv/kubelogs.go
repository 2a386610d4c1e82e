package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// logsResource tells kwok which file is the log of which container.
var logsResource = customResource{group: "kwok.x-k8s.io", kind: "Logs", plural: "logs", versions: []string{"v1alpha1"}}

// podLogs are the files of the logs that were written, by namespace/pod and container.
type podLogs map[string]map[string]string

// WriteLog adds lines to the log of a container, and waits until the server shows them. Only pods on fake nodes have logs.
func (o *OwnKubeCluster) WriteLog(namespace, pod, container string, lines ...string) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), kubeAnswers)
	defer cancel()
	if err := o.writeLog(ctx, namespace, pod, container, lines); err != nil {
		o.t.Fatalf("writing the log of %s/%s %s: %v", namespace, pod, container, err)
	}
}

func (o *OwnKubeCluster) writeLog(ctx context.Context, namespace, pod, container string, lines []string) error {
	files := o.logs[namespace+"/"+pod]
	if files == nil {
		files = map[string]string{}
		o.logs[namespace+"/"+pod] = files
	}
	known := files[container] != ""
	if !known {
		files[container] = filepath.Join(o.plane.home, fmt.Sprintf("pod-%d-%d.log", len(o.logs), len(files)))
	}
	if err := appendLog(files[container], lines); err != nil {
		return err
	}
	if !known {
		object, err := logsObject(pod, files)
		if err != nil {
			return err
		}
		if err := apply(ctx, o.KubeCluster, namespace, object); err != nil {
			return err
		}
	}
	// kwok hears of it a moment later.
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log?container=%s", namespace, pod, url.QueryEscape(container))
	for {
		_, err := o.Ask(ctx, http.MethodGet, path, "")
		if refused := (*KubeError)(nil); err == nil || !errors.As(err, &refused) {
			return err
		}
		if !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}

// appendLog writes in the form of container runtimes: when, which stream, F for a full line, the line.
func appendLog(file string, lines []string) error {
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, text := range lines {
		for line := range strings.SplitSeq(text, "\n") {
			_, writeErr := fmt.Fprintf(log, "%s stdout F %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z"), line)
			err = errors.Join(err, writeErr)
		}
	}
	return errors.Join(err, log.Close())
}

// logsObject is what kwok is told of a pod.
func logsObject(pod string, files map[string]string) ([]byte, error) {
	type log struct {
		Containers []string `json:"containers"`
		LogsFile   string   `json:"logsFile"`
		Follow     bool     `json:"follow"`
	}
	var logs []log
	for _, container := range slices.Sorted(maps.Keys(files)) {
		logs = append(logs, log{[]string{container}, files[container], true})
	}
	return json.Marshal(map[string]any{
		"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Logs", "metadata": map[string]any{"name": pod},
		"spec": map[string]any{"logs": logs},
	})
}
