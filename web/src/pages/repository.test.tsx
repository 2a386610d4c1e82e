import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { open, row, serve } from "../testing/server";

const onePage = { hasNextPage: false, endCursor: null };
const none = { totalCount: 0, nodes: [] };
const commit = "c0ffee42".repeat(5);

/** A place in a repository. */
function at(path: string, line: number) {
  return {
    location: `github.com/Acme/shop/${path}`,
    line,
    repository: "github.com/Acme/shop",
    path,
    commit,
    url: `https://github.com/Acme/shop/blob/${commit}/${path}#L${line}`,
  };
}

const nowhere = { repository: null, path: null, commit: null, url: null };

function entity(more: Record<string, unknown>) {
  return {
    ...row("component:default/checkout"),
    namespace: "default", description: null, tags: [], links: [], slo: null, capacity: null, onCall: [], runbooks: [], parents: [],
    groups: [], aliases: [], found: false, entryPoint: null, traffic: null, drift: [], health: null, workload: null, node: null,
    workloads: { totalCount: 0 }, runsOn: { totalCount: 0 }, runs: none, source: { source: "acme", ...at("catalog-info.yaml", 2) },
    firstSeen: null, lastSeen: null, formerRefs: [], problems: none, parts: none, members: none, owns: none, suggestedOwners: [],
    blastRadius: { totals: { outage: 0, degraded: 0, delayed: 0 } },
    ...more,
  };
}

function showEntity(more: Record<string, unknown>) {
  const empty = { totalCount: 0, pageInfo: onePage, nodes: [] };
  serve({
    EntityPage: () => ({ entity: entity(more) }),
    EntityChanges: () => ({ entity: { changes: { nodes: [], pageInfo: onePage } } }),
    Needs: () => ({
      entity: {
        dependencies: {
          totalCount: 1,
          pageInfo: onePage,
          nodes: [
            {
              strength: "HARD", traffic: null, anyOf: null, stale: false, environment: null, via: null, relation: null,
              other: row("component:default/ledger"),
              evidence: [
                { kind: "DECLARED", source: "acme", stale: false, firstSeen: null, lastSeen: null, ...at("catalog-info.yaml", 5) },
                { kind: "INFERRED", source: "rendered", stale: false, firstSeen: null, lastSeen: null, location: "shop/checkout.yaml", line: 7, ...nowhere },
              ],
            },
          ],
        },
      },
    }),
    NeededBy: () => ({ entity: { dependents: empty } }),
  });
  open("/entity/component/default/checkout");
}

describe("where things are written", () => {
  it("leads to the line at its commit, and to nowhere where nobody shows the file", async () => {
    showEntity({
      aliases: [{ alias: "otel:checkout", matchedBy: "DECLARATION", source: { location: "x", line: 9, url: at("x", 9).url } }],
      problems: {
        totalCount: 1,
        nodes: [
          {
            ...at("catalog-info.yaml", 4),
            field: null, severity: "WARNING", code: "self-dependency", message: "it needs itself", fix: null, ref: null, entity: null,
          },
        ],
      },
    });
    const link = await screen.findByRole("link", { name: "github.com/Acme/shop/catalog-info.yaml:2" });
    expect(link.getAttribute("href")).toBe(at("catalog-info.yaml", 2).url);
    expect(screen.getAllByText("at c0ffee4")[0]?.title).toContain(commit);
    expect(screen.getByRole("link", { name: "github.com/Acme/shop/catalog-info.yaml:4" }).getAttribute("href")).toContain("#L4");
    expect((await screen.findByText("github.com/Acme/shop/catalog-info.yaml:5")).getAttribute("href")).toContain("#L5");
    expect(screen.getByText("shop/checkout.yaml:7").tagName).toBe("CODE");
    expect(document.querySelector(`a.tag[href="${at("x", 9).url}"]`)).toBeTruthy();
  });

  it("is no link where the address is none of the web", async () => {
    showEntity({ source: { source: "acme", ...at("catalog-info.yaml", 2), url: "javascript:alert(1)" } });
    expect((await screen.findByText("github.com/Acme/shop/catalog-info.yaml:2")).tagName).toBe("CODE");
  });
});

describe("suggested owners", () => {
  const suggestedOwners = [
    { name: "@Acme/payments", entity: row("group:default/payments"), reason: "/services/", ...at(".github/CODEOWNERS", 3) },
    { name: "@stranger", entity: null, reason: null, location: "CODEOWNERS", line: 3, ...nowhere },
  ];

  it("are told with their reasons where the owner is described by nobody", async () => {
    showEntity({ 
      owner: { ...row("group:default/dissolved", { placeholder: true }), members: none },
      drift: [{ kind: "DECLARED_OWNER_GONE", confidence: "HIGH" }],
      suggestedOwners,
    });
    const list = within(await screen.findByRole("list", { name: "Suggested" }));
    expect(list.getByRole("link", { name: "Group payments" }).getAttribute("href")).toBe("/entity/group/default/payments");
    expect(list.getByText("/services/")).toBeTruthy();
    expect(list.getByRole("link", { name: /CODEOWNERS:3/ }).getAttribute("href")).toContain("#L3");
    expect(list.getByText("@stranger")).toBeTruthy();
    expect(screen.getByText(/Nobody describes it/)).toBeTruthy();
    expect(screen.getByRole("link", { name: "What to write" }).getAttribute("href")).toContain("kind=DECLARED_OWNER_GONE");
    expect(screen.queryByRole("heading", { name: "Traffic" })).toBeNull();
  });

  it("are not there where there are none", async () => {
    showEntity({ owner: { ...row("group:default/payments"), members: none } });
    await screen.findByRole("heading", { name: "Owner" });
    expect(screen.queryByText("Suggested")).toBeNull();
  });
});

describe("an owner that is gone", () => {
  it("is told without traffic, and what to write with its place", async () => {
    serve({
      DriftTotals: () => ({ drift: { totals: [{ kind: "DECLARED_OWNER_GONE", count: 1 }] }, sources: { nodes: [] } }),
      Drift: () => ({
        drift: {
          totalCount: 1,
          pageInfo: onePage,
          nodes: [
            {
              kind: "DECLARED_OWNER_GONE", confidence: "HIGH", message: "it names nobody", from: row("component:default/checkout"),
              to: row("group:default/dissolved"), entity: row("component:default/checkout"), requests: null, errors: null,
              requestRate: null, firstSeen: null, lastSeen: null,
              patch: { ...at("catalog-info.yaml", 5), action: "CHANGE", yaml: "spec:\n  owner: group:default/payments\n" },
            },
          ],
        },
      }),
    });
    open("/drift");
    (await screen.findByRole("button", { name: "What to write" })).click();
    expect((await screen.findByRole("link", { name: /catalog-info.yaml:5/ })).getAttribute("href")).toContain("#L5");
    expect(screen.queryByText("no traffic was seen")).toBeNull();
  });
});

describe("what a source may ask", () => {
  it("is shown by budget", async () => {
    const source = {
      id: "acme", kind: "github", state: "OK", error: null, lastScan: null, lastGood: null, durationSeconds: null, documents: 1,
      staleDocuments: 0, entities: 1, scopes: 1, lost: [], configured: true, environment: null, schedule: null, nextScan: null,
      watched: false, watchError: null, held: null,
      budgets: [
        { name: "core", limit: 5000, remaining: 4321, resetAt: "2026-01-02T03:34:05Z", used: 87 },
        { name: "graphql", limit: 5000, remaining: 0, resetAt: null, used: 3 },
      ],
    };
    serve({ Sources: () => ({ sources: { totalCount: 1, pageInfo: onePage, nodes: [source] } }) });
    open("/sources");
    expect(await screen.findByText(/4,321 of 5,000 requests left until/)).toBeTruthy();
    expect(screen.getByText(/the last scan used 87/)).toBeTruthy();
    expect(screen.getByText(/0 of 5,000 requests left/)).toBeTruthy();
  });
});
