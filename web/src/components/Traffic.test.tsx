import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { TrafficLine } from "./Traffic";

afterEach(cleanup);

const traffic = {
  requests: 12000, errors: 240, requestRate: 2.5, errorRate: 0.02, p50: 0.0123, p99: 1.44, firstSeen: null, lastSeen: null,
  sampled: true, behaves: "SOFT" as const,
  together: { bothFailed: 1, callFailed: 19, requestFailed: 2, noneFailed: 998 },
  operations: [{ name: "GET /a", requests: 12000, errors: 240 }, { name: "(other)", requests: 1, errors: 0 }],
};

describe("traffic of a dependency", () => {
  it("tells how much, how well, and what its failures tell", () => {
    render(<TrafficLine traffic={traffic} strength="HARD" />);
    for (const text of ["2.5/s", "2% fail", "behaves soft", "all others"]) expect(screen.getByText(text)).toBeTruthy();
    expect(screen.getByText("behaves soft").className).toContain("tag-loud");
    expect(screen.getByText(/12 ms/).textContent).toBe("12 ms p50 1.4 s p99");
    expect(screen.getByText(/in which the call failed/).textContent).toBe("Of 20 requests in which the call failed, 1 failed; of 1,000 others 2.");
    expect(screen.getByText(/seen in a sample/)).toBeTruthy();
  });

  it("says nothing that is not known", () => {
    render(
      <TrafficLine
        traffic={{ ...traffic, errors: null, requestRate: null, errorRate: null, p50: null, p99: null, behaves: null, together: null, operations: [], sampled: false }}
        strength="ASYNC"
      />,
    );
    expect(screen.getByText("12K requests")).toBeTruthy();
    expect(screen.queryByText(/fail/)).toBeNull();
    expect(screen.queryByText(/behaves/)).toBeNull();
  });
});
