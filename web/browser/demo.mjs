// Drives a real Chromium against a server with the demo company: node browser/demo.mjs URL CHROMIUM PROFILE. It ends with
// status 1 and what went wrong, or with 0. browser_test.go starts the server and runs it.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [base, executablePath, profile] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1280, height: 900 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
context.setDefaultTimeout(60_000); // the first start of a browser reads it from disk
const complaints = [];
const page = context.pages()[0] ?? (await context.newPage());
watch(page);

const steps = {
  "the keyboard alone finds payments": async () => {
    await page.goto(base + "/");
    await page.getByRole("heading", { name: "What are you looking for?" }).waitFor();
    await page.keyboard.type("paym");
    await page.getByRole("option").first().waitFor();
    const wanted = page.getByRole("option", { name: /component:payments\b/ });
    await wanted.waitFor();
    for (let i = 0; i < 10 && (await wanted.first().getAttribute("aria-selected")) !== "true"; i++) {
      await page.keyboard.press("ArrowDown");
    }
    await page.keyboard.press("Enter");
    await page.waitForURL("**/entity/component/default/payments");
    await page.getByRole("heading", { level: 1, name: /Payments/ }).waitFor();
    assert.equal(await page.title(), "Payments · Orrery");
  },

  "its page tells the owner, the on-call, the runbook and the file": async () => {
    const facts = page.getByRole("complementary", { name: "Ownership and facts" });
    await facts.getByRole("link", { name: "Group Payments" }).waitFor();
    await facts.getByText("PPAY3X8").waitFor();
    await facts.getByRole("link", { name: /runbooks/ }).waitFor();
    await facts.getByText(/payments\/catalog-info\.yaml:1$/).waitFor();
    const needs = page.getByRole("region", { name: "Needs", exact: true });
    await needs.getByText("any one of 2 alternatives").waitFor();
    await needs.getByRole("link", { name: "Component Stripe adapter" }).waitFor();
  },

  "the blast radius tells journeys, teams and why": async () => {
    await page.getByRole("link", { name: "Resource Payments database" }).click();
    await page.getByRole("link", { name: "Show blast radius" }).click();
    await page.waitForURL("**/blast-radius?of=*");
    const journeys = page.getByRole("region", { name: "Journeys" });
    await journeys.getByRole("link", { name: /Buy what is in the basket/ }).waitFor();
    const teams = page.getByRole("region", { name: "Teams to page" });
    await teams.getByText("PCHK7Q2").waitFor();
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "Component Checkout pages" }) });
    assert.match(await row.innerText(), /Outage/);
    assert.match(await row.innerText(), /→ Payments database/);
    await row.locator("summary").click();
    await row.getByText(/Declared in/).first().waitFor();
  },

  "more can fail with it, and the browser goes back": async () => {
    const outages = () => page.locator(".total.impact-outage dd").innerText();
    const before = Number(await outages());
    await page.getByRole("combobox", { name: /What else fails/ }).fill("orders-db");
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/of=.*of=/);
    await page.waitForFunction((n) => Number(document.querySelector(".total.impact-outage dd")?.textContent) > n, before);
    await page.goBack();
    await page.waitForFunction((n) => Number(document.querySelector(".total.impact-outage dd")?.textContent) === n, before);
    await page.goBack();
    await page.waitForURL("**/entity/resource/default/payments-db");
  },

  "a mistyped name finds what was meant": async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("paymnts");
    await page.getByRole("option", { name: /component:payments\b/ }).first().waitFor();
    await page.keyboard.press("Escape");
    await page.goto(base + "/search?q=paymnts");
    await page.getByRole("link", { name: "Component Payments" }).first().waitFor();
  },

  "the page of a service tells what it runs on and how that is checked": async () => {
    await page.goto(base + "/entity/component/default/payments");
    const runs = page.getByRole("region", { name: /^Runs on/ });
    await runs.getByRole("link", { name: "Workload payments" }).waitFor();
    await runs.getByText("GET :http/readyz").waitFor();
    const needs = page.getByRole("region", { name: "Needs", exact: true });
    const database = needs.getByRole("listitem").filter({ has: page.getByRole("link", { name: "Resource Payments database" }) });
    await database.getByText("Inferred", { exact: true }).waitFor();
    await database.getByText("postgresql").waitFor();
    await runs.getByRole("link", { name: "Workload payments" }).click();
    await page.waitForURL("**/entity/workload/payments/cluster.deployment.payments");
    await page.getByRole("region", { name: "What runs" }).getByText("Deployment payments in namespace payments").waitFor();
    await page.getByRole("region", { name: "Runs on", exact: true }).getByRole("link", { name: "Node cluster.n1" }).click();
    await page.getByRole("region", { name: "Is in" }).getByRole("link", { name: "Zone eu-west-1a" }).click();
    await page.getByRole("link", { name: "Show blast radius" }).click();
    await page.getByRole("region", { name: "Journeys" }).getByRole("link", { name: /Buy what is in the basket/ }).waitFor();
  },

  "the health page is used by the keyboard, and its address can be shared": async () => {
    await page.goto(base + "/health");
    const opener = page.getByRole("button", { name: "Findings of checkout-service: Fails" });
    await opener.focus();
    await page.keyboard.press("Enter");
    await page.getByText("identical-liveness-readiness").waitFor();
    await page.getByText(/checkout-service\.yaml:\d+/).first().waitFor();
    await page.reload();
    await page.getByText("identical-liveness-readiness").waitFor();
    await page.getByRole("button", { name: "Fewer replicas than the tier asks for" }).click();
    await page.waitForURL(/check=too-few-replicas.*outcome=FAIL/);
    await page.getByRole("combobox", { name: "Owner" }).fill("payments");
    await page.getByRole("option", { name: /group:payments/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/owner=group/);
    await page.getByRole("row", { name: /Payments database/ }).waitFor();
    await page.getByRole("row", { name: /Basket/ }).first().waitFor({ state: "detached" });
    await page.goto(base + "/entity/component/default/checkout-service");
    await page.getByRole("link", { name: "Health: Fails" }).click();
    await page.waitForURL(/\/health\?of=component/);
    await page.getByText("identical-liveness-readiness").waitFor();
  },

  "the page of a service tells its traffic, and leads to where that disagrees": async () => {
    await page.goto(base + "/entity/component/default/checkout-service");
    const needs = page.getByRole("region", { name: "Needs", exact: true });
    const loyalty = needs.getByRole("listitem").filter({ has: page.getByRole("link", { name: "Component Loyalty points" }) });
    await loyalty.getByText("behaves soft").waitFor();
    await loyalty.getByText("Traffic", { exact: true }).click();
    const traffic = page.getByRole("region", { name: "Traffic", exact: true });
    await traffic.getByRole("link", { name: /findings$/ }).click();
    await page.waitForURL(/\/drift\?of=component/);
    await page.getByRole("article", { name: /checkout-service calls component:default\/experimentation/ }).waitFor();
  },

  "the drift page tells what to write, by the keyboard": async () => {
    await page.goto(base + "/drift");
    await page.getByRole("button", { name: /Other strength/ }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/kind=STRENGTH_CONTRADICTED/);
    const card = page.getByRole("article", { name: /loyalty-service HARD, and behaves SOFT/ });
    await card.getByRole("button", { name: "What to write" }).focus();
    await page.keyboard.press("Enter");
    await card.getByText(/checkout-service\/catalog-info\.yaml:\d+/).waitFor();
    await card.getByText(/strength: soft/).waitFor();
    await page.getByRole("article", { name: /calls/ }).waitFor({ state: "detached" });
  },

  "the strengths that traffic shows can be used instead": async () => {
    await page.goto(base + "/blast-radius?of=resource:default/loyalty-db");
    const buy = page.getByRole("region", { name: "Journeys" }).getByRole("listitem").filter({ hasText: "Buy what is in the basket" });
    await buy.getByText("Outage").waitFor();
    await buy.getByText(/\d+% of its requests/).waitFor();
    await page.getByRole("checkbox", { name: /By the strengths that traffic shows/ }).focus();
    await page.keyboard.press("Space");
    await buy.getByText("Degraded").waitFor();
  },

  "a source is scanned on demand": async () => {
    await page.goto(base + "/sources");
    await page.getByRole("article", { name: "demo" }).getByRole("button", { name: "Scan now" }).click();
    await page.getByRole("status").getByText(/^Scanned: 0 documents came or changed, 0 went/).waitFor();
  },

  "everything that changed is told": async () => {
    await page.goto(base + "/changes?since=&of=component:default/payments");
    await page.getByText(/is new: (described|found)/).first().waitFor();
  },

  "addresses can be opened and reloaded": async () => {
    for (const [address, heading] of [
      ["/entities?kind=Component&tier=1", "Catalog"],
      ["/problems?severity=ERROR", "Problems"],
      ["/cycles", "Cycles"],
      ["/entity/group/default/payments", "Payments"],
      ["/blast-radius", "What breaks if …"],
    ]) {
      await page.goto(base + address);
      await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    }
  },

  "what may be old is said, until it is not": async () => {
    await page.request.post(base + "/test/store/goes");
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(base + "/entity/component/default/payments");
      await page.getByRole("status").getByText("This may be old.").waitFor();
      await page.getByRole("heading", { level: 1, name: "Payments" }).waitFor();
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `the page is ${over} pixels too wide`);
    }
    await page.getByRole("status").getByText("Why", { exact: true }).click();
    await page.getByText(/neo4j.internal:7687 does not answer/).waitFor();
    await page.request.post(base + "/test/store/comes");
    await page.getByText("This may be old.").waitFor({ state: "detached" });
    await page.setViewportSize({ width: 1280, height: 900 });
  },

  "no page is wider than a telephone": async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const address of ["/", "/entities", "/entity/component/default/payments", "/problems", "/blast-radius?of=payments-db", "/sources", "/changes?since=", "/search?q=payments", "/health?open=component:default/checkout-service", "/drift", "/entity/component/default/checkout-service", "/blast-radius?of=resource:default/loyalty-db", "/entity/workload/payments/cluster.deployment.payments", "/entity/node/default/cluster.n1"]) {
      await page.goto(base + address);
      await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector(".loading"));
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `${address} is ${over} pixels too wide`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  },

  "GraphiQL answers its first example": async () => {
    await page.goto(base + "/graphiql");
    await page.locator(".view-line", { hasText: "entity" }).first().waitFor(); // before, there is nothing to execute
    await page.getByRole("button", { name: /^Execute/ }).click();
    await page.locator(".result-window").getByText(/group:default\/payments/).first().waitFor();
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
  } catch (error) {
    await context.close();
    console.error(`${name}: ${error.stack ?? error}\nat ${page.url()}\n${complaints.join("\n")}`);
    process.exit(1);
  }
}
await context.close();
if (complaints.length > 0) {
  console.error(`the browser complained:\n${complaints.join("\n")}`);
  process.exit(1);
}

// watch notes everything that a page must not do: leave this server, break its policy, or write an error.
function watch(page) {
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => complaints.push(`page: ${error.stack ?? error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) complaints.push(`request: ${request.url()}`);
  });
}
