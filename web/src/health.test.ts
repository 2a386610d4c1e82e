import { describe, expect, it } from "vitest";
import { byWorkload, environmentsOf, filterOf, healthOfPath, healthState, scopeOf, tally, toggled, withValue } from "./health";
import { row } from "./testing/server";

const state = (query: string) => healthState(new URLSearchParams(query));

describe("the address of the health page", () => {
  it.each([
    ["", {}],
    ["outcome=fail&check=no-probes", { outcomes: ["FAIL"], checks: ["no-probes"] }],
    ["outcome=bad&severity=worse&tier=9&order=x", {}],
    ["severity=warning&owner=payments&tier=0", { severities: ["WARNING"], owners: ["payments"], tiers: [0] }],
    ["of=component:default/a&open=component:default/a", { refs: ["component:default/a"] }],
  ])("?%s filters", (query, want) => expect(filterOf(state(query))).toEqual(want));

  it("counts the totals over whom one asks about, whatever came out", () => {
    expect(scopeOf(state("of=a&owner=b&tier=1&outcome=FAIL&check=c&severity=ERROR"))).toEqual({ refs: ["a"], owners: ["b"], tiers: [1] });
  });

  it.each([
    ["", "check", "no-probes", "check=no-probes&outcome=FAIL"],
    ["outcome=PASS", "check", "no-probes", "outcome=PASS&check=no-probes"],
    ["", "severity", "ERROR", "severity=ERROR&outcome=FAIL"],
    ["severity=ERROR&outcome=FAIL", "severity", "", "outcome=FAIL"],
    ["", "owner", "payments", "owner=payments"],
  ])("?%s with %s=%s", (query, key, value, want) =>
    expect(withValue(new URLSearchParams(query), key, value).toString()).toBe(want),
  );

  it("opens and closes findings, each for itself", () => {
    const one = toggled(new URLSearchParams("outcome=FAIL"), "a");
    const two = toggled(one, "b");
    expect(two.toString()).toBe("outcome=FAIL&open=a&open=b");
    expect(toggled(two, "a").toString()).toBe("outcome=FAIL&open=b");
    expect(healthState(two).opened).toEqual(["a", "b"]);
  });

  it("of one entity shows it alone and opened", () => {
    const { of, opened } = healthState(new URLSearchParams(healthOfPath("workload:a/b.c d").split("?")[1]));
    expect([of, ...opened]).toEqual(["workload:a/b.c d", "workload:a/b.c d"]);
  });
});

describe("results", () => {
  const result = (workload: string | null, container: string | null, outcome: string, severity: string) =>
    ({ workload: workload === null ? null : row(workload), container, outcome, severity }) as unknown as Parameters<typeof byWorkload>[0][number];

  it("stand together by workload and container, the gravest first", () => {
    const groups = byWorkload([
      result("workload:a/x", "app", "UNKNOWN", "ERROR"),
      result("workload:a/x", "app", "FAIL", "WARNING"),
      result("workload:a/y", null, "FAIL", "ERROR"),
      result("workload:a/x", null, "FAIL", "ERROR"),
      result("workload:a/x", "app", "FAIL", "ERROR"),
      result(null, null, "FAIL", "ERROR"),
    ]);
    expect(groups.map(({ workload, parts }) => [workload?.ref ?? null, parts.map(({ container, results }) => [container, results.length])])).toEqual([
      ["workload:a/x", [["app", 3], [null, 1]]],
      ["workload:a/y", [[null, 1]]],
      [null, [[null, 1]]],
    ]);
    expect(groups[0]?.parts[0]?.results.map(({ outcome, severity }) => `${outcome} ${severity}`)).toEqual([
      "FAIL ERROR",
      "FAIL WARNING",
      "UNKNOWN ERROR",
    ]);
  });

  it("are counted by severity", () => {
    expect(tally([{ severity: "ERROR" }, { severity: "WARNING" }, { severity: "ERROR" }])).toEqual({ errors: 2, warnings: 1 });
  });
});

it("the environments are those of the sources and the one that is looked at", () => {
  expect(environmentsOf([{ environment: "staging" }, { environment: null }, { environment: "staging" }], "test")).toEqual([
    "production",
    "staging",
    "test",
  ]);
});
