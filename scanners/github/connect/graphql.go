package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"
)

// GraphQL asks a query for an owner, as [Connection.REST] does, and decodes its data into a pointer. Where a part of the
// query failed, into has the rest and the error is a [*QueryErrors]. It fails with [ErrNoGraphQL] where there is no GraphQL;
// [AskForLess] tells whether a smaller question may be answered. The query must be none that changes anything: it may be sent
// more than once.
func (c *Connection) GraphQL(ctx context.Context, owner, query string, variables map[string]any, into any) error {
	to, err := c.accountOf(ctx, owner)
	if err != nil {
		return err
	}
	asked, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return fmt.Errorf("variables of a GraphQL query: %w", err)
	}
	for try := 1; ; try++ {
		said, retryAfter, err := c.post(ctx, to, asked)
		if err != nil {
			return err
		}
		wrong, err := decode(said, into)
		if err != nil {
			return err
		}
		limit := wrong.limit()
		if limit == nil {
			return wrong.orNil()
		}
		to.limits.refuse("graphql", !secondWords(limit.Message), retryAfter)
		if try == refusals {
			return to.limits.givenUp("graphql")
		}
	}
}

// post sends a question, and gives what is said, and for how long GitHub wants to be left alone.
func (c *Connection) post(ctx context.Context, to *account, asked []byte) (said []byte, retryAfter string, err error) {
	request, err := http.NewRequestWithContext(repeatable(ctx, fewTries), http.MethodPost, c.graphql.String(), bytes.NewReader(asked))
	if err != nil {
		return nil, "", fmt.Errorf("asking GraphQL: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.config.UserAgent)
	answer, err := to.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		return nil, "", fmt.Errorf("asking GraphQL: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		said, err := messageOf(answer)
		if err != nil {
			return nil, "", err
		}
		return nil, "", fmt.Errorf("%w (%d: %s)", ErrNoGraphQL, answer.StatusCode, said.short())
	}
	if err := github.CheckResponse(answer); err != nil {
		return nil, "", fmt.Errorf("asking GraphQL: %w", err)
	}
	if said, err = io.ReadAll(answer.Body); err != nil {
		return nil, "", fmt.Errorf("reading the answer of GraphQL: %w", err)
	}
	return said, answer.Header.Get("Retry-After"), nil
}

// decode reads data and errors of an answer.
func decode(body []byte, into any) (*QueryErrors, error) {
	var said struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Type       string `json:"type"`
			Message    string `json:"message"`
			Path       []any  `json:"path"`
			Extensions struct {
				SAML bool   `json:"saml_failure"`
				Code string `json:"code"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, fmt.Errorf("reading the answer of GraphQL: %w", err)
	}
	wrong := &QueryErrors{}
	for _, one := range said.Errors {
		kind := one.Type
		if kind == "" {
			kind = one.Extensions.Code
		}
		wrong.Errors = append(wrong.Errors, QueryError{
			Type: kind, Message: message{Message: one.Message}.short(), Path: pathOf(one.Path), SAML: one.Extensions.SAML,
		})
	}
	if len(said.Data) == 0 || string(said.Data) == "null" {
		if len(wrong.Errors) == 0 {
			return nil, errors.New("the answer of GraphQL has neither data nor errors")
		}
		return wrong, nil
	}
	if err := json.Unmarshal(said.Data, into); err != nil {
		return nil, fmt.Errorf("reading the answer of GraphQL: %w", err)
	}
	return wrong, nil
}

func pathOf(path []any) []string {
	var texts []string
	for _, step := range path {
		switch step := step.(type) {
		case string:
			texts = append(texts, step)
		case float64:
			texts = append(texts, strconv.Itoa(int(step)))
		}
	}
	return texts
}

func (e *QueryErrors) orNil() error {
	if len(e.Errors) == 0 {
		return nil
	}
	return e
}

// limit is the refusal by a limit among the errors; nil = none is. GitHub spells its type in two ways.
func (e *QueryErrors) limit() *QueryError {
	for i, one := range e.Errors {
		if one.Type == "RATE_LIMITED" || one.Type == "RATE_LIMIT" || len(one.Path) == 0 && limitWords(one.Message) {
			return &e.Errors[i]
		}
	}
	return nil
}

// graphqlOf is where GraphQL is asked, beside the REST API: GitHub Enterprise Server has it elsewhere than github.com.
func graphqlOf(api *url.URL) *url.URL {
	at := *api
	if rest, ok := strings.CutSuffix(strings.TrimSuffix(at.Path, "/"), "/api/v3"); ok {
		at.Path = rest + "/api/graphql"
		return &at
	}
	at.Path = strings.TrimSuffix(at.Path, "/") + "/graphql"
	return &at
}
