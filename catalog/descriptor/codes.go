package descriptor

// The codes of problems, stable for scripts. Those of the first group refuse the document, the others are warnings.
const (
	CodeTooLarge          = "too-large"
	CodeYAML              = "yaml-syntax"
	CodeDuplicateKey      = "duplicate-key"
	CodeNUL               = "nul-byte"
	CodeTooDeep           = "too-deep"
	CodeAlias             = "yaml-alias" // an alias of YAML: unknown, endless or used too often
	CodeNotAMap           = "not-a-map"
	CodeMissingField      = "missing-field"
	CodeWrongType         = "wrong-type"
	CodeEmptyValue        = "empty-value"
	CodeInvalidFormat     = "invalid-format"
	CodeUnknownField      = "unknown-field"
	CodeUnknownKind       = "unknown-kind" // a warning where the kind is kept as a custom one
	CodeUnknownAPIVersion = "unknown-api-version"
	CodeInvalidReference  = "invalid-reference" // a warning in fields that Backstage does not know
	CodePlaceholder       = "invalid-placeholder"

	CodeTemplate              = "template"
	CodeInvalidUTF8           = "invalid-utf8"
	CodeBareReference         = "bare-reference"
	CodeMisspeltField         = "misspelt-field"
	CodeMisplacedField        = "misplaced-field"
	CodeSelfDependency        = "self-dependency"
	CodeDuplicateDependency   = "duplicate-dependency"
	CodeInvalidValue          = "invalid-value"
	CodeUnexpectedKind        = "unexpected-kind" // a reference to a kind that the field is not meant for
	CodeUnresolvedPlaceholder = "unresolved-placeholder"
	CodeLocationType          = "location-type"
)
