package githubtest

import (
	"fmt"
	"os"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// LoadSchema reads GitHub's schema of GraphQL from a file, for [Options].
func LoadSchema(path string) (*ast.Schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	document, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: path, Input: string(text)})
	if err != nil {
		return nil, fmt.Errorf("reading the schema of GitHub: %w", err)
	}
	for _, d := range document.Definitions { // as published, some types have a field twice
		known := make(map[string]bool)
		d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool {
			twice := known[f.Name]
			known[f.Name] = true
			return twice
		})
	}
	schema, err := validator.ValidateSchemaDocument(document)
	if err != nil {
		return nil, fmt.Errorf("the schema of GitHub: %w", err)
	}
	return schema, nil
}
