// What the runs in all browsers share: the demo's marketplace, its screens, and how to act on them.
//
// node RUN.mjs DEMO.json BROWSER [FOLDER]: with a folder, pictures are left there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [, , demoFile, executablePath, pictures] = process.argv;

export const demo = JSON.parse(readFileSync(demoFile, "utf8"));
const base = demo.base_url;
export const user = (name) => demo.users.find((user) => user.name === name);

/** What must not happen in the background: requests elsewhere, violations of the policy, failing scripts. */
const faults = [];

export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 780 };

/** The browser of this run, and its first page. */
let browser, page;

/** Starts the browser; its first page. */
export async function start(type, options) {
  browser = await type.launch({ executablePath, ...options });
  page = await open();
  return page;
}

/** A page that shares no cookies with others. */
export async function open() {
  const context = await browser.newContext({ baseURL: base, viewport: WIDE });
  context.on("request", (request) => {
    const url = new URL(request.url());
    const isOwn = ["data:", "blob:"].includes(url.protocol) || url.host === new URL(base).host;
    if (!isOwn) faults.push(`requested ${url}`);
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      const { violatedDirective, blockedURI, sourceFile, lineNumber } = event;
      console.error(`policy violated: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
    });
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`script failed: ${error.message}`));
  page.on("console", (message) => {
    const isAnswer = /status of (401|403|409|422)|Failed to load resource/.test(message.text());
    if (message.type() === "error" && !isAnswer) faults.push(message.text());
  });
  // Far more than anything takes on a quiet machine.
  page.setDefaultTimeout(30_000);
  return page;
}

export async function logIn(page, who = user("root")) {
  await page.goto("/admin/");
  await page.getByLabel("Email").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Log in" }).click();
}

export async function go(page, address, title) {
  await page.evaluate((address) => (location.hash = address), address);
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
}

export async function confirm(page, button, reason) {
  const dialog = page.getByRole("dialog");
  if (reason) await dialog.getByLabel(/Reason/).fill(reason);
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

/** A client of the marketplace in a browser of its own, on which the dashboard acts. */
export async function connect(who) {
  const client = await open();
  // Any page of this origin whose policy lets it connect.
  await client.goto("/admin/");
  const ticket = await (await api(who, "POST", "/auth/ticket")).json();
  await client.evaluate((address) => {
    globalThis.notices = [];
    globalThis.send = (message) => socket.send(JSON.stringify(message));
    const socket = new WebSocket(address);
    globalThis.gone = new Promise((resolve) => (socket.onclose = resolve));
    return new Promise((resolve) => {
      socket.onmessage = (message) => resolve(void notices.push(JSON.parse(message.data)));
    });
  }, `${demo.websocket_url}?ticket=${ticket.ticket}`);
  return {
    /** Waits for a notice of this type. */
    heard: (type) =>
      client.waitForFunction((type) => globalThis.notices.some((notice) => notice.type === type), type),
    send: (message) => client.evaluate((message) => globalThis.send(message), message),
    leave: () => client.context().close(),
    /** Waits for its end; the last notice. */
    ended: async () => {
      const last = await client.evaluate(() => globalThis.gone.then(() => notices.at(-1)));
      await client.context().close();
      return last;
    },
  };
}

export const api = (who, method, path, body) =>
  fetch(`${base}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${who.access_token}`,
      ...(body ? { "Content-Type": "application/json" } : {}),
    },
    body: body && JSON.stringify(body),
  });

/** The screens of the demo's marketplace, and their titles. */
const screens = () => [
  ["#/overview", "Overview"],
  ["#/sessions", "Sessions"],
  ["#/sessions/ended", "Sessions"],
  ["#/rooms", "Rooms"],
  ["#/rooms?order=busiest", "Rooms"],
  ["#/rooms/admin", "admin"],
  ["#/people", "People"],
  [`#/people/${user("ben").id}`, "Ben"],
  ["#/marketplace/requests", "Marketplace"],
  ["#/marketplace/offers", "Marketplace"],
  ["#/marketplace/bookings", "Marketplace"],
  ["#/marketplace/suspended", "Marketplace"],
  [`#/marketplace/requests/${demo.open_request.id}`, /./],
  [`#/marketplace/offers/${demo.open_request.offers[0].id}`, /Offer/],
  [`#/marketplace/bookings/${demo.booking.id}`, /./],
  ["#/audit", "Audit"],
  [
    `#/explain?who=ben%40souk.example&kind=offer&action=accept&row=${demo.open_request.offers[0].id}`,
    "Explain",
  ],
  ["#/settings", "Settings"],
  ["#/account", "Root"],
  ["#/nowhere", "There is no such page"],
];

export async function step(name, run) {
  const began = Date.now();
  try {
    await run();
  } catch (error) {
    console.error(`${name}: ${error.stack}\n${faults.join("\n")}`);
    await picture(page, "failed");
    await browser.close();
    process.exit(1);
  }
  console.log(`${name} (${Date.now() - began} ms)`);
}

/** Opens every screen, each of which must show something, and no error. */
export async function everyScreen(page, look) {
  for (const [address, title] of screens()) {
    await go(page, address, title);
    assert.equal(await page.getByRole("alert").count(), 0, `${address} shows an error`);
    await look(address);
  }
}

/** A request of a consumer. */
export const TAP = {
  category: "plumbing",
  title: "A tap that drips at night",
  description: "Drip.",
  budget: { max: 9000, currency: "EUR" },
  address: "Harbour Street 4",
};

/** Publishes a request while the overview is watched, which must show it; the request's id. */
export async function seeAnEvent(page) {
  const published = page.locator(".events li").filter({ hasText: "request published" });
  const before = await published.count();
  const created = await api(user("ana"), "POST", "/requests", TAP);
  assert.equal(created.status, 201);
  await published.nth(before).waitFor();
  return (await created.json()).id;
}

/** The page must not have to be scrolled sideways. */
export async function fits(page, where) {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wider <= 0, `${where} is ${wider} px too wide`);
}

/** Leaves a picture, if pictures are wanted; an address becomes a file's name. */
export async function picture(page, name) {
  const file = name.replace(/[0-9a-f-]{36}/g, "one").replace(/[^a-z]+/g, "-").slice(0, 40);
  if (pictures) await page.screenshot({ path: `${pictures}/${file}.png` });
}

export const nothingFailed = () =>
  step("nothing went elsewhere, and nothing failed in the background", async () => {
    assert.deepEqual(faults, []);
  });

export async function close() {
  await browser.close();
  console.log("all is well");
}
