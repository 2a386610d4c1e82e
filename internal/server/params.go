package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// readParams reads the parameters of a request; the status says what is wrong with it.
func readParams(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, int, error) {
	params := &graphql.RawParams{Headers: r.Header}
	params.ReadTime.Start = graphql.Now()
	var err error
	if r.Method == http.MethodGet {
		err = readQuery(r, params)
	} else {
		media, options, mediaErr := mime.ParseMediaType(r.Header.Get("Content-Type"))
		charset, stated := options["charset"]
		if mediaErr != nil || media != mediaJSON || stated && !strings.EqualFold(charset, "utf-8") {
			return nil, http.StatusUnsupportedMediaType, errors.New("the Content-Type must be " + mediaJSON)
		}
		err = readBody(http.MaxBytesReader(w, r.Body, maxBodyBytes), params)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, errors.New("the body is larger than 256 KiB")
	case err != nil:
		return nil, http.StatusBadRequest, err
	case params.Query == "":
		return nil, http.StatusBadRequest, errNoQuery
	}
	return params, 0, nil
}

func readQuery(r *http.Request, params *graphql.RawParams) error {
	query := r.URL.Query()
	params.Query, params.OperationName = query.Get("query"), query.Get("operationName")
	if !utf8.ValidString(params.Query) {
		return errors.New("the query is not UTF-8")
	}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := query.Get(name); text != "" {
			if err := decode(strings.NewReader(text), into); err != nil {
				return errors.New(name + " is not a JSON object")
			}
		}
	}
	return nil
}

// readJSON reads the parameters that a message has.
func readJSON(payload []byte, params *graphql.RawParams) error {
	if err := readBody(bytes.NewReader(payload), params); err != nil {
		return err
	}
	if params.Query == "" {
		return errNoQuery
	}
	return nil
}

var errNoQuery = errors.New("there is no query")

func readBody(body io.Reader, params *graphql.RawParams) error {
	var sent struct {
		Query         *string        `json:"query"`
		OperationName *string        `json:"operationName"`
		Variables     map[string]any `json:"variables"`
		Extensions    map[string]any `json:"extensions"`
	}
	if err := decode(body, &sent); err != nil {
		var (
			mistyped *json.UnmarshalTypeError
			tooLarge *http.MaxBytesError
		)
		switch {
		case errors.As(err, &tooLarge):
			return err
		case errors.As(err, &mistyped) && mistyped.Field != "":
			return errors.New(mistyped.Field + " must not be a JSON " + mistyped.Value)
		}
		return errors.New("the body is not a JSON object with a query")
	}
	if sent.Query != nil {
		params.Query = *sent.Query
	}
	if sent.OperationName != nil {
		params.OperationName = *sent.OperationName
	}
	params.Variables, params.Extensions = sent.Variables, sent.Extensions
	return nil
}

// decode reads exactly one JSON value.
func decode(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("there is something behind the JSON value")
		}
		return err
	}
	return nil
}
