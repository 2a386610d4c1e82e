import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { byRevision } from "../components/ChangeList";
import { open, Refused, row, serve } from "../testing/server";

const onePage = { hasNextPage: false, endCursor: null };
const source = {
  id: "repos",
  kind: "files",
  state: "OK",
  error: null,
  lastScan: "2026-01-02T03:04:05Z",
  lastGood: "2026-01-02T03:04:05Z",
  durationSeconds: 0.25,
  documents: 40,
  staleDocuments: 0,
  entities: 40,
  scopes: 12,
  lost: [],
  configured: true,
  environment: "production",
  schedule: "@every 30m",
  nextScan: "2026-01-02T03:34:05Z",
  watched: false,
  watchError: null,
  held: null,
  budgets: [],
};
const held = {
  digest: "d1",
  since: "2026-01-02T03:04:05Z",
  entities: 35,
  of: 40,
  reason: "more than 20 % of its entities",
  refs: ["component:default/a"],
};

describe("the sources", () => {
  it("have removals approved by the digest that was shown, and only when somebody is sure", async () => {
    let waits = true;
    const asked = serve({
      Sources: () => ({
        sources: { totalCount: 1, pageInfo: onePage, nodes: [waits ? { ...source, state: "HELD", held } : source] },
      }),
      ApproveScan: () => {
        waits = false;
        return { approveScan: { put: 0, removed: 35, unreadable: 0, source } };
      },
    });
    open("/sources");
    const group = await screen.findByRole("group", { name: "Removals of repos that wait" });
    expect(within(group).getByText("35 entities of 40 would be removed")).toBeTruthy();
    await userEvent.click(within(group).getByRole("button", { name: /Approve/ }));
    expect(asked.some(({ name }) => name === "ApproveScan")).toBe(false);
    await userEvent.click(within(group).getByRole("button", { name: "Yes, remove 35 entities" }));
    await waitFor(() => expect(screen.queryByRole("group", { name: /wait/ })).toBeNull());
    expect(asked.find(({ name }) => name === "ApproveScan")?.variables).toEqual({ id: "repos", digest: "d1" });
  });

  it("say when what was shown is no longer what would be removed", async () => {
    serve({
      Sources: () => ({ sources: { totalCount: 1, pageInfo: onePage, nodes: [{ ...source, state: "HELD", held }] } }),
      ApproveScan: () => new Refused("what waits for approval has changed since it was shown", "CONFLICT"),
    });
    open("/sources");
    await userEvent.click(await screen.findByRole("button", { name: /Approve/ }));
    await userEvent.click(screen.getByRole("button", { name: /Yes, remove/ }));
    expect(await screen.findByText(/has changed since it was shown/)).toBeTruthy();
  });

  it("are scanned on demand", async () => {
    serve({
      Sources: () => ({ sources: { totalCount: 1, pageInfo: onePage, nodes: [source] } }),
      ScanSource: () => ({ scanSource: { put: 3, removed: 1, unreadable: 2, source } }),
    });
    open("/sources");
    await userEvent.click(await screen.findByRole("button", { name: "Scan now" }));
    expect((await within(screen.getByRole("main")).findByRole("status")).textContent).toBe(
      "Scanned: 3 documents came or changed, 1 went, 2 could not be read.",
    );
  });
});

describe("the changes", () => {
  const change = { time: "2026-01-02T03:04:05Z", ref: "component:default/a", source: "repos", entity: row("component:default/a") };

  it("stand together by revision, and tell what became of what", async () => {
    const asked = serve({
      Changes: () => ({
        changes: {
          totalCount: 4,
          pageInfo: onePage,
          nodes: [
            { ...change, revision: 7, field: "owner", old: "group:default/x", new: "group:default/y" },
            { ...change, revision: 7, field: "dependsOn component:default/b", old: null, new: "HARD" },
            { ...change, revision: 6, field: null, old: "PLACEHOLDER", new: "DESCRIBED" },
            { ...change, revision: 5, ref: "component:default/gone", entity: null, field: null, old: "DESCRIBED", new: null },
          ],
        },
      }),
    });
    open("/changes?of=component:default/a&since=7d");
    expect(await screen.findByText("group:default/y")).toBeTruthy();
    expect(screen.getAllByText(/^revision/)).toHaveLength(3);
    expect(screen.getByText(/is now described/)).toBeTruthy();
    expect(screen.getByText(/is gone/)).toBeTruthy();
    expect(asked.at(-1)?.variables).toMatchObject({ of: "component:default/a", upstream: false });
    await userEvent.click(screen.getByRole("checkbox", { name: /everything it needs/ }));
    await waitFor(() => expect(asked.at(-1)?.variables).toMatchObject({ upstream: true }));
    expect(window.location.search).toContain("upstream=yes");
  });

  it("of one revision that come apart are two groups", () => {
    const at = (revision: number) => ({ ...change, revision, field: null, old: null, new: null }) as never;
    expect(byRevision([at(3), at(3), at(2)]).map(({ rows }) => rows.length)).toEqual([2, 1]);
    expect(byRevision([])).toEqual([]);
  });
});

describe("what is shown", () => {
  class Stream extends EventTarget {
    static readonly CLOSED = 2;
    static all: Stream[] = [];
    readyState = 1;
    constructor(readonly url: string) {
      super();
      Stream.all.push(this);
    }
    close() {
      this.readyState = Stream.CLOSED;
    }
  }
  beforeEach(() => {
    Stream.all = [];
    vi.stubGlobal("EventSource", Stream);
    vi.useFakeTimers({ shouldAdvanceTime: true });
  });
  afterEach(() => vi.useRealTimers());

  it("is asked for anew when the catalog has changed, once for many changes", async () => {
    const asked = serve({ Sources: () => ({ sources: { totalCount: 1, pageInfo: onePage, nodes: [source] } }) });
    open("/sources");
    await screen.findByText("repos");
    expect(Stream.all[0]?.url).toContain("subscription");
    const before = asked.length;
    for (let i = 0; i < 100; i++) Stream.all[0]?.dispatchEvent(new Event("next"));
    await act(() => vi.advanceTimersByTimeAsync(3_000));
    expect(asked.length).toBe(before + 1);
  });

  it("is followed again after the server has ended the stream", async () => {
    serve({ Sources: () => ({ sources: { totalCount: 0, pageInfo: onePage, nodes: [] } }) });
    open("/sources");
    await screen.findByText(/No source is configured/);
    Stream.all[0]?.dispatchEvent(new Event("complete"));
    expect(Stream.all[0]?.readyState).toBe(Stream.CLOSED);
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    expect(Stream.all).toHaveLength(2);
  });
});
