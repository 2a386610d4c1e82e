package main

import "strings"

// What several answers have in common: the GraphQL selections, and the shapes of the JSON contract. A nil pointer is an
// unknown value, written as null.

type refNode struct {
	Ref string `json:"ref"`
}

func refs(nodes []refNode) []string {
	list := make([]string, len(nodes))
	for i, node := range nodes {
		list[i] = node.Ref
	}
	return list
}

// refOf is the ref of something that may not be there.
func refOf(node *refNode) *string {
	if node == nil {
		return nil
	}
	return &node.Ref
}

const evidenceFields = "evidence { kind location line commit url }"

// evidence says why an edge is believed. It leaves out the source, whose id depends on where the data is read from.
type evidence struct {
	Kind     string  `json:"kind"`
	Location *string `json:"location"`
	Line     *int    `json:"line"`
	Commit   *string `json:"commit"`
	URL      *string `json:"url"`
}

const dependencyFields = "from { ref } to { ref } strength behaves anyOf via { ref } stale " + trafficFields + " " + evidenceFields

type dependencyNode struct {
	From, To refNode
	Strength string
	Behaves  *string
	AnyOf    *string
	Via      *refNode
	Stale    bool
	Traffic  *traffic
	Evidence []evidence
}

// edge is one edge of the dependency map.
type edge struct {
	From     string     `json:"from"`
	To       string     `json:"to"`
	Strength string     `json:"strength"`
	Behaves  *string    `json:"behaves"`
	Evidence []evidence `json:"evidence"`
	AnyOf    *string    `json:"anyOf"`
	Via      *string    `json:"via"`
	Stale    bool       `json:"stale"`
	Traffic  *traffic   `json:"traffic"`
}

func edges(nodes []dependencyNode) []edge {
	list := make([]edge, len(nodes))
	for i, n := range nodes {
		list[i] = edge{
			From: n.From.Ref, To: n.To.Ref, Strength: n.Strength, Behaves: n.Behaves, Evidence: clone(n.Evidence),
			AnyOf: n.AnyOf, Via: refOf(n.Via), Stale: n.Stale, Traffic: n.Traffic,
		}
	}
	return list
}

func (e edge) drawn() drawnEdge {
	var notes []string
	if strengthStyle(e.Strength) != solid {
		notes = append(notes, strings.ToLower(e.Strength))
	}
	if e.AnyOf != nil {
		notes = append(notes, "any of "+*e.AnyOf)
	}
	if e.Via != nil {
		notes = append(notes, "via "+shortName(*e.Via))
	}
	return drawnEdge{from: e.From, to: e.To, label: strings.Join(notes, ", "), style: strengthStyle(e.Strength)}
}

const contactFields = "onCall { kind target }"

// contact is a way to reach somebody.
type contact struct {
	Kind   string `json:"kind"`
	Target string `json:"target"`
}

func contacts(list []contact) string {
	var text string
	for i, c := range list {
		if i > 0 {
			text += ", "
		}
		text += c.Kind + " " + c.Target
	}
	return text
}

const linkFields = "links { url title icon type }"

type link struct {
	URL   string  `json:"url"`
	Title *string `json:"title"`
	Icon  *string `json:"icon"`
	Type  *string `json:"type"`
}

const (
	versionFields = "repository path commit url"
	placeFields   = "source { location line " + versionFields + " }"
)

// placed is where something is written down.
type placed struct {
	Location   *string `json:"location"`
	Line       *int    `json:"line"`
	Repository *string `json:"repository"`
	Path       *string `json:"path"` // in the repository
	Commit     *string `json:"commit"`
	URL        *string `json:"url"`
}

// text is a link where there is one, else location and line.
func (s *placed) text() string {
	switch {
	case s == nil:
		return ""
	case s.URL != nil:
		return *s.URL
	}
	return place(s.Location, s.Line)
}
