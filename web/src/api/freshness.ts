import { useSyncExternalStore } from "react";

/** What the server says of answers that may be old. */
export interface StoreState {
  /** When what is shown was last known to be all that the store held; null = not since the server was started. */
  readonly confirmed: string | null;
  readonly reason: string;
}

let current: StoreState | null = null;
const listeners = new Set<() => void>();

/** Takes the extension of an answer; anything but an object says that the answer is new. */
export function noteStore(extension: unknown) {
  const next = read(extension);
  if (next?.confirmed === current?.confirmed && next?.reason === current?.reason) return;
  current = next;
  listeners.forEach((listener) => listener());
}

function read(extension: unknown): StoreState | null {
  if (typeof extension !== "object" || extension === null) return null;
  const { confirmed, reason } = extension as { confirmed?: unknown; reason?: unknown };
  return {
    confirmed: typeof confirmed === "string" && !Number.isNaN(Date.parse(confirmed)) ? confirmed : null,
    reason: typeof reason === "string" ? reason : "",
  };
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** What the last answer said; null = it is new. */
export function useStoreState(): StoreState | null {
  return useSyncExternalStore(subscribe, () => current);
}
