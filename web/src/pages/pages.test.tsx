import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { groups } from "../components/Needs";
import { open, Refused, row, serve } from "../testing/server";
import { filterOf } from "./Entities";

const onePage = { hasNextPage: false, endCursor: null };
const need = { strength: "HARD", anyOf: null, stale: false, environment: null, via: null, relation: null, evidence: [] };

describe("the catalog's filter", () => {
  it.each([
    ["", {}],
    ["kind=API&owner=payments&tier=1", { kinds: ["API"], owners: ["payments"], tiers: [1] }],
    ["tier=0", { tiers: [0] }],
    ["tier=9", {}],
    ["tier=x&kind=", {}],
    ["described=no", { placeholder: true }],
    ["problems=yes&name=pay", { hasProblems: true, namePrefix: "pay" }],
    ["owned=no&kind=API", { owned: false, kinds: ["API"] }],
  ])("?%s", (query, want) => expect(filterOf(new URLSearchParams(query))).toEqual(want));

  it("misses an owner only on what can have one", () => {
    const filter = filterOf(new URLSearchParams("owned=no"));
    expect(filter.kinds).toContain("Component");
    expect(filter.kinds).not.toContain("User");
  });

  it("is in the address, and going back undoes it", async () => {
    const asked = serve({
      Entities: () => ({ entities: { totalCount: 1, pageInfo: onePage, nodes: [row("component:default/a")] } }),
    });
    open("/entities");
    await screen.findByText("1 entity");
    await userEvent.selectOptions(screen.getByLabelText("Tier"), "1");
    await waitFor(() => expect(asked.at(-1)?.variables).toMatchObject({ filter: { tiers: [1] } }));
    expect(window.location.search).toBe("?tier=1");
    window.history.back();
    await waitFor(() => expect((screen.getByLabelText("Tier") as HTMLSelectElement).value).toBe(""));
  });

  it("narrows to an owner that is looked up among the groups", async () => {
    const asked = serve({
      Entities: () => ({ entities: { totalCount: 1, pageInfo: onePage, nodes: [row("component:default/a")] } }),
      Search: ({ text, filter }) => ({
        search: {
          nodes:
            text === "pay" && (filter as { kinds: string[] }).kinds[0] === "group"
              ? [{ field: "NAME", text: "payments", entity: row("group:default/payments") }]
              : [],
        },
      }),
    });
    open("/entities");
    await userEvent.type(await screen.findByRole("combobox", { name: "Owner" }), "pay");
    await screen.findByRole("option", { name: /group:payments/ });
    await userEvent.keyboard("{Enter}");
    const chip = await screen.findByRole("button", { name: "Owner group:payments: remove this filter" });
    expect(asked.at(-1)?.variables).toMatchObject({ filter: { owners: ["group:default/payments"] } });
    await userEvent.click(chip);
    await waitFor(() => expect(window.location.search).toBe(""));
  });

  it("reads on from the cursor", async () => {
    const asked = serve({
      Entities: ({ after }) => ({
        entities: {
          totalCount: 2,
          pageInfo: after === null ? { hasNextPage: true, endCursor: "c1" } : onePage,
          nodes: [row(after === null ? "component:default/first" : "component:default/second")],
        },
      }),
    });
    open("/entities");
    await userEvent.click(await screen.findByRole("button", { name: "Show more" }));
    expect(await screen.findByText("second")).toBeTruthy();
    expect(screen.getByText("first")).toBeTruthy();
    expect(asked.at(-1)?.variables["after"]).toBe("c1");
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });

  it("offers the way out of an empty list", async () => {
    serve({ Entities: () => ({ entities: { totalCount: 0, pageInfo: onePage, nodes: [] } }) });
    open("/entities?tier=4");
    await userEvent.click(await screen.findByRole("button", { name: "Show everything" }));
    expect(window.location.search).toBe("");
  });
});

describe("needs", () => {
  const other = row("component:default/a");
  it("are grouped by alternatives, plain ones first", () => {
    const list = [
      { ...need, anyOf: "psp", other },
      { ...need, other },
      { ...need, anyOf: "psp", other },
    ] as unknown as Parameters<typeof groups>[0];
    expect(groups(list, "needs").map(({ name, members }) => [name, members.length])).toEqual([
      [null, 1],
      ["psp", 2],
    ]);
    expect(groups(list, "needed-by")).toHaveLength(1);
  });
});

describe("the blast radius", () => {
  const totals = { outage: 1, degraded: 0, delayed: 0 };
  function catalog() {
    return serve({
      BlastRadius: ({ of }) => ({
        blastRadius: {
          failed: { totalCount: 1, nodes: [{ entity: row("resource:default/db"), partOf: null }] },
          totals: (of as string[]).includes("quiet") ? { outage: 0, degraded: 0, delayed: 0 } : totals,
          tiers: [],
          journeys: { totalCount: 1, nodes: [{ impact: "OUTAGE", entity: row("journey:default/buy"), observedReach: { share: 0.372, shareAtMost: 0.372 } }] },
          systems: { totalCount: 0, nodes: [] },
          teams: {
            totalCount: 1,
            nodes: [
              {
                owner: row("group:default/pay"),
                impacted: 1,
                worst: "OUTAGE",
                onCall: [{ kind: "pagerduty", target: "P123" }],
              },
            ],
          },
        },
      }),
      Impacted: () => ({
        blastRadius: {
          impacted: {
            totalCount: 1,
            pageInfo: onePage,
            nodes: [
              {
                impact: "OUTAGE",
                observedReach: { share: 0.1, shareAtMost: 0.25 },
                distance: 1,
                entity: row("component:default/payments"),
                path: [{ ...need, from: row("component:default/payments"), to: row("resource:default/db") }],
                alternatives: [],
              },
            ],
          },
        },
      }),
      Search: () => ({ search: { nodes: [{ field: "NAME", text: "stripe", entity: row("external:default/stripe") }] } }),
    });
  }

  it("shows whom to call and why", async () => {
    catalog();
    open("/blast-radius?of=resource:default/db");
    const teams = await screen.findByRole("region", { name: "Teams to page" });
    expect(within(teams).getByText("P123")).toBeTruthy();
    const table = await screen.findByRole("table");
    expect(within(table).getByRole("link", { name: "Component payments" })).toBeTruthy();
    expect(within(table).getAllByText("db").length).toBeGreaterThan(0);
    expect(screen.getByText("37% of its requests")).toBeTruthy();
    expect(within(table).getByText("10% to 25% of its requests")).toBeTruthy();
  });

  it("asks by the strengths that traffic shows, and the address says so", async () => {
    const asked = catalog();
    open("/blast-radius?of=resource:default/db");
    await userEvent.click(await screen.findByRole("checkbox", { name: /strengths that traffic shows/ }));
    await waitFor(() => expect(asked.filter(({ name }) => name === "BlastRadius").at(-1)?.variables["strength"]).toBe("BEHAVES"));
    expect(new URLSearchParams(window.location.search).get("strength")).toBe("behaves");
    expect(new URLSearchParams(window.location.search).getAll("of")).toEqual(["resource:default/db"]);
  });

  it("takes more failing entities, and each can be taken back", async () => {
    const asked = catalog();
    open("/blast-radius?of=resource:default/db");
    await userEvent.type(await screen.findByRole("combobox", { name: /What else fails/ }), "stri");
    await screen.findByRole("option");
    await userEvent.keyboard("{Enter}");
    await waitFor(() =>
      expect(asked.filter(({ name }) => name === "BlastRadius").at(-1)?.variables["of"]).toEqual([
        "resource:default/db",
        "external:default/stripe",
      ]),
    );
    await userEvent.click(screen.getByRole("button", { name: "Do not let db fail" }));
    expect(new URLSearchParams(window.location.search).getAll("of")).toEqual(["external:default/stripe"]);
  });

  it("says it where nothing is hit", async () => {
    catalog();
    open("/blast-radius?of=quiet");
    expect(await screen.findByText(/Nothing else is hit/)).toBeTruthy();
  });
});

describe("when things go wrong", () => {
  it("an unknown entity shows what may have been meant", async () => {
    serve({
      EntityPage: () => new Refused("component:default/x is not in the catalog", "NOT_FOUND", ["component:default/y"]),
    });
    open("/entity/component/default/x");
    expect(await screen.findByText("Nothing in the catalog has this name.")).toBeTruthy();
    expect(screen.getByRole("link", { name: "component:y" })).toBeTruthy();
  });

  it("the server being away is said, and asking again works", async () => {
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("refused")));
    open("/problems");
    expect(await screen.findByText("The server is away")).toBeTruthy();
    serve({ Problems: () => ({ problems: { totalCount: 0, pageInfo: onePage, nodes: [] } }) });
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText(/No problems/)).toBeTruthy();
  });

  it("an address that is none of ours leads back", async () => {
    open("/nowhere");
    expect(await screen.findByRole("heading", { name: "There is no such page" })).toBeTruthy();
    expect(document.title).toBe("There is no such page · Orrery");
  });
});
