import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { open, Refused, row, serve } from "../testing/server";

const onePage = { hasNextPage: false, endCursor: null };
const counts = { pass: 1, fail: 1, unknown: 0, notApplicable: 0 };
const check = { id: "no-readiness", title: "Serves traffic without a readiness probe", rationale: "Because.", fix: "Add one.", reference: "Kubernetes", severity: "ERROR" };
const workload = row("workload:shop/prod.deployment.basket");
const finding = { check, outcome: "FAIL", severity: "ERROR", workload, container: "app", message: "nothing asks it", location: "shop/basket.yaml", line: 12 };
const exempted = {
  ...finding,
  check: { ...check, id: "no-liveness", title: "No liveness probe" },
  outcome: "NOT_APPLICABLE",
  container: "proxy",
  message: "it has none",
  exemption: { reason: "the vendor has no endpoint", expires: "2027-01-01T00:00:00Z" },
};

function catalog(nodes: unknown[]) {
  return serve({
    HealthTotals: () => ({
      health: {
        totalCount: 2,
        totals: {
          services: counts,
          checks: [{ check: { id: check.id }, results: counts }],
          teams: { totalCount: 1, nodes: [{ owner: row("group:default/checkout"), services: counts }] },
        },
        problems: [],
        definitions: [check],
      },
      sources: { nodes: [{ environment: "staging" }] },
    }),
    Health: () => ({ health: { totalCount: nodes.length, pageInfo: onePage, nodes } }),
    ServiceHealth: () => ({ entity: { health: { outcome: "FAIL", findings: [finding], rest: [exempted] } } }),
  });
}

describe("the health page", () => {
  const service = { outcome: "FAIL", entity: row("component:default/basket", { tier: 1 }), checks: [{ severity: "ERROR" }, { severity: "WARNING" }] };

  it("opens the findings of a service by the keyboard, and the address says so", async () => {
    catalog([service]);
    open("/health");
    const opener = await screen.findByRole("button", { name: "Findings of basket: Fails" });
    expect(opener.getAttribute("aria-expanded")).toBe("false");
    opener.focus();
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByText("Nothing asks it.")).toBeTruthy();
    expect(opener.getAttribute("aria-expanded")).toBe("true");
    expect(new URLSearchParams(window.location.search).get("open")).toBe("component:default/basket");
    expect(screen.getAllByText("shop/basket.yaml:12")).toHaveLength(2);
    expect(screen.getByText("Add one.")).toBeTruthy();
    expect(screen.getByText(/The vendor has no endpoint/)).toBeTruthy();
    expect(screen.getByText(/It expires on/)).toBeTruthy();
    await userEvent.keyboard(" ");
    await waitFor(() => expect(screen.queryByText("Nothing asks it.")).toBeNull());
  });

  it("narrows by tile, check, severity and environment, all in the address", async () => {
    const asked = catalog([service]);
    const last = () => asked.filter(({ name }) => name === "Health").at(-1)?.variables;
    open("/health");
    const tiles = screen.getByRole("group", { name: "Services by outcome" });
    await userEvent.click(within(tiles).getByRole("button", { name: /Passes/ }));
    await waitFor(() => expect(last()).toMatchObject({ filter: { outcomes: ["PASS"] } }));
    expect(within(tiles).getByRole("button", { name: /Passes/ }).getAttribute("aria-pressed")).toBe("true");
    await userEvent.click(within(tiles).getByRole("button", { name: /Passes/ }));
    await userEvent.click(await screen.findByRole("button", { name: check.title }));
    await waitFor(() => expect(last()).toMatchObject({ filter: { checks: ["no-readiness"], outcomes: ["FAIL"] } }));
    await userEvent.selectOptions(screen.getByLabelText("Severity"), "WARNING");
    await userEvent.selectOptions(screen.getByLabelText("Environment"), "staging");
    await waitFor(() => expect(last()).toMatchObject({ environment: "staging", filter: { severities: ["WARNING"] } }));
    expect(window.location.search).toBe("?check=no-readiness&outcome=FAIL&severity=WARNING&env=staging");
    expect(asked.filter(({ name }) => name === "HealthTotals").at(-1)?.variables).toEqual({ filter: {}, environment: "staging" });
  });

  it("tells an empty list that is narrowed from one without workloads", async () => {
    catalog([]);
    open("/health?severity=ERROR");
    await userEvent.click(await screen.findByRole("button", { name: "Show everything" }));
    expect(await screen.findByText(/No workload is known in this environment/)).toBeTruthy();
  });

  it("shows who may have been meant by an owner", async () => {
    serve({
      HealthTotals: () => new Refused("paymnts is not in the catalog", "NOT_FOUND", ["group:default/payments"]),
      Health: () => new Refused("paymnts is not in the catalog", "NOT_FOUND", ["group:default/payments"]),
    });
    open("/health?owner=paymnts");
    expect(await screen.findByRole("link", { name: "group:payments" })).toBeTruthy();
  });
});
