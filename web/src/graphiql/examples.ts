/** What the tabs of GraphiQL hold at first. The names are those of the demo company. */
export const examples: readonly { query: string }[] = [
  {
    query: `# Who owns payments, and how do I reach them now?
query WhoOwns {
  entity(ref: "payments") {
    ref
    title
    owner {
      ref
      members { nodes { name profile { displayName email } } }
    }
    onCall { kind target }
    runbooks
    links { title url }
    source { location line }
  }
}
`,
  },
  {
    query: `# What breaks when the payments database fails, and whom to page?
query WhatBreaks {
  blastRadius(of: ["payments-db"]) {
    totals { outage degraded delayed }
    journeys { nodes { impact entity { ref title } } }
    teams { nodes { owner { ref } worst impacted onCall { kind target } } }
    impacted(first: 10) {
      totalCount
      nodes {
        impact
        distance
        entity { ref }
        path { from { ref } to { ref } strength }
      }
    }
  }
}
`,
  },
  {
    query: `# Which databases does the journey "buy" touch?
query DatabasesOf {
  dependencies(of: "journey:buy", direction: NEEDS, kinds: ["Resource"]) {
    entities(first: 50) {
      totalCount
      nodes { distance entity { ref type owner { ref } } }
    }
  }
}
`,
  },
  {
    query: `# What is wrong in the catalog files?
query WhatIsWrong {
  problems(first: 20) {
    totalCount
    nodes { severity location line field message fix }
  }
  cycles { nodes { entities { nodes { ref } } } }
}
`,
  },
];
