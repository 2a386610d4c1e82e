import { describe, expect, it, vi } from "vitest";
import { ask, AnswerError, AwayError } from "./client";
import { Lookup } from "./generated";
import { Refused, serve } from "../testing/server";

describe("ask", () => {
  it("returns the data", async () => {
    serve({ Lookup: ({ typed }) => ({ entity: { ref: typed } }) });
    await expect(ask(Lookup, { typed: "x" })).resolves.toEqual({ entity: { ref: "x" } });
  });

  it("tells an error of the server with its code and candidates", async () => {
    serve({ Lookup: () => new Refused("paymnts is not in the catalog", "NOT_FOUND", ["component:default/payments"]) });
    const error = await ask(Lookup, { typed: "paymnts" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AnswerError);
    expect(error).toMatchObject({ code: "NOT_FOUND", candidates: ["component:default/payments"] });
  });

  it.each([
    ["no connection", async () => Promise.reject(new TypeError("refused"))],
    ["a page of a proxy", async () => new Response("<html>502</html>", { status: 502 })],
    ["no data", async () => new Response("{}", { status: 500 })],
  ])("says that the server is away: %s", async (_, fetch) => {
    vi.stubGlobal("fetch", fetch);
    await expect(ask(Lookup, { typed: "x" })).rejects.toBeInstanceOf(AwayError);
  });

  it("does not call a cancelled question a failure of the server", async () => {
    vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
      init.signal?.throwIfAborted();
    });
    const controller = new AbortController();
    controller.abort();
    await expect(ask(Lookup, { typed: "x" }, controller.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});
