import { cleanup, render } from "@testing-library/react";
import { afterEach, vi } from "vitest";
import { App } from "../App";
import { noteStore } from "../api/freshness";
import { newQueryClient } from "../api/hooks";

type Handler = (variables: Record<string, unknown>) => unknown;

/** An answer that is an error of the given code. */
export class Refused {
  constructor(
    readonly message: string,
    readonly code: string,
    readonly candidates: string[] = [],
  ) {}
}

/** An answer that may be old. */
export class Old {
  constructor(
    readonly data: unknown,
    readonly store: { confirmed: string | null; ageSeconds: number | null; reason: string },
  ) {}
}

afterEach(() => {
  cleanup();
  noteStore(undefined);
  vi.unstubAllGlobals();
});

/** Stands in for the server: each operation by its name. It returns what was asked, in order. */
export function serve(handlers: Record<string, Handler>): { name: string; variables: Record<string, unknown> }[] {
  const asked: { name: string; variables: Record<string, unknown> }[] = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    const { operationName: name, variables } = JSON.parse(String(init.body)) as {
      operationName: string;
      variables: Record<string, unknown>;
    };
    asked.push({ name, variables });
    const handler = handlers[name];
    if (!handler) throw new TypeError(`nobody answers ${name}`);
    const answer = handler(variables);
    const body =
      answer instanceof Refused
        ? {
            data: null,
            errors: [{ message: answer.message, extensions: { code: answer.code, candidates: answer.candidates } }],
          }
        : answer instanceof Old
          ? { data: answer.data, extensions: { revision: 7, store: answer.store } }
          : { data: answer, extensions: { revision: 7 } };
    return new Response(JSON.stringify(body), { headers: { "content-type": "application/graphql-response+json" } });
  });
  return asked;
}

/** Opens the application at an address. */
export function open(address: string) {
  window.history.replaceState(null, "", address);
  window.scrollTo = () => {};
  const client = newQueryClient();
  client.setDefaultOptions({ queries: { retry: false } });
  return render(<App client={client} />);
}

/** An entity as lists show it. */
export function row(ref: string, more: Record<string, unknown> = {}) {
  const name = ref.slice(ref.indexOf("/") + 1);
  const kind = ref.slice(0, ref.indexOf(":"));
  return {
    ref,
    kind: kind.charAt(0).toUpperCase() + kind.slice(1),
    name,
    title: null,
    placeholder: false,
    profile: null,
    type: null,
    lifecycle: null,
    tier: null,
    stale: false,
    discovered: false,
    owner: null,
    ...more,
  };
}
