import type { ProbeFactsFragment, WorkloadFactsFragment } from "./api/generated";
import { count } from "./words";

/** The names of controllers as people know them. */
const controllers: Record<string, string> = {
  deployment: "Deployment",
  statefulset: "StatefulSet",
  daemonset: "DaemonSet",
  cronjob: "CronJob",
  job: "Job",
  pod: "Pod",
};

/** The name of a sort of workload. */
export function controllerName(kind: string): string {
  return controllers[kind] ?? kind;
}

/** What a probe asks: `GET :8080/readyz`, `connect to :5432`, `gRPC health of :9000`, `run pg_isready`. */
export function probeAsks(probe: ProbeFactsFragment): string {
  const at = `${probe.host ?? ""}:${probe.port ?? "?"}`;
  switch (probe.handler) {
    case "HTTP":
      return `GET ${probe.scheme === "HTTPS" ? "https " : ""}${at}${probe.path ?? "/"}`;
    case "TCP":
      return `connect to ${at}`;
    case "GRPC":
      return probe.service ? `gRPC health of ${probe.service} at ${at}` : `gRPC health at ${at}`;
    case "EXEC":
      return `run ${probe.command ?? "a program"}`;
  }
}

/** When a probe asks and when it acts: `every 10 s, waits 1 s, acts after 3 failures (30 s)`. */
export function probeTimes(probe: ProbeFactsFragment): string {
  const { periodSeconds, failureThreshold, initialDelaySeconds, successThreshold } = probe;
  const parts = [
    initialDelaySeconds > 0 && `first after ${initialDelaySeconds} s`,
    `every ${periodSeconds} s`,
    `waits ${probe.timeoutSeconds} s`,
    `acts after ${count(failureThreshold, "failure")} (${periodSeconds * failureThreshold} s)`,
    successThreshold > 1 && `well again after ${successThreshold} answers`,
  ];
  return parts.filter((part) => part !== false).join(", ");
}

/** How many replicas there are: `2 of 3 ready`, `3 wanted`; null where that is not known. */
export function replicaWords({ wanted, ready }: { wanted: number | null; ready: number | null }): string | null {
  if (ready !== null && wanted !== null) return `${ready} of ${wanted} ready`;
  if (ready !== null) return `${ready} ready`;
  if (wanted !== null) return `${wanted} wanted`;
  return null;
}

/** Where the replicas are: `on 3 nodes in 2 zones`; null where that is not known. */
export function placeWords({ nodes, zones }: WorkloadFactsFragment["replicas"]): string | null {
  if (!nodes) return null;
  return zones ? `on ${count(nodes, "node")} in ${count(zones, "zone")}` : `on ${count(nodes, "node")}`;
}

/** A wish to keep replicas apart, in words. */
export function spreadWords({ topologyKey, required, maxSkew }: WorkloadFactsFragment["spread"][number]): string {
  const what =
    topologyKey === "topology.kubernetes.io/zone" ? "zones" : topologyKey === "kubernetes.io/hostname" ? "nodes" : topologyKey;
  const skew = maxSkew === null ? "one for each" : `differing by at most ${maxSkew}`;
  return `over ${what}, ${skew}, ${required ? "always" : "if possible"}`;
}

/** What a budget lets happen, in words. */
export function budgetWords({ minAvailable, maxUnavailable }: WorkloadFactsFragment["budgets"][number]): string {
  if (minAvailable !== null) return `at least ${minAvailable} must stay`;
  if (maxUnavailable !== null) return `at most ${maxUnavailable} may go at once`;
  return "no limit is written";
}
