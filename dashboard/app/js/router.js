// Addresses within the page: `#/people/ID?tab=logins`. The server knows nothing of them.

/** @typedef {{name: string, parts: string[], query: URLSearchParams}} Route */

/** @returns {Route} */
export function route() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { name: parts[0] ?? "overview", parts, query: new URLSearchParams(query) };
}

/**
 * The address of a screen.
 * @param {string[]} parts
 * @param {Record<string, string | undefined>} [query] Empty values are left out.
 */
export function link(parts, query = {}) {
  const given = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const text = new URLSearchParams(given).toString();
  const path = `#/${parts.map(encodeURIComponent).join("/")}`;
  return text ? `${path}?${text}` : path;
}

/**
 * Goes to another screen, or to the same one with another query.
 * @param {string} address
 */
export function go(address) {
  location.hash = address;
}
