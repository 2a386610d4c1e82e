package testenv

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// describedPaths are those of REST that are kept of its description: with all of the some 800, Prism takes long to start.
const describedPaths = `^/(meta|rate_limit|search/issues|user|user/repos|app|app/installations.*|installation/repositories|` +
	`users/\{username\}(/(repos|installation))?|orgs/\{org\}(/(repos|members|installation|teams.*))?|` +
	`repos/\{owner\}/\{repo\}(/(git|contents|branches|commits|compare|pulls|issues|check-runs|statuses|installation)(/.*)?)?)$`

// webhooksPath is where a server of the description takes webhooks.
const webhooksPath = "/webhooks/"

// describedWebhooks are those of webhooks, by event and action.
const describedWebhooks = `^(ping|push|check-run-rerequested|installation-(created|deleted|suspend|unsuspend|new-permissions-accepted)|` +
	`installation-repositories-(added|removed)|membership-(added|removed)|organization-(member-added|member-removed|renamed)|` +
	`pull-request-(opened|closed|reopened|synchronize)|team-(created|deleted|edited|added-to-repository)|` +
	`repository-(created|deleted|renamed|transferred|edited|archived|unarchived|privatized|publicized))$`

// partOf is the part of an OpenAPI description that tells of the paths and of the webhooks, with the components that it
// refers to. Webhooks are paths, too: so a server of the description takes and judges them.
func partOf(description []byte, paths, webhooks string) ([]byte, error) {
	fits, err := regexp.Compile(paths)
	if err != nil {
		return nil, err
	}
	wanted, err := regexp.Compile(webhooks)
	if err != nil {
		return nil, err
	}
	var whole map[string]any
	if err := json.Unmarshal(description, &whole); err != nil {
		return nil, err
	}
	kept, _ := whole["paths"].(map[string]any)
	components, _ := whole["components"].(map[string]any)
	maps.DeleteFunc(kept, func(path string, _ any) bool { return !fits.MatchString(path) })
	hooks, _ := whole["x-webhooks"].(map[string]any)
	delete(whole, "x-webhooks")
	for name, webhook := range hooks {
		if wanted.MatchString(name) {
			kept[webhooksPath+name] = webhook
		}
	}
	if len(kept) == 0 || components == nil {
		return nil, errors.New("the description has none of the paths")
	}
	needed := map[string]any{}
	if err := need(needed, components, kept); err != nil {
		return nil, err
	}
	whole["components"] = needed
	return json.Marshal(whole)
}

// need copies the components that a part refers to, and those that they refer to.
func need(needed, components map[string]any, part any) error {
	switch p := part.(type) {
	case []any:
		for _, item := range p {
			if err := need(needed, components, item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, value := range p {
			reference, is := value.(string)
			if name != "$ref" || !is {
				if err := need(needed, components, value); err != nil {
					return err
				}
				continue
			}
			kind, name, _ := strings.Cut(strings.TrimPrefix(reference, "#/components/"), "/")
			all, _ := components[kind].(map[string]any)
			component, there := all[name]
			if !there {
				return fmt.Errorf("the description refers to %s, which it does not have", reference)
			}
			if needed[kind] == nil {
				needed[kind] = map[string]any{}
			}
			if of := needed[kind].(map[string]any); of[name] == nil {
				of[name] = component
				if err := need(needed, components, component); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
