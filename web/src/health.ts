import type { HealthFilter, HealthOrder, NameFragment, Outcome, Severity } from "./api/generated";

export const outcomeWords: Record<Outcome, { label: string; meaning: string }> = {
  FAIL: { label: "Fails", meaning: "a check of severity error failed" },
  UNKNOWN: { label: "Unknown", meaning: "what would have to be known is not" },
  PASS: { label: "Passes", meaning: "no check of severity error failed" },
  NOT_APPLICABLE: { label: "Not applicable", meaning: "there is nothing to judge" },
};

/** The outcomes, the worst first. */
export const outcomes = Object.keys(outcomeWords) as Outcome[];

const orders: readonly HealthOrder[] = ["OUTCOME", "TIER", "REF"];

/** What the health page shows, as its address has it. */
export interface HealthState {
  /** One service alone: a ref, or what a person typed. */
  readonly of: string;
  readonly outcome: Outcome | "";
  readonly check: string;
  readonly severity: Severity | "";
  readonly owner: string;
  /** "" is the environment that the server takes where none is named. */
  readonly environment: string;
  readonly tier: string;
  readonly order: HealthOrder;
  /** The refs of the services whose findings are shown. */
  readonly opened: readonly string[];
}

/** Reads an address; a value that there is not is as good as none. */
export function healthState(params: URLSearchParams): HealthState {
  const text = (key: string) => params.get(key)?.trim() ?? "";
  const upper = (key: string) => text(key).toUpperCase();
  return {
    of: text("of"),
    outcome: outcomes.find((outcome) => outcome === upper("outcome")) ?? "",
    check: text("check"),
    severity: upper("severity") === "ERROR" ? "ERROR" : upper("severity") === "WARNING" ? "WARNING" : "",
    owner: text("owner"),
    environment: text("env"),
    tier: /^[0-4]$/.test(text("tier")) ? text("tier") : "",
    order: orders.find((order) => order === upper("order")) ?? "OUTCOME",
    opened: [...new Set(params.getAll("open").filter((ref) => ref !== ""))],
  };
}

/** What the totals are counted over: whom one asks about, whatever came out. */
export function scopeOf({ of, owner, tier }: HealthState): HealthFilter {
  return {
    ...(of && { refs: [of] }),
    ...(owner && { owners: [owner] }),
    ...(tier && { tiers: [Number(tier)] }),
  };
}

/** What the services are listed by. */
export function filterOf(state: HealthState): HealthFilter {
  return {
    ...scopeOf(state),
    ...(state.check && { checks: [state.check] }),
    ...(state.severity && { severities: [state.severity] }),
    ...(state.outcome && { outcomes: [state.outcome] }),
  };
}

/** One value of an address set, or taken out where it is "". Who asks for a check or a severity means what fails it. */
export function withValue(params: URLSearchParams, key: string, value: string): URLSearchParams {
  const after = new URLSearchParams(params);
  if (value === "") after.delete(key);
  else after.set(key, value);
  if ((key === "check" || key === "severity") && value !== "" && !after.has("outcome")) after.set("outcome", "FAIL");
  return after;
}

/** The address with the findings of one service shown, or no more. */
export function toggled(params: URLSearchParams, ref: string): URLSearchParams {
  const opened = params.getAll("open");
  const after = new URLSearchParams(params);
  after.delete("open");
  for (const other of opened.includes(ref) ? opened.filter((o) => o !== ref) : [...opened, ref]) after.append("open", other);
  return after;
}

/** The health page with one service alone, opened. */
export function healthOfPath(ref: string): string {
  return `/health?${new URLSearchParams({ of: ref, open: ref }).toString()}`;
}

/** How many of these failed, by severity. */
export function tally(failed: readonly { severity: Severity }[]): { errors: number; warnings: number } {
  const errors = failed.filter(({ severity }) => severity === "ERROR").length;
  return { errors, warnings: failed.length - errors };
}

/** Results of one workload, or of a cluster (null), by container; null is the whole workload. */
export interface WorkloadResults<Result> {
  workload: NameFragment | null;
  parts: { container: string | null; results: Result[] }[];
}

/** The results by workload and container, each in the order in which it comes first; the gravest of a container first. */
export function byWorkload<
  Result extends { workload: NameFragment | null; container: string | null; outcome: Outcome; severity: Severity },
>(results: readonly Result[]): WorkloadResults<Result>[] {
  const groups = new Map<string, WorkloadResults<Result>>();
  for (const result of results) {
    const key = result.workload?.ref ?? "";
    const group = groups.get(key) ?? { workload: result.workload, parts: [] };
    groups.set(key, group);
    const part = group.parts.find(({ container }) => container === result.container);
    if (part) part.results.push(result);
    else group.parts.push({ container: result.container, results: [result] });
  }
  const gravity = (result: Result) => outcomes.indexOf(result.outcome) * 2 + (result.severity === "ERROR" ? 0 : 1);
  for (const { parts } of groups.values()) {
    for (const { results } of parts) results.sort((a, b) => gravity(a) - gravity(b));
  }
  return [...groups.values()];
}

/** The environments that can be asked for: those of the sources and the one that is looked at, without duplicates. */
export function environmentsOf(sources: readonly { environment: string | null }[], current: string): string[] {
  const known = sources.flatMap(({ environment }) => (environment ? [environment] : []));
  return [...new Set(["production", ...known, ...(current ? [current] : [])])].sort();
}
