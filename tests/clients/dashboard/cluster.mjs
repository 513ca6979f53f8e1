// Drives the dashboard of one of two servers on a database, each of which has a live client; then the other is killed.
//
// node cluster.mjs CLUSTER.json CHROMIUM [FOLDER]: with a folder, pictures are left there.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { close, demo, go, logIn, nothingFailed, picture, start, step } from "./harness.mjs";

const { here, there } = demo;
const page = await start(chromium, { args: ["--no-sandbox", "--disable-gpu"] });
const server = ({ node }) => page.locator(`li[data-node="${node}"]`);
const row = ({ email }) => page.locator("tbody tr").filter({ hasText: email });

/** As the dashboard shows an id. */
const short = (id) => `…${id.slice(-8)}`;

await step("the overview shows both servers, and which one it is of", async () => {
  await logIn(page, demo.admin);
  await server(here).getByText("this one").waitFor();
  for (const one of [here, there]) await server(one).locator(".badge.good").waitFor();
  assert.equal(await page.getByText("this one").count(), 1);
  assert.equal(await page.locator("li[data-node]").count(), 2);
  await page.locator("li[data-part=bus] .badge.good").waitFor();
  await picture(page, "two servers");
});

await step("live connections are listed with their servers, and filtered by one", async () => {
  await go(page, "#/sessions", "Sessions");
  for (const one of [here, there]) {
    await row(one).getByRole("link", { name: `on ${short(one.node)}` }).waitFor();
  }
  await picture(page, "sessions of two servers");
  await row(there).getByRole("link", { name: /^on / }).click();
  await page.locator(".filters .badge").getByText(`on server ${short(there.node)}`).waitFor();
  await row(here).waitFor({ state: "detached" });
  await row(there).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await picture(page, "sessions of one server");
  await page.getByRole("link", { name: "Clear" }).click();
  await row(here).waitFor();
});

await step("a server that is killed is told as one that misses heartbeats, then as gone", async () => {
  await go(page, "#/overview", "Overview");
  await server(there).locator(".badge.good").waitFor();
  process.kill(there.pid, "SIGKILL");
  await server(there).locator(".badge.warn").waitFor();
  await page.locator("li[data-part=nodes] .badge.warn").waitFor();
  await server(there).locator(".badge.danger").waitFor();
  await server(here).locator(".badge.good").waitFor();
  await server(there).scrollIntoViewIfNeeded();
  await picture(page, "killed server");
  await go(page, "#/sessions", "Sessions");
  await row(here).waitFor();
  assert.equal(await row(there).count(), 0, "its connections do not count");
});

await nothingFailed();
await close();
