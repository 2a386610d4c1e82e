import { describe, expect, it } from "vitest";
import { contactHref, count, duration, safeHref } from "./words";

describe("links out of the application", () => {
  it.each([
    ["https://a.example/x", "https://a.example/x"],
    ["mailto:a@b.example", "mailto:a@b.example"],
    ["javascript:alert(1)", null],
    ["data:text/html,x", null],
    [" javascript:alert(1)", null],
    ["/relative", null],
  ])("%s", (url, want) => expect(safeHref(url)).toBe(want));

  it.each([
    [{ kind: "email", target: "a@b.example" }, "mailto:a@b.example"],
    [{ kind: "email", target: "mailto:a@b.example" }, "mailto:a@b.example"],
    [{ kind: "url", target: "https://oncall.example" }, "https://oncall.example"],
    [{ kind: "url", target: "javascript:alert(1)" }, null],
    [{ kind: "pagerduty", target: "P123" }, null],
    [{ kind: "chat", target: "#oncall" }, null],
  ])("%o", (contact, want) => expect(contactHref(contact)).toBe(want));
});

describe("numbers as words", () => {
  it.each([
    [2592000, "30 days"],
    [86400, "1 day"],
    [5400, "90 minutes"],
    [3, "3 seconds"],
    [0.3, "300 ms"],
    [1.5, "1500 ms"],
  ])("%d seconds", (seconds, want) => expect(duration(seconds)).toBe(want));

  it("counts", () => {
    expect(count(1, "entity", "entities")).toBe("1 entity");
    expect(count(12345, "entity", "entities")).toBe("12,345 entities");
  });
});
