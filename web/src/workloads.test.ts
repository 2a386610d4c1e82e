import { describe, expect, it } from "vitest";
import type { ProbeFactsFragment } from "./api/generated";
import { budgetWords, placeWords, probeAsks, probeTimes, replicaWords, spreadWords } from "./workloads";

const probe: ProbeFactsFragment = {
  handler: "HTTP", port: "8080", path: "/readyz", scheme: null, host: null, headers: [], service: null, command: null, calls: [],
  initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3, line: null,
};

describe("a probe", () => {
  it.each<[Partial<ProbeFactsFragment>, string]>([
    [{}, "GET :8080/readyz"],
    [{ port: "http", scheme: "HTTPS", path: null }, "GET https :http/"],
    [{ host: "localhost" }, "GET localhost:8080/readyz"],
    [{ handler: "TCP", port: "5432" }, "connect to :5432"],
    [{ handler: "GRPC", port: "9000" }, "gRPC health at :9000"],
    [{ handler: "GRPC", port: "9000", service: "orders" }, "gRPC health of orders at :9000"],
    [{ handler: "EXEC", command: "pg_isready" }, "run pg_isready"],
    [{ handler: "EXEC" }, "run a program"],
  ])("%o asks", (part, want) => expect(probeAsks({ ...probe, ...part })).toBe(want));

  it.each<[Partial<ProbeFactsFragment>, string]>([
    [{}, "every 10 s, waits 1 s, acts after 3 failures (30 s)"],
    [{ initialDelaySeconds: 5, failureThreshold: 1 }, "first after 5 s, every 10 s, waits 1 s, acts after 1 failure (10 s)"],
    [{ successThreshold: 2 }, "every 10 s, waits 1 s, acts after 3 failures (30 s), well again after 2 answers"],
  ])("%o takes its time", (part, want) => expect(probeTimes({ ...probe, ...part })).toBe(want));
});

describe("replicas", () => {
  it.each([
    [{ wanted: 3, ready: 2 }, "2 of 3 ready"],
    [{ wanted: null, ready: 2 }, "2 ready"],
    [{ wanted: 0, ready: null }, "0 wanted"],
    [{ wanted: null, ready: null }, null],
  ])("%o", (replicas, want) => expect(replicaWords(replicas)).toBe(want));

  it.each([
    [{ nodes: 3, zones: 2 }, "on 3 nodes in 2 zones"],
    [{ nodes: 1, zones: null }, "on 1 node"],
    [{ nodes: null, zones: null }, null],
    [{ nodes: 0, zones: 0 }, null],
  ])("%o", (place, want) => expect(placeWords({ wanted: null, ready: null, ...place })).toBe(want));

  it.each([
    [{ topologyKey: "topology.kubernetes.io/zone", required: true, maxSkew: 1 }, "over zones, differing by at most 1, always"],
    [{ topologyKey: "kubernetes.io/hostname", required: false, maxSkew: null }, "over nodes, one for each, if possible"],
    [{ topologyKey: "rack", required: true, maxSkew: null }, "over rack, one for each, always"],
  ])("%o", (spread, want) => expect(spreadWords(spread)).toBe(want));

  it.each([
    [{ name: "b", minAvailable: "50%", maxUnavailable: null }, "at least 50% must stay"],
    [{ name: "b", minAvailable: null, maxUnavailable: "1" }, "at most 1 may go at once"],
    [{ name: "b", minAvailable: null, maxUnavailable: null }, "no limit is written"],
  ])("%o", (budget, want) => expect(budgetWords(budget)).toBe(want));
});
