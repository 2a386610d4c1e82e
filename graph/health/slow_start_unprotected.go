package health

import (
	"fmt"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func slowStartUnprotected() *Check {
	return &Check{
		ID:    "slow-start-unprotected",
		Title: "A slow start is not protected from liveness",
		Rationale: "A container that needs longer to start than its liveness probe allows is restarted for ever; a long initialDelaySeconds " +
			"instead leaves a hang unnoticed for as long after every restart.",
		Fix: "Add a startupProbe on the endpoint of the liveness probe, with periodSeconds × failureThreshold above the longest start, and drop " +
			"the initialDelaySeconds of liveness.",
		Reference: "Kubernetes: liveness and readiness probes rest until the startup probe has succeeded. A start counts as slow where a first " +
			"check is put off by slowStart (30s) or more, or where the image is known for it.",
		Severity: catalog.Warning, About: SubjectContainer,
		container: judgeStart,
	}
}

func judgeStart(w *workload, c *container) verdict {
	l, r, s := c.Liveness, c.Readiness, c.Startup
	if l == nil {
		return notApplicable("it has no liveness probe that could end a slow start")
	}
	if s != nil {
		if budget(s) < budget(l) {
			return fail("the startup probe gives up after %d s, sooner than liveness alone, which would after %d s", budget(s), budget(l)).at(s)
		}
		return pass("a startup probe gives it %d s to start", budget(s)).at(s)
	}
	if r != nil && int64(r.InitialDelay) >= budget(l) {
		return fail("liveness restarts it %d s after its start, before readiness is first asked after %d s", budget(l), r.InitialDelay).at(l)
	}
	if why := slowBecause(w.policy, c.Container); why != "" {
		return fail("it starts slowly (%s) and has no startup probe: liveness restarts it after %d s", why, budget(l)).at(l)
	}
	return unknown("how long it takes to start is not known; liveness restarts it after %d s", budget(l)).at(l)
}

// slowBecause says why a container counts as starting slowly; "" = nothing tells.
func slowBecause(policy *Policy, c *catalog.Container) string {
	longest := policy.SlowStart.Seconds()
	for _, p := range probesOf(c) {
		if float64(p.InitialDelay) >= longest {
			return fmt.Sprintf("%s waits %d s", p.purpose, p.InitialDelay)
		}
	}
	repository := repositoryOf(c.Image)
	name := repository[strings.LastIndexByte(repository, '/')+1:]
	if name != "" && (fits(policy.SlowImages, name) || fits(policy.SlowImages, repository)) {
		return "as " + name + " does"
	}
	return ""
}

// repositoryOf is an image without tag and digest.
func repositoryOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}
