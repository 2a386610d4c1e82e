import type { EvidenceKind, Impact, MatchedBy, SearchField, SourceState, Strength } from "./api/generated";

export const impactWords: Record<Impact, { label: string; meaning: string }> = {
  OUTAGE: { label: "Outage", meaning: "fails" },
  DEGRADED: { label: "Degraded", meaning: "goes on with less" },
  DELAYED: { label: "Delayed", meaning: "works, its results come later" },
  NONE: { label: "None", meaning: "is not hit" },
};

export const strengthWords: Record<Strength, { label: string; meaning: string }> = {
  HARD: { label: "hard", meaning: "Fails without it" },
  SOFT: { label: "soft", meaning: "Goes on with a fallback without it" },
  ASYNC: { label: "async", meaning: "Works without it; results come later" },
};

export const evidenceWords: Record<EvidenceKind, { label: string; meaning: string }> = {
  DECLARED: { label: "Declared", meaning: "A file says so" },
  OBSERVED: { label: "Observed", meaning: "Traffic was seen, or a live cluster says so" },
  INFERRED: { label: "Inferred", meaning: "Configuration suggests it, such as the name of a host in a variable" },
};

/** The kinds of evidence, the surest first. */
export const evidenceKinds = Object.keys(evidenceWords) as EvidenceKind[];

export const matchedByWords: Record<MatchedBy, string> = {
  DECLARATION: "declared",
  LABEL: "by a label",
  REWRITE: "by a rewrite rule",
  NAMESPACE_NAME: "by namespace and name",
  NAME: "by name",
  DISCOVERY: "discovered under it",
};

export const fieldWords: Record<SearchField, string> = {
  NAME: "named",
  TITLE: "titled",
  ALIAS: "also known as",
  TAG: "tagged",
  DESCRIPTION: "described as",
};

export const sourceWords: Record<SourceState, string> = {
  PENDING: "not read yet",
  OK: "fine",
  STALE: "partly stale",
  FAILED: "failed, last good data shown",
  HELD: "removals wait for approval",
};

/** Why something of telemetry could not be used. */
export const lostWords: Record<string, string> = {
  missing_parent: "spans whose parent never came",
  self_call: "calls of a service to itself",
  duplicate: "spans that came before",
  invalid_id: "spans with a bad id",
  rejected_request: "malformed requests or files",
  no_service_name: "spans without a service",
  unmatched_client: "calls whose called nothing names",
  unlinked_consumer: "messages whose producer nothing names",
  late: "spans that came too late",
  evicted: "spans pushed out of memory",
  refused: "spans turned away, to be sent again",
  too_many_flows: "calls beyond the limit of edges",
  too_many_spans: "spans beyond the limit of a trace",
  too_many_services: "spans beyond the limit of services",
  unreadable: "parts that could not be read",
  too_large: "too large requests",
};

/** What an entity is to the catalog, as changes tell it. */
export const standingWords: Record<string, string> = {
  DESCRIBED: "described",
  DISCOVERED: "discovered, and described by nobody",
  FOUND: "found in a cluster",
  PLACEHOLDER: "only referred to",
};

/** The kinds that the list can be narrowed to, with their plurals. */
export const kinds: readonly { kind: string; plural: string }[] = [
  { kind: "Component", plural: "Components" },
  { kind: "API", plural: "APIs" },
  { kind: "Resource", plural: "Resources" },
  { kind: "Journey", plural: "Journeys" },
  { kind: "System", plural: "Systems" },
  { kind: "Domain", plural: "Domains" },
  { kind: "External", plural: "Third parties" },
  { kind: "Workload", plural: "Workloads" },
  { kind: "Node", plural: "Nodes" },
  { kind: "Zone", plural: "Zones" },
  { kind: "Cluster", plural: "Clusters" },
  { kind: "Group", plural: "Groups" },
  { kind: "User", plural: "People" },
];

const contactKinds: Record<string, string> = {
  pagerduty: "PagerDuty",
  opsgenie: "Opsgenie",
  grafana: "Grafana OnCall",
  url: "Web",
  email: "E-mail",
  chat: "Chat",
};

export function contactKind(kind: string): string {
  return contactKinds[kind] ?? kind;
}

/** Where a contact can be opened; null where it is only a name. Other schemes than these are never links. */
export function contactHref(contact: { kind: string; target: string }): string | null {
  if (/^https?:\/\//i.test(contact.target)) return contact.target;
  if (/^mailto:/i.test(contact.target)) return contact.target;
  if (contact.kind === "email") return `mailto:${contact.target}`;
  return null;
}

/** The address of a link if it may be followed from a page of ours: web and mail addresses only. */
export function safeHref(url: string): string | null {
  return /^(https?:\/\/|mailto:)/i.test(url) ? url : null;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

/** A length of time in the largest unit that divides it: 2592000 is "30 days". */
export function duration(seconds: number): string {
  for (const [size, unit] of [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return count(seconds / size, unit);
  }
  return `${Math.round(seconds * 1000)} ms`;
}

/** A latency as people read it: "350 µs", "12 ms", "1.4 s". */
export function latency(n: number): string {
  if (n < 0.001) return `${Math.max(1, Math.round(n * 1e6))} µs`;
  if (n < 1) return `${Number((n * 1000).toPrecision(n < 0.1 ? 2 : 3))} ms`;
  return `${Number(n.toPrecision(2))} s`;
}

/** A moment as a person reads it here; null where it is not known. */
export function moment(time: string | null): string | null {
  return time === null ? null : new Date(time).toLocaleString();
}

/** A measured time. */
export function seconds(n: number): string {
  return n < 1 ? `${Math.round(n * 1000)} ms` : `${n.toLocaleString("en", { maximumFractionDigits: 1 })} s`;
}
