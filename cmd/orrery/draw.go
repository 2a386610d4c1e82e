package main

import (
	"fmt"
	"io"
	"strings"
)

// drawing is a graph to be drawn by Graphviz or Mermaid.
type drawing struct {
	nodes []drawnNode
	edges []drawnEdge
}

type drawnNode struct {
	ref, note string
	fill      string // a colour as #rrggbb; "" = none
}

type drawnEdge struct{ from, to, label, style string }

// The line styles, as Graphviz names them.
const (
	solid  = "solid"
	dashed = "dashed"
	dotted = "dotted"
)

// strengthStyle draws what is less than HARD as a broken line.
func strengthStyle(strength string) string {
	switch strength {
	case "SOFT":
		return dashed
	case "ASYNC":
		return dotted
	default:
		return solid
	}
}

func impactColor(impact string) string {
	switch impact {
	case "OUTAGE":
		return "#f4a7a3"
	case "DEGRADED":
		return "#f7d08a"
	case "DELAYED":
		return "#bcd7f0"
	default:
		return ""
	}
}

func (d drawing) write(w io.Writer, format string) error {
	text := d.dot()
	if format == formatMermaid {
		text = d.mermaid()
	}
	_, err := io.WriteString(w, text)
	return err
}

// labels are the names of the nodes, with their notes.
func (d drawing) labels() []string {
	refs := make([]string, len(d.nodes))
	for i, node := range d.nodes {
		refs[i] = node.ref
	}
	labels := namesApart(refs)
	for i, node := range d.nodes {
		if node.note != "" {
			labels[i] += " " + node.note
		}
	}
	return labels
}

func (d drawing) dot() string {
	var b strings.Builder
	labels := d.labels()
	b.WriteString("digraph orrery {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=sans];\n")
	for i, node := range d.nodes {
		fill := ""
		if node.fill != "" {
			fill = ", fillcolor=" + dotQuoted(node.fill)
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", dotQuoted(node.ref), dotQuoted(labels[i]), fill)
	}
	for _, edge := range d.edges {
		fmt.Fprintf(&b, "  %s -> %s [label=%s, style=%s];\n", dotQuoted(edge.from), dotQuoted(edge.to), dotQuoted(edge.label), edge.style)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotQuoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(printable(s)) + `"`
}

func (d drawing) mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[string]string{}
	labels := d.labels()
	for i, node := range d.nodes {
		ids[node.ref] = fmt.Sprintf("n%d", i)
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i, mermaidEscaped(labels[i]))
	}
	for _, edge := range d.edges {
		arrow := "-->"
		if edge.style != solid {
			arrow = "-.->"
		}
		label := ""
		if edge.label != "" {
			label = fmt.Sprintf("|\"%s\"|", mermaidEscaped(edge.label))
		}
		fmt.Fprintf(&b, "  %s %s%s %s\n", ids[edge.from], arrow, label, ids[edge.to])
	}
	for _, node := range d.nodes {
		if node.fill != "" {
			fmt.Fprintf(&b, "  style %s fill:%s\n", ids[node.ref], node.fill)
		}
	}
	return b.String()
}

// mermaidEscaped writes everything that Mermaid or the HTML it makes could take for its own as a numbered entity.
func mermaidEscaped(s string) string {
	var b strings.Builder
	for _, r := range printable(s) {
		switch r {
		case '"', '#', '&', '<', '>', '`', ';', '\\', '[', ']', '{', '}', '|', '*', '_', '~':
			fmt.Fprintf(&b, "#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// nodesOf lists the ends of edges, each once, in the order in which they come, after those given.
func nodesOf(given []drawnNode, edges []drawnEdge) []drawnNode {
	seen := map[string]bool{}
	for _, node := range given {
		seen[node.ref] = true
	}
	for _, edge := range edges {
		for _, ref := range []string{edge.from, edge.to} {
			if !seen[ref] {
				seen[ref] = true
				given = append(given, drawnNode{ref: ref})
			}
		}
	}
	return given
}
