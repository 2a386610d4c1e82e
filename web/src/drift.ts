import type { DriftAction, DriftConfidence, DriftFilter, DriftKind } from "./api/generated";

export const driftWords: Record<DriftKind, { label: string; meaning: string }> = {
  OBSERVED_NOT_DECLARED: { label: "Not declared", meaning: "Calls that no catalog file names" },
  DECLARED_NEVER_OBSERVED: { label: "Never seen", meaning: "Declared, and never or not for long seen, though the caller is traced" },
  STRENGTH_CONTRADICTED: { label: "Other strength", meaning: "What fails with it, or does not, contradicts what is declared" },
  UNOWNED_BUT_CALLED: { label: "Nobody's", meaning: "Called, and nobody answers for it" },
  DEPRECATED_BUT_CALLED: { label: "Deprecated", meaning: "To go away, and still called" },
  DECLARED_OWNER_GONE: { label: "Owner gone", meaning: "The catalog file names an owner that is none of the teams and people that were imported" },
};

/** The kinds of findings, in the order of the server. */
export const driftKinds = Object.keys(driftWords) as DriftKind[];

export const confidenceWords: Record<DriftConfidence, { label: string; meaning: string }> = {
  HIGH: { label: "Sure", meaning: "Enough was seen, over days" },
  MEDIUM: { label: "Likely", meaning: "Some was seen" },
  LOW: { label: "Doubtful", meaning: "Little was seen: maybe an accident, or a gap of the instrumentation" },
};

export const confidences = Object.keys(confidenceWords) as DriftConfidence[];

export const actionWords: Record<DriftAction, string> = {
  ADD: "Add to",
  CHANGE: "Change the entry in",
  REMOVE: "Remove the entry from",
  CREATE: "Write, with the right owner,",
};

/** What the drift page shows, as its address has it. */
export interface DriftState {
  readonly of: string;
  readonly kind: DriftKind | "";
  readonly confidence: DriftConfidence | "";
  readonly owner: string;
  readonly environment: string;
}

/** Reads an address; a value that there is not is as good as none. */
export function driftState(params: URLSearchParams): DriftState {
  const text = (key: string) => params.get(key)?.trim() ?? "";
  return {
    of: text("of"),
    kind: driftKinds.find((kind) => kind === text("kind").toUpperCase()) ?? "",
    confidence: confidences.find((confidence) => confidence === text("confidence").toUpperCase()) ?? "",
    owner: text("owner"),
    environment: text("env"),
  };
}

/** What the kinds are counted over. */
export function driftScope({ of, confidence, owner }: DriftState): DriftFilter {
  return { ...(of && { refs: [of] }), ...(confidence && { confidence }), ...(owner && { owners: [owner] }) };
}

/** What the findings are listed by. */
export function driftFilter(state: DriftState): DriftFilter {
  return { ...driftScope(state), ...(state.kind && { kinds: [state.kind] }) };
}

/** A rate as people read it: "12/s", "3/min", "5/h", "2/day". */
export function rate(perSecond: number): string {
  for (const [seconds, unit] of [
    [1, "s"],
    [60, "min"],
    [3600, "h"],
    [86400, "day"],
  ] as const) {
    const n = perSecond * seconds;
    if (n >= 1 || unit === "day") {
      return `${n >= 100 ? Math.round(n).toLocaleString("en") : Number(n.toPrecision(2)).toLocaleString("en")}/${unit}`;
    }
  }
  return "0";
}

/** A number of requests, short: 950, 12k, 3.4M. */
export function amount(n: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(Math.round(n));
}

/** A share as people read it: "0%", "0.02%", "1.5%", "37%". */
export function share(part: number, of: number): string {
  if (of <= 0 || part <= 0) return "0%";
  const percent = (100 * part) / of;
  return percent < 0.01 ? "<0.01%" : `${Number(percent.toPrecision(2)).toLocaleString("en")}%`;
}
