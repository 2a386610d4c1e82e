import { describe, expect, it } from "vitest";
import { blastPath, entitiesPath, entityPath, refOfPath, shortRef, splitRef } from "./refs";

describe("refs", () => {
  it.each([
    ["component:default/payments", { kind: "component", namespace: "default", name: "payments" }],
    ["group:a/b/c", { kind: "group", namespace: "a", name: "b/c" }],
    ["a:b/c:d", { kind: "a", namespace: "b", name: "c:d" }],
  ])("divides %s", (ref, parts) => expect(splitRef(ref)).toEqual(parts));

  it.each(["component:default/payments", "group:a/b/c", "user:@org/x y", "resource:default/50%", "a:b/ü?#&="])(
    "finds %s again from its address",
    (ref) => {
      const path = entityPath(ref);
      expect(new URL(path, "http://h").pathname).toBe(path);
      expect(refOfPath(path)).toBe(ref);
    },
  );

  it.each(["/", "/entity", "/entity/component/default", "/entity/component/default/a/b", "/entity/a//b", "/entity/a/b/%"])(
    "takes %s for no entity",
    (path) => expect(refOfPath(path)).toBeNull(),
  );

  it("leaves the default namespace out where people read", () => {
    expect(shortRef("component:default/payments")).toBe("component:payments");
    expect(shortRef("component:shop/payments")).toBe("component:shop/payments");
  });

  it("keeps every failing entity in the address", () => {
    const query = new URL(blastPath(["a:b/c", "a:b/&d"]), "http://h").searchParams;
    expect(query.getAll("of")).toEqual(["a:b/c", "a:b/&d"]);
  });

  it("leaves empty filters out", () => {
    expect(entitiesPath({ kind: "API", owner: "" })).toBe("/entities?kind=API");
    expect(entitiesPath({ kind: "" })).toBe("/entities");
  });
});
