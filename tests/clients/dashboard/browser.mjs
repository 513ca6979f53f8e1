// Drives the dashboard in Chromium against a server with the demo's marketplace: all of it.
//
// node browser.mjs DEMO.json CHROMIUM [FOLDER]: with a folder, a picture of each screen is left there.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import {
  PHONE,
  TAP,
  WIDE,
  api,
  close,
  confirm,
  connect,
  demo,
  everyScreen,
  fits,
  go,
  logIn,
  nothingFailed,
  open,
  picture,
  seeAnEvent,
  start,
  step,
  user,
} from "./harness.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function check(page, where) {
  // Not while colours change: a theme's arrive a frame later, and some of them by a transition.
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const changing = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
    await Promise.allSettled(changing.map(({ finished }) => finished));
  });
  await page.evaluate(AXE);
  const run = (tags) => axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  const { violations } = await page.evaluate(run, TAGS);
  const told = violations.map(({ id, nodes }) => {
    const first = nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`);
    return `${id}: ${first.join(" | ")}`;
  });
  assert.deepEqual(told, [], where);
}

const page = await start(chromium, { args: ["--no-sandbox", "--disable-gpu"] });

await step("who is no admin is refused in a sentence, and stays out", async () => {
  await logIn(page, user("ana"));
  await page.getByRole("alert").getByText("only admins may use the dashboard").waitFor();
  assert.deepEqual(await page.context().cookies(), [], "and gets no cookie");
  await page.getByLabel("Email").fill("root@souk.example");
  await page.getByLabel("Password").fill("wrong wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("the credentials are not valid").waitFor();
  await check(page, "login");
});

await step("an admin logs in, and the numbers come live", async () => {
  await logIn(page);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.locator(".tile").filter({ hasText: "Memory" }).getByText(/MiB/).waitFor();
  await page.locator(".tile").filter({ hasText: "Processor" }).getByText(/\d/).waitFor();
  await page.locator(".events li").first().waitFor();
  const cookies = await page.context().cookies(`${demo.base_url}/admin/login`);
  const refresh = cookies.find(({ name }) => name === "souk-admin-refresh");
  assert.ok(refresh.httpOnly && refresh.sameSite === "Strict" && refresh.path === "/admin/login");
  const read = () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]);
  const kept = await page.evaluate(read);
  assert.equal(kept, '[{},{},""]', "scripts keep nothing");
});

/** A request of ana's, made while the overview is watched. */
let tap;

await step("an event shows on the overview as it happens", async () => {
  tap = await seeAnEvent(page);
});

await step("a reload goes on with the login", async () => {
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
});

await step("the overview tells how each part of the server is", async () => {
  const part = (name) => page.locator(`[data-part=${name}]`);
  for (const name of ["writer", "database", "hub", "sweeper"]) await part(name).locator(".badge.good").waitFor();
  for (const name of ["bus", "nodes"]) await part(name).locator(".badge").getByText("not used").waitFor();
  await part("writer").getByText("Last commit").waitFor();
  await page.locator("[data-node]").getByText("this one").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.getByRole("heading", { name: "Health" }).scrollIntoViewIfNeeded();
    await part("nodes").scrollIntoViewIfNeeded();
    await check(page, `health in ${colorScheme}`);
    await picture(page, `health-${colorScheme}`);
  }
  await page.setViewportSize(PHONE);
  // The charts follow a moment later.
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
  await fits(page, "health");
  await part("writer").scrollIntoViewIfNeeded();
  await picture(page, "health-phone");
  await page.setViewportSize(WIDE);
});

for (const scheme of ["light", "dark"]) {
  await step(`every screen opens and passes axe in ${scheme}`, async () => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    // Loaded in its theme: axe must not look while colours change.
    await page.reload();
    await page.getByText("Live", { exact: true }).waitFor();
    await everyScreen(page, async (address) => {
      await check(page, `${address} in ${scheme}`);
      await picture(page, `${scheme} ${address}`);
    });
  });
}

await step("every screen fits a phone", async () => {
  await page.setViewportSize(PHONE);
  await everyScreen(page, async (address) => {
    await fits(page, address);
    await picture(page, `phone ${address}`);
  });
  await page.setViewportSize(WIDE);
});

await step("a live connection is found, and closed with a reason", async () => {
  const ben = await connect(user("ben"));
  await go(page, "#/sessions", "Sessions");
  await page.getByLabel("User or address").fill("ben@souk.example");
  await page.getByRole("button", { name: "Filter" }).click();
  const row = page.locator("tbody tr").filter({ hasText: "ben@souk.example" });
  await row.waitFor();
  await row.getByRole("button", { name: "Close" }).click();
  await confirm(page, "Close connection", "He asked for it");
  await page.getByText("The connection is closed.").waitFor();
  assert.equal((await ben.ended()).reason, "closed_by_admin");
  await page.getByText("No live connections").waitFor();
  await go(page, "#/audit?kind=connection&action=close", "Audit");
  await page.getByText("He asked for it").waitFor();
});

await step("a connection's frames are watched as they come, and its end is kept", async () => {
  const ben = await connect(user("ben"));
  await go(page, "#/sessions?who=ben%40souk.example", "Sessions");
  const row = page.locator("tbody tr").filter({ hasText: "ben@souk.example" });
  await row.getByRole("link").nth(2).click();
  await page.getByRole("heading", { level: 1, name: "ben@souk.example" }).waitFor();
  await page.getByText("No frames yet").waitFor();
  await page.locator(".badge").getByText("recording").waitFor();
  await ben.send({ type: "join", room: "market:plumbing", id: 1 });
  await ben.send({ type: "ping", id: 2 });
  await page.locator(".frames").getByText("market:plumbing").first().waitFor();
  await page.locator(".frames").getByText("pong").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await check(page, `frames in ${colorScheme}`);
    await picture(page, `frames-${colorScheme}`);
  }
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await confirm(page, "Close connection");
  await ben.ended();
  await page.locator(".screen-head").getByText("closed by admin").waitFor();
  await page.getByText("How far it was sent its rooms").waitFor();
  await picture(page, "connection-ended");
  await go(page, "#/sessions/ended?reason=closed_by_admin", "Sessions");
  await page.locator("tbody tr").filter({ hasText: "ben@souk.example" }).first().waitFor();
  await check(page, "ended connections");
  await picture(page, "sessions-ended");
});

await step("a room's log is read, and its texts for a reason", async () => {
  const chats = (await (await api(user("ana"), "GET", "/sessions")).json()).items;
  const room = `session:${chats[0].id}`;
  const ana = await connect(user("ana"));
  await ana.send({ type: "join", room, id: 1 });
  const message = { type: "chat_message", room, text: "The key is under the mat", client_msg_id: "k1" };
  await ana.send({ ...message, id: 2 });
  await ana.heard("event");
  await go(page, `#/rooms`, "Rooms");
  await page.getByRole("link", { name: room }).click();
  await page.getByRole("heading", { level: 1, name: room }).waitFor();
  await page.getByText("text hidden").last().waitFor();
  assert.ok(!(await page.locator("main").innerText()).includes("under the mat"));
  await check(page, "a room's log");
  await page.getByRole("button", { name: "Show texts" }).click();
  await confirm(page, "Show texts", "A complaint");
  await page.getByText("The key is under the mat").first().waitFor();
  await page.getByLabel(/After position/).fill("0");
  await page.getByText("After position 0").waitFor();
  await picture(page, "room-log");
  await go(page, `#/audit?kind=room&action=read%20the%20texts%20of`, "Audit");
  await page.getByText("A complaint").first().waitFor();
});

await step("of an event in a room's log it is told who was there", async () => {
  const ben = await connect(user("ben"));
  await ben.send({ type: "join", room: "market:plumbing", id: 1 });
  await ben.heard("ack");
  const body = { ...TAP, title: "Another tap" };
  assert.equal((await api(user("ana"), "POST", "/requests", body)).status, 201);
  await ben.heard("event");
  await ben.leave();
  await go(page, "#/rooms/market%3Aplumbing", "market:plumbing");
  const told = page.getByRole("region", { name: "Who was there" });
  const log = page.getByRole("region", { name: "Events of the room" });
  await log.getByRole("button").last().click();
  await told.getByRole("link", { name: "ben@souk.example" }).waitFor();
  await told.getByText("One user by one connection").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await check(page, `who was there in ${colorScheme}`);
    await picture(page, `presence-${colorScheme}`);
  }
  await page.setViewportSize(PHONE);
  await fits(page, "who was there");
  await picture(page, "presence-phone");
  await page.setViewportSize(WIDE);
  await page.getByRole("button", { name: /^Who was there at/ }).click();
  await told.getByText(/from position \d+ on; before, others may have been/).waitFor();
  await told.getByRole("button", { name: "Hide" }).click();
  await told.waitFor({ state: "detached" });
});

await step("a refusal is explained, and an action tried out without doing it", async () => {
  const offer = demo.open_request.offers[0].id;
  const refused = await api(user("ben"), "POST", `/offers/${offer}/accept`, { version: 1 });
  assert.equal(refused.status, 403);
  await go(page, `#/audit?actor=${user("ben").id}&outcome=refused`, "Audit");
  await page.getByRole("link", { name: "why?" }).first().click();
  await page.getByText("To accept this offer one must be its consumer").waitFor();
  await page.locator(".badge").getByText("refused").waitFor();

  const fresh = demo.open_request.offers.at(-1).id;
  await page.getByLabel("Who").fill("ana@souk.example");
  await page.getByLabel("Action").selectOption("decline");
  await page.getByLabel("Which (id)").fill(fresh);
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("the user is its consumer").waitFor();
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.locator(".trial").getByText("Nothing was changed").waitFor();
  await page.locator(".trial").getByText("offer.declined").waitFor();
  assert.equal((await (await api(user("ana"), "GET", `/offers/${fresh}`)).json()).state, "pending");
  await picture(page, "dry-run");
});

await step("what can become of an offer is drawn, with who could do what and how it came there", async () => {
  const fresh = demo.open_request.offers.at(-1).id;
  await go(page, `#/marketplace/offers/${fresh}`, /Offer/);
  const drawn = page.locator("figure.machine");
  await drawn.locator(".state-box.current").getByText("pending").waitFor();
  await drawn.locator(".arrow.next").getByText("accept").waitFor();
  await page.locator(".steps li").filter({ hasText: "accept" }).getByRole("link", { name: "Ana" }).waitFor();
  await page.locator(".timeline li").filter({ hasText: "submitted" }).waitFor();
  await drawn.getByText("All transitions as a table").click();
  await drawn.getByRole("cell", { name: "its consumer, or an admin" }).first().waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const rows = { requests: demo.open_request.id, bookings: demo.booking.id, offers: fresh };
    for (const [tab, id] of Object.entries(rows)) {
      await go(page, `#/marketplace/${tab}/${id}`, /./);
      await drawn.locator(".state-box.current").waitFor();
      await check(page, `the states of ${tab} in ${colorScheme}`);
      await picture(page, `states-${tab}-${colorScheme}`);
    }
  }
  await page.setViewportSize(PHONE);
  await fits(page, "an offer");
  await drawn.scrollIntoViewIfNeeded();
  await picture(page, "states-phone");
  await page.setViewportSize(WIDE);
});

await step("a person is logged out, given a plan, suspended and reinstated", async () => {
  const cleo = await connect(user("cleo"));
  await go(page, `#/people/${user("cleo").id}`, "Cleo");
  await page.getByRole("button", { name: "Change plan" }).click();
  await page.getByRole("dialog").getByLabel("Plan").selectOption("pro");
  await confirm(page, "Change plan");
  await page.locator(".facts").getByText("pro", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Suspend" }).click();
  await picture(page, "dialog");
  await check(page, "dialog");
  await confirm(page, "Suspend", "Spam");
  await page.locator(".facts").getByText("suspended").waitFor();
  await cleo.ended();
  assert.equal((await api(user("cleo"), "GET", "/auth/me")).status, 401);
  await page.getByRole("button", { name: "Reinstate" }).click();
  await confirm(page, "Reinstate");
  await page.locator(".facts").getByText("active").waitFor();
  await page.getByRole("button", { name: "Change role" }).click();
  await page.getByRole("dialog").getByLabel("Role").selectOption("consumer");
  await confirm(page, "Change role");
  await page.locator(".facts").getByText("consumer", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await confirm(page, "Log out everywhere");
  await page.getByText("provider to consumer").first().waitFor();
});

await step("the marketplace is seen as somebody else, who does not notice, until it is ended", async () => {
  const ben = await connect(user("ben"));
  await go(page, `#/people/${user("ben").id}`, "Ben");
  await page.getByRole("button", { name: "View as" }).click();
  await check(page, "the question before a view");
  await confirm(page, "View as them", "He cannot find his offer");
  await page.getByRole("heading", { level: 1, name: "The marketplace of Ben" }).waitFor();
  const banner = page.getByRole("complementary", { name: "View as somebody else" });
  await banner.getByText("Viewing as Ben").waitFor();
  const seen = (await (await api(user("ben"), "GET", "/offers?limit=50")).json()).items;
  const offers = page.getByRole("region", { name: "Offers" }).locator("tbody tr");
  await offers.first().waitFor();
  assert.equal(await offers.count(), seen.length, "what he sees, and no more");
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
  assert.equal(await page.getByRole("alert").count(), 0, "every list is shown");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await check(page, `a view in ${colorScheme}`);
    await picture(page, `viewing-${colorScheme}`);
  }
  await page.setViewportSize(PHONE);
  await fits(page, "a view");
  await picture(page, "viewing-phone");
  await page.setViewportSize(WIDE);
  await go(page, "#/settings", "Settings");
  await banner.getByText("Viewing as Ben").waitFor();
  await banner.getByRole("button", { name: "End now" }).click();
  await banner.waitFor({ state: "detached" });
  await page.getByText("The view has ended.").waitFor();
  await go(page, "#/viewing", "No view is open");
  await check(page, "no view");
  await go(page, `#/audit?kind=user&row=${user("ben").id}&action=view%20as`, "Audit");
  await page.getByText("He cannot find his offer").first().waitFor();

  await go(page, `#/people/${user("ben").id}`, "Ben");
  const begun = page.waitForResponse((response) => response.url().endsWith("/view-as"));
  await page.getByRole("button", { name: "View as" }).click();
  await confirm(page, "View as them", "Once more");
  await banner.getByText("Viewing as Ben").waitFor();
  const token = (await (await begun).json()).access_token;
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "No view is open" }).waitFor();
  const isOver = async (token) =>
    (await fetch("/auth/me", { headers: { Authorization: `Bearer ${token}` } })).status === 401;
  await page.waitForFunction(isOver, token);
  await ben.send({ type: "ping", id: 1 });
  await ben.heard("pong");
});

await step("a request is removed and restored, an offer removed, a booking cancelled", async () => {
  await go(page, `#/marketplace/requests/${demo.open_request.id}`, /./);
  await page.getByRole("button", { name: "Remove" }).click();
  await confirm(page, "Remove", "Against the rules");
  await page.locator(".screen-head").getByText("removed").waitFor();
  await page.getByRole("button", { name: "Restore" }).click();
  await confirm(page, "Restore", "It was not");
  await page.locator(".screen-head").getByText("open").waitFor();
  const at = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const slot = { start: at(30), end: at(31) };
  const terms = { price: { amount: 4900, currency: "EUR" }, message: "Tomorrow?", slot };
  const offer = await (await api(user("ben"), "POST", `/requests/${tap}/offers`, terms)).json();
  await go(page, `#/marketplace/offers/${offer.id}`, /Offer/);
  await page.getByRole("button", { name: "Remove" }).click();
  await confirm(page, "Remove", "A price that is none");
  await page.locator(".screen-head").getByText("removed").waitFor();
  await go(page, `#/marketplace/bookings/${demo.booking.id}`, /./);
  await page.getByRole("button", { name: "Cancel for both" }).click();
  await confirm(page, "Cancel for both", "The house has burnt down");
  await page.locator(".screen-head").getByText("cancelled").waitFor();
  await page.getByText("The house has burnt down").first().waitFor();
});

await step("a refusal shows the sentence and the request's id, and the dialog stays", async () => {
  await go(page, `#/people/${user("eve").id}`, "Eve");
  await page.getByRole("button", { name: "Change role" }).click();
  await api(user("root"), "PUT", `/admin/users/${user("eve").id}/plan`, { plan: "enterprise" });
  await page.getByRole("dialog").getByLabel("Role").selectOption("provider");
  await page.getByRole("dialog").getByRole("button", { name: "Change role" }).click();
  const problem = page.getByRole("dialog").getByRole("alert");
  await problem.waitFor();
  assert.match(await problem.innerText(), /Request/);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

await step("the audit trail is exported as CSV and as JSON lines", async () => {
  await go(page, "#/audit?outcome=done", "Audit");
  const exported = async (button) => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: button }).click();
    return readFileSync(await (await download).path(), "utf8").trim();
  };
  const lines = (await exported("Export JSON lines")).split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length > 3 && lines.every(({ outcome }) => outcome === "done"));
  const csv = (await exported("Export CSV")).split("\r\n");
  assert.equal(csv[0].split(",")[2], "actor");
  assert.equal(csv.length, lines.length + 1);
});

await step("settings are searched, and secrets are masked", async () => {
  await go(page, "#/settings", "Settings");
  await page.getByLabel("Search").fill("SOUK_BIND");
  await page.getByRole("cell", { name: "127.0.0.1" }).first().waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.getByLabel("Search").fill("");
  await page.getByText("None yet.").waitFor();
  await page.getByText("current", { exact: true }).waitFor();
  await page.getByText(/All \d+ migrations/).click();
  await page.locator(".migrations li").filter({ hasText: "create_marketplace" }).locator("time[title$=UTC]").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await check(page, `migrations in ${colorScheme}`);
    await picture(page, `migrations-${colorScheme}`);
  }
  assert.ok(!(await page.locator("main").innerText()).includes(demo.users[0].access_token));
});

await step("the keyboard alone is enough", async () => {
  await go(page, "#/people", "People");
  await page.reload();
  await page.getByRole("heading", { name: "People" }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent.trim()), "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ana@");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Ana" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Ana" }).waitFor();
  const focused = await page.evaluate(() => document.activeElement?.tagName);
  assert.equal(focused, "H1", "the new screen's title has the focus");
});

await step("without the network it says so, and comes back by itself", async () => {
  await go(page, "#/overview", "Overview");
  await page.context().setOffline(true);
  await page.evaluate(() => (location.hash = "#/settings"));
  await page.getByText("The server cannot be reached").waitFor();
  await picture(page, "offline");
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("SOUK_BIND").waitFor();
});

await step("a login that was ended elsewhere ends here", async () => {
  const other = await open();
  await logIn(other);
  await other.getByRole("heading", { name: "Overview" }).waitFor();
  await go(page, "#/account", "Root");
  await page.getByRole("button", { name: "Log out elsewhere" }).click();
  await confirm(page, "Log out elsewhere");
  await other.evaluate(() => (location.hash = "#/settings"));
  await other.getByRole("heading", { name: "Log in to the dashboard" }).waitFor();
  await other.context().close();
});

await step("logging out ends the login, and forgets it", async () => {
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByRole("heading", { name: "Log in to the dashboard" }).waitFor();
  const cookies = await page.context().cookies(`${demo.base_url}/admin/login`);
  assert.deepEqual(cookies.filter(({ name }) => name === "souk-admin-refresh"), []);
  await page.reload();
  await page.getByRole("heading", { name: "Log in to the dashboard" }).waitFor();
});

await step("an access token logs in, too", async () => {
  await page.getByRole("button", { name: "Use an access token" }).click();
  await page.getByLabel("Access token of an admin").fill(user("ben").access_token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Access token of an admin").fill(user("mallory").access_token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("the token is not valid").waitFor();
});

await nothingFailed();
await close();
