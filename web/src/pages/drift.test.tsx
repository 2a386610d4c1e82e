import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { open, row, serve } from "../testing/server";

const onePage = { hasNextPage: false, endCursor: null };
const finding = {
  kind: "OBSERVED_NOT_DECLARED",
  confidence: "HIGH",
  message: "component:default/checkout calls component:default/fraud, which its catalog file does not name",
  from: row("component:default/checkout"),
  to: row("component:default/fraud"),
  entity: row("component:default/checkout"),
  requests: 12345,
  errors: 12,
  requestRate: 0.5,
  firstSeen: "2026-11-01T00:00:00Z",
  lastSeen: "2026-11-20T00:00:00Z",
  patch: { location: "checkout/catalog-info.yaml", line: 3, action: "ADD", yaml: "spec:\n  dependencies:\n    - ref: component:default/fraud\n" },
};
const unseen = { ...finding, kind: "DECLARED_NEVER_OBSERVED", requests: null, errors: null, requestRate: null, firstSeen: null, lastSeen: null, patch: null };

function catalog(nodes: unknown[], sources = [{ kind: "otlp", environment: "staging" }]) {
  return serve({
    DriftTotals: () => ({ drift: { totals: [{ kind: "OBSERVED_NOT_DECLARED", count: 7 }] }, sources: { nodes: sources } }),
    Drift: () => ({ drift: { totalCount: nodes.length, pageInfo: onePage, nodes } }),
  });
}

describe("the drift page", () => {
  it("tells what was found, and what to write on demand, by the keyboard too", async () => {
    catalog([finding, unseen]);
    open("/drift");
    const patch = await screen.findByRole("button", { name: "What to write" });
    expect(screen.getByText("12.3K requests")).toBeTruthy();
    expect(screen.getByText("30/min")).toBeTruthy();
    expect(screen.getByText("0.097% failed")).toBeTruthy();
    expect(screen.getByText("no traffic was seen")).toBeTruthy();
    patch.focus();
    await userEvent.keyboard("{Enter}");
    expect(screen.getByText("checkout/catalog-info.yaml:3")).toBeTruthy();
    expect(screen.getByText(/- ref: component:default\/fraud/)).toBeTruthy();
  });

  it("copies the patch", async () => {
    catalog([finding]);
    open("/drift");
    const user = userEvent.setup();
    const written = vi.spyOn(navigator.clipboard, "writeText");
    await user.click(await screen.findByRole("button", { name: "What to write" }));
    await user.click(screen.getByRole("button", { name: "Copy" }));
    expect(await screen.findByRole("button", { name: "Copied" })).toBeTruthy();
    expect(written).toHaveBeenCalledWith(finding.patch.yaml);
  });

  it("narrows to a kind, and the address says so", async () => {
    const asked = catalog([finding]);
    open("/drift");
    await userEvent.click(await screen.findByRole("button", { name: /7\s*Not declared/ }));
    expect(new URLSearchParams(window.location.search).get("kind")).toBe("OBSERVED_NOT_DECLARED");
    await waitFor(() => expect(asked.filter(({ name }) => name === "Drift").at(-1)?.variables.filter).toEqual({ kinds: ["OBSERVED_NOT_DECLARED"] }));
  });

  it("tells how to get traffic where there is none", async () => {
    catalog([], [{ kind: "files", environment: "production" }]);
    open("/drift");
    expect(await screen.findByText(/No source counts traffic yet/)).toBeTruthy();
  });
});
