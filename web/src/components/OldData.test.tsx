import { act, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { noteStore } from "../api/freshness";
import { Old, open, serve } from "../testing/server";

const onePage = { hasNextPage: false, endCursor: null };
const cycles = { cycles: { totalCount: 0, pageInfo: onePage, nodes: [] } };
const away = { confirmed: "2026-01-31T12:00:00Z", ageSeconds: 190, reason: "no route to <b>neo4j</b>" };
const banner = () => screen.queryByText("This may be old.");

afterEach(() => {
  vi.useRealTimers();
});

describe("what may be old", () => {
  it("is told with since when and why, and no more once the server has caught up", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    let old = true;
    const asked = serve({
      Cycles: () => (old ? new Old(cycles, away) : cycles),
      Freshness: () => (old ? new Old({ snapshot: { revision: 7 } }, away) : { snapshot: { revision: 8 } }),
    });
    open("/cycles");
    await waitFor(() => expect(banner()).toBeTruthy());
    const place = banner()?.closest("[role=status]");
    expect(place?.querySelector("time")?.getAttribute("datetime")).toBe(away.confirmed);
    expect(place?.textContent).toContain(away.reason);

    await act(() => vi.advanceTimersByTimeAsync(6_000));
    expect(asked.filter(({ name }) => name === "Freshness")).toHaveLength(1);
    expect(banner()).toBeTruthy();
    const before = asked.filter(({ name }) => name === "Cycles").length;
    old = false;
    await act(() => vi.advanceTimersByTimeAsync(6_000));
    await waitFor(() => expect(banner()).toBeNull());
    await waitFor(() => expect(asked.filter(({ name }) => name === "Cycles").length).toBeGreaterThan(before));
  });

  it("is found on a page that nobody touches", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    serve({ Cycles: () => cycles, Freshness: () => new Old({ snapshot: { revision: 7 } }, { ...away, confirmed: null }) });
    open("/cycles");
    await screen.findByRole("heading", { level: 1 });
    expect(banner()).toBeNull();
    await act(() => vi.advanceTimersByTimeAsync(31_000));
    await waitFor(() => expect(banner()).toBeTruthy());
    expect(document.querySelector(".old-data time")).toBeNull();
  });

  it("stays when the server itself does not answer", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    serve({ Cycles: () => new Old(cycles, away) }); // nobody answers Freshness
    open("/cycles");
    await waitFor(() => expect(banner()).toBeTruthy());
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    expect(banner()).toBeTruthy();
  });

  it.each([[undefined], [null], ["x"], [7]])("is not what %s says", (extension) => {
    serve({ Cycles: () => cycles });
    open("/cycles");
    act(() => noteStore(extension));
    expect(banner()).toBeNull();
  });

  it("counts without what cannot be read of it", async () => {
    serve({ Cycles: () => cycles });
    open("/cycles");
    act(() => noteStore({ confirmed: "nonsense", reason: 5 }));
    expect(banner()).toBeTruthy();
    expect(document.querySelector(".old-data time, .old-data details")).toBeNull();
  });
});
