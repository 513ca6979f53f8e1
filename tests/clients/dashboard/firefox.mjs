// Opens every screen of the dashboard in Firefox, and does a little of each kind: what works in one browser
// may not in another. The run in Chromium is the thorough one.
//
// node firefox.mjs DEMO.json FIREFOX

import { firefox } from "playwright-core";
import {
  PHONE,
  WIDE,
  close,
  confirm,
  connect,
  everyScreen,
  fits,
  go,
  logIn,
  nothingFailed,
  seeAnEvent,
  start,
  step,
  user,
} from "./harness.mjs";

// Such a channel is a Firefox as it is published, driven over WebDriver BiDi, and not Playwright's own. It is
// not documented yet, and 1.64 is the last version that asks of Firefox 153 only what that has.
const page = await start(firefox, { channel: "moz-firefox" });

await step("who is no admin is refused, and an admin logs in", async () => {
  await logIn(page, user("ana"));
  await page.getByRole("alert").getByText("only admins may use the dashboard").waitFor();
  await page.reload();
  await logIn(page);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
});

await step("the numbers come live, and an event as it happens", async () => {
  await page.getByText("Live", { exact: true }).waitFor();
  await page.locator(".tile").filter({ hasText: "Memory" }).getByText(/MiB/).waitFor();
  await page.locator(".chart canvas").first().waitFor();
  await seeAnEvent(page);
});

await step("a reload goes on with the login", async () => {
  await page.reload();
  await page.getByText("Live", { exact: true }).waitFor();
});

for (const [where, size] of Object.entries({ "a desk": WIDE, "a phone": PHONE })) {
  await step(`every screen opens and fits on ${where}`, async () => {
    await page.setViewportSize(size);
    await everyScreen(page, (address) => fits(page, `${address} on ${where}`));
  });
}

await step("a person is suspended with a reason, and is gone at once", async () => {
  await page.setViewportSize(WIDE);
  const cleo = await connect(user("cleo"));
  await go(page, `#/people/${user("cleo").id}`, "Cleo");
  await page.getByRole("button", { name: "Suspend" }).click();
  await confirm(page, "Suspend", "Spam");
  await page.locator(".facts").getByText("suspended").waitFor();
  await cleo.ended();
  await go(page, `#/audit?kind=user&row=${user("cleo").id}&action=suspend`, "Audit");
  await page.getByText("Spam").first().waitFor();
});

await step("logging out ends the login, and forgets it", async () => {
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByRole("heading", { name: "Log in to the dashboard" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Log in to the dashboard" }).waitFor();
});

await nothingFailed();
await close();
