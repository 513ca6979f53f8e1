// What a stranger writes with the types that `openapi-typescript` makes of our document: a deal, from signing up
// to the accepted offer. `tsc --strict` compiles it, node runs it against the server at the address that it is
// given.
import assert from "node:assert/strict";
import { argv } from "node:process";

import createClient from "openapi-fetch";

import type { components, operations, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];
type Role = operations["registerAccount"]["requestBody"]["content"]["application/json"]["role"];

const baseUrl = argv[2] ?? "http://127.0.0.1:8080";
const password = "correct horse battery";

async function comeIn(email: string, role: Role) {
  const anyone = createClient<paths>({ baseUrl });
  const registered = await anyone.POST("/auth/register", { body: { email, password, role } });
  assert.ok(registered.data, "registered");
  const { data: tokens } = await anyone.POST("/auth/token", { body: { email, password } });
  assert.ok(tokens, "logged in");
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${tokens.access_token}` } });
}

const ana = await comeIn("ana@example.com", "consumer");
const ben = await comeIn("ben@example.com", "provider");

const wish = {
  params: { header: { "Idempotency-Key": "the-tap" } },
  body: { category: "plumbing", title: "Fix the tap", budget: { max: 9000, currency: "EUR" } },
} as const;
const { data: request, response } = await ana.POST("/requests", wish);
assert.ok(request, "requested");
assert.equal(response.status, 201);
const again = await ana.POST("/requests", wish);
assert.equal(again.data?.id, request.id);
assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");

const days = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString();
const { data: offer } = await ben.POST("/requests/{id}/offers", {
  params: { path: { id: request.id } },
  body: { price: { amount: 4900, currency: "EUR" }, slot: { start: days(2), end: days(3) } },
});
assert.ok(offer, "offered");
const mayWithdraw: boolean = offer.allowed_actions.includes("withdraw");
assert.ok(mayWithdraw);

const { data: accepted } = await ana.POST("/offers/{id}/accept", {
  params: { path: { id: offer.id }, header: { "Idempotency-Key": "the-offer" } },
  body: { version: offer.version },
});
assert.equal(accepted?.state, "accepted");

const { data: bookings } = await ana.GET("/bookings", {
  params: { query: { state: "confirmed", limit: 5 } },
});
assert.equal(bookings?.items[0]?.offer_id, offer.id);

// What is refused is a problem, with its fields.
const late = await ben.POST("/offers/{id}/withdraw", { params: { path: { id: offer.id } } });
const problem: Problem | undefined = late.error;
assert.equal(problem?.status, 409);
assert.equal(problem.code, "conflicting_state");
assert.equal(problem.current_state, "accepted");
const untitled = await ana.POST("/requests", { body: { ...wish.body, title: "" } });
assert.deepEqual(untitled.error?.errors?.map(({ field }) => field), ["title"]);

// What would be wrong does not compile.
export const wrong = [
  // @ts-expect-error: there is no such address
  () => ana.GET("/request"),
  // @ts-expect-error: a request has a title
  () => ana.POST("/requests", { body: { category: "plumbing", budget: { currency: "EUR" } } }),
  // @ts-expect-error: an offer is accepted by its version
  () => ana.POST("/offers/{id}/accept", { params: { path: { id: offer.id } }, body: { version: "1" } }),
  // @ts-expect-error: no booking has that state
  () => ana.GET("/bookings", { params: { query: { state: "done" } } }),
  // @ts-expect-error: nor may that be done to an offer
  () => offer.allowed_actions.includes("explode"),
  // @ts-expect-error: a path names what it is about
  () => ana.GET("/requests/{id}"),
  // @ts-expect-error: requests have no such field
  () => request.colour,
];
console.log("a deal was made");
