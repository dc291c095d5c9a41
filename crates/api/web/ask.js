// Asking the service. What lives here: one request, its problem as an Error with
// fields, and whether the service answers at all. What does not: any element but
// the line that says so.

const line = document.getElementById("connection");

/** Shows that the service is out of reach, or no longer, which the document is told
 *  as the event `reachable`. */
export function reachable(yes) {
  const text = yes ? "" : "The service does not answer. Trying again…";
  if (line.textContent === text) return;
  line.textContent = text;
  if (yes) document.dispatchEvent(new Event("reachable"));
}

/**
 * Asks the service. A problem becomes an Error with `status` and `fields`, the
 * list of `{field, message}`; without any answer `status` is 0.
 */
export async function ask(method, path, body) {
  let response;
  try {
    // Not relative: a page that was opened with a key in its address may ask nothing there.
    response = await fetch(new URL(path, location.origin), {
      method,
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
  } catch {
    reachable(false);
    throw Object.assign(new Error("The service does not answer."), { status: 0, fields: [] });
  }
  reachable(true);
  const data = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return data;
  const text = data?.detail ?? `The service answered ${response.status}.`;
  throw Object.assign(new Error(text), { status: response.status, fields: data?.errors ?? [] });
}

/** The address of a session, below which its parts are. */
export const home = (id) => `/v1/sessions/${encodeURIComponent(id)}`;
