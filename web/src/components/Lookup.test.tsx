import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { open, Refused, row, serve } from "../testing/server";

const names = ["payments", "payments-db", "payout"];

function catalog() {
  return serve({
    Search: ({ text }) => ({
      search: {
        nodes: names
          .filter((name) => name.startsWith(String(text).toLowerCase()))
          .map((name) => ({ field: "NAME", text: name, entity: row(`component:default/${name}`) })),
      },
    }),
    SearchPage: ({ text }) => ({
      search: {
        totalCount: text === "paymnts" ? 1 : 0,
        pageInfo: { hasNextPage: false, endCursor: null },
        nodes:
          text === "paymnts"
            ? [{ field: "ALIAS", text: "otel:paymnts", entity: row("component:default/payments", { description: "Takes money." }) }]
            : [],
      },
    }),
    Lookup: ({ typed }) => new Refused(`${String(typed)} is not in the catalog`, "NOT_FOUND", ["component:default/payments"]),
    Problems: () => ({ problems: { totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] } }),
  });
}

describe("the lookup field", () => {
  it("takes the focus on / and opens what the arrows chose", async () => {
    catalog();
    open("/problems");
    await screen.findByText(/No problems/);
    await userEvent.keyboard("/");
    const field = screen.getByRole("combobox", { name: "Look up anything" });
    expect(document.activeElement).toBe(field);
    await userEvent.keyboard("pay");
    expect(await screen.findAllByRole("option")).toHaveLength(3);
    await userEvent.keyboard("{ArrowDown}");
    const active = field.getAttribute("aria-activedescendant");
    expect(document.getElementById(active ?? "")?.textContent).toContain("payments-db");
    await userEvent.keyboard("{Enter}");
    await waitFor(() => expect(window.location.pathname).toBe("/entity/component/default/payments-db"));
  });

  it("goes round at the ends of the list", async () => {
    catalog();
    open("/problems");
    const field = await screen.findByRole("combobox", { name: "Look up anything" });
    await userEvent.type(field, "pay");
    await screen.findAllByRole("option");
    await userEvent.keyboard("{ArrowUp}");
    const active = field.getAttribute("aria-activedescendant");
    expect(document.getElementById(active ?? "")?.textContent).toContain("payout");
  });

  it("lists everything that fits a text for which no offer was chosen", async () => {
    catalog();
    open("/problems");
    const field = await screen.findByRole("combobox", { name: "Look up anything" });
    await userEvent.type(field, "paymnts");
    await screen.findByText(/Nothing is called anything like this/);
    await userEvent.keyboard("{Enter}");
    expect((await screen.findByRole("link", { name: "Component payments" })).getAttribute("href")).toBe(
      "/entity/component/default/payments",
    );
    expect(screen.getByText("otel:paymnts")).toBeTruthy();
    expect(window.location.pathname + window.location.search).toBe("/search?q=paymnts");
  });

  it("says so when nothing fits", async () => {
    catalog();
    open("/search?q=zzz");
    expect(await screen.findByText(/Nothing is called anything like this/)).toBeTruthy();
  });

  it("closes on Escape, and empties on the next", async () => {
    catalog();
    open("/problems");
    const field = await screen.findByRole("combobox", { name: "Look up anything" });
    await userEvent.type(field, "pay");
    await screen.findAllByRole("option");
    await userEvent.keyboard("{Escape}");
    expect(screen.queryAllByRole("option")).toHaveLength(0);
    expect((field as HTMLInputElement).value).toBe("pay");
    await userEvent.keyboard("{Escape}");
    expect((field as HTMLInputElement).value).toBe("");
  });

  it("does not steal a / that is typed into a field", async () => {
    catalog();
    open("/problems");
    const field = await screen.findByRole("combobox", { name: "Look up anything" });
    await userEvent.type(field, "shop/pay");
    expect((field as HTMLInputElement).value).toBe("shop/pay");
  });
});
