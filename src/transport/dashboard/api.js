// REST, seen with one token. The token stands in sessionStorage and nowhere else.

const KEPT_AS = "synod.token";

/** The server said no, or nothing. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEPT_AS),
  keep: (text) => sessionStorage.setItem(KEPT_AS, text),
  forget: () => sessionStorage.removeItem(KEPT_AS),
};

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token.get()}`, ...options.headers };
  let response;
  try {
    response = await fetch(`api/v1/${path}`, { ...options, headers, cache: "no-store" });
  } catch {
    throw new Refused("The server does not answer.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const reasons = Object.entries(answer.details ?? {}).map(([field, why]) => `${field}: ${[why].flat().join(", ")}`);
  throw new Refused([answer.message ?? `The server answers ${response.status}.`, ...reasons].join(" "), response.status);
}

export const get = (path) => ask(path);

/** A key for one act. */
export const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-");

/** Acts once, however often it is sent with this key. */
export function post(path, body, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

const known = new Map();

/** Gets what an agent or a message is, once: neither changes its name or its words. Whether an agent's token was taken back does change. */
function once(path) {
  if (!known.has(path)) {
    const asked = get(path).catch((refused) => {
      known.delete(path);
      throw refused;
    });
    known.set(path, asked);
  }
  return known.get(path);
}

/** These agents by their ids. */
export async function agents(ids) {
  const found = await Promise.all([...new Set(ids)].map((id) => once(`agents/${id}`)));
  return new Map(found.map((agent) => [agent.id, agent]));
}

/** These messages, in the order in which they were sent. */
export async function messages(ids) {
  const found = await Promise.all(ids.map((id) => once(`communications/${id}`)));
  return found.sort((one, other) => one.timestamp.localeCompare(other.timestamp));
}

/** Lets agents be asked for anew. */
export function forgetAgents() {
  for (const path of known.keys()) if (path.startsWith("agents/")) known.delete(path);
}

/** Forgets all that was asked with a token. */
export const forget = () => known.clear();
