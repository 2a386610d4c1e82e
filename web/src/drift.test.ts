import { describe, expect, it } from "vitest";
import { amount, driftFilter, driftScope, driftState, rate, share } from "./drift";

describe("the address of the drift page", () => {
  it("is read in any case, and what there is not is as good as none", () => {
    const state = driftState(new URLSearchParams("kind=observed_not_declared&confidence=high&owner=payments&of=checkout&env=staging"));
    expect(state).toEqual({ of: "checkout", kind: "OBSERVED_NOT_DECLARED", confidence: "HIGH", owner: "payments", environment: "staging" });
    expect(driftState(new URLSearchParams("kind=nonsense&confidence=100"))).toEqual({
      of: "", kind: "", confidence: "", owner: "", environment: "",
    });
  });

  it("counts all kinds, and lists one", () => {
    const state = driftState(new URLSearchParams("kind=UNOWNED_BUT_CALLED&confidence=MEDIUM&of=a"));
    expect(driftScope(state)).toEqual({ refs: ["a"], confidence: "MEDIUM" });
    expect(driftFilter(state)).toEqual({ refs: ["a"], confidence: "MEDIUM", kinds: ["UNOWNED_BUT_CALLED"] });
    expect(driftFilter(driftState(new URLSearchParams()))).toEqual({});
  });
});

describe("numbers of traffic", () => {
  it.each([
    [1234.5, "1,235/s"], [12.34, "12/s"], [1, "1/s"], [0.5, "30/min"], [1 / 3600, "1/h"], [2 / 86400, "2/day"], [0.1 / 86400, "0.1/day"],
  ])("%f a second is %s", (perSecond, shown) => expect(rate(perSecond)).toBe(shown));

  it.each([
    [0, 10, "0%"], [1, 0, "0%"], [1, 100, "1%"], [37, 100, "37%"], [1, 3, "33%"], [2, 10000, "0.02%"], [1, 1e6, "<0.01%"],
  ])("%f of %f is %s", (part, of, shown) => expect(share(part, of)).toBe(shown));

  it("is short where it is large", () => {
    expect(amount(950.4)).toBe("950");
    expect(amount(12_345)).toBe("12.3K");
    expect(amount(3_400_000)).toBe("3.4M");
  });
});
