// Calls of the API. Errors are `Problem`s with the sentence and the request id that the server gave.

/** @typedef {import('./types.js').Method} Method */

/**
 * What an API call may take besides method and path.
 * @typedef {object} CallOptions
 * @property {unknown} [body] Sent as JSON.
 * @property {string} [etag] The version that the caller has seen (`If-Match`).
 * @property {boolean} [once] Sends an `Idempotency-Key`: a repeated request changes nothing.
 * @property {boolean} [cookie] The call is one of the login, which goes by its cookie.
 * @property {string | null} [token] Instead of the session's; `null` for none. It is not renewed.
 * @property {boolean} [survives] Also sent if the page is left meanwhile.
 * @property {AbortSignal} [signal]
 */

/** An error that people can read. */
export class Problem extends Error {
  /**
   * @param {string} detail
   * @param {{status?: number, code?: string, requestId?: string, errors?: {field: string, message: string}[]}} [more]
   */
  constructor(detail, more = {}) {
    super(detail);
    this.status = more.status ?? 0;
    this.code = more.code ?? "unreachable";
    this.requestId = more.requestId ?? "";
    this.errors = more.errors ?? [];
  }

  /** The server was not reached at all. */
  get isOffline() {
    return this.status === 0;
  }
}

/** How the session answers a call's need of a token; set by `session.js`. */
/** @type {{token(): Promise<string | null>, renew(refused: string): Promise<string | null>}} */
let credentials = { token: async () => null, renew: async () => null };

/** @param {typeof credentials} source */
export function authenticateBy(source) {
  credentials = source;
}

/** Random text that no other call has. */
function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends one request.
 * @param {Method} method
 * @param {string} path
 * @param {string | null} token
 * @param {CallOptions & {key?: string}} options
 */
async function send(method, path, token, options) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token) headers["Authorization"] = `Bearer ${token}`;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.etag) headers["If-Match"] = options.etag;
  if (options.key) headers["Idempotency-Key"] = options.key;
  if (options.cookie) headers["X-Souk-Dashboard"] = "1";
  try {
    return await fetch(path, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      keepalive: options.survives ?? false,
      credentials: options.cookie ? "same-origin" : "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("The server cannot be reached. Check the connection; nothing was changed here.");
  }
}

/** @param {Response} response */
async function problemOf(response) {
  const requestId = response.headers.get("X-Request-Id") ?? "";
  const document = await response.json().catch(() => ({}));
  const wait = response.headers.get("Retry-After");
  const detail = document.detail ?? `The server answered ${response.status}.`;
  return new Problem(wait ? `${detail} (again in ${wait} s)` : detail, {
    status: response.status,
    code: document.code ?? "",
    requestId: document.request_id || requestId,
    errors: document.errors ?? [],
  });
}

/**
 * Calls the API, and answers with the body and its `ETag`. A token that is refused is renewed once.
 * @param {Method} method
 * @param {string} path
 * @param {CallOptions} [options]
 * @returns {Promise<{data: any, etag: string}>}
 */
export async function call(method, path, options = {}) {
  const sent = { ...options, key: options.once ? key() : undefined };
  const isOwn = !options.cookie && options.token === undefined;
  const token = isOwn ? await credentials.token() : (options.token ?? null);
  let response = await send(method, path, token, sent);
  if (response.status === 401 && token && isOwn) {
    const next = await credentials.renew(token);
    if (next) response = await send(method, path, next, sent);
  }
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  const data = text ? JSON.parse(text) : null;
  return { data, etag: response.headers.get("ETag") ?? "" };
}

/**
 * Reads.
 * @param {string} path
 * @param {Record<string, string | number | undefined | null>} [query] Empty values are left out.
 * @param {AbortSignal} [signal]
 */
export async function get(path, query = {}, signal) {
  return (await call("GET", withQuery(path, query), { signal })).data;
}

/**
 * @param {string} path
 * @param {Record<string, string | number | undefined | null>} query
 */
export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}
