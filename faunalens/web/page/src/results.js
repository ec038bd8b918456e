// The person's own list of animals, on this device: what each photo showed, what the person says of it, and the answers
// that the server keeps because they were shared, each at an address that only this browser knows until then.

const LIST = "observations"; // in localStorage, the latest first
const LASTING = "lasting"; // in localStorage: "yes" if the list is to stay longer than DAYS
const DAYS = 30;
export const MOST = 2000; // entries, about 1 MB; browsers keep about 5 MB

/** Whether the server can keep results. */
export const canKeep = Boolean(document.querySelector('meta[name="results"]'));

/**
 * @typedef {object} Observation
 * @property {string} id
 * @property {string} added  when it came into the list, ISO 8601
 * @property {{taxon?: string, name: string, english?: string, scientific_name: string, rank?: string}} taxon  what it is
 * @property {string} answered  what Faunalens said, as a sentence
 * @property {"" | "confirmed" | "corrected"} said  what the person said of that
 * @property {string} date  2026-07-14, or a part of it, or empty
 * @property {{latitude: number, longitude: number} | null} place  with two decimals, about a kilometre
 * @property {string} where  the place in words
 * @property {number} count
 * @property {string} note
 * @property {{id: string, url: string, token: string, expires: string}[]} results  that the server keeps, the latest first
 */

/** @returns {Observation[]} the list, without what has expired */
export function observations() {
  const oldest = lasts() ? 0 : Date.now() - DAYS * 86_400_000;
  const isCurrent = ({ expires }) => new Date(expires) > Date.now();
  return (read(LIST) ?? [])
    .filter(({ added }) => new Date(added) > oldest)
    .map((each) => ({ ...each, results: each.results.filter(isCurrent) }));
}

export function observation(id) {
  return observations().find((each) => each.id === id) ?? null;
}

/** Put an observation into the list, in place of the one with its id. Return whether there was room. */
export function record(observation) {
  const entries = observations();
  const at = entries.findIndex(({ id }) => id === observation.id);
  if (at < 0 && entries.length >= MOST) return false;
  if (at < 0) entries.unshift(observation);
  else entries[at] = observation;
  return write(LIST, entries);
}

/** Take an observation out of the list. */
export function forget(gone) {
  write(
    LIST,
    observations().filter(({ id }) => id !== gone),
  );
}

/** Whether the list stays longer than 30 days. */
export function lasts() {
  return read(LASTING) === "yes";
}

/** Let the list stay, or not. The browser is asked not to clear it when it needs space. */
export function setLasting(isWanted) {
  if (isWanted) navigator.storage?.persist?.();
  write(LASTING, isWanted ? "yes" : "no");
  write(LIST, observations());
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null; // the browser forbids it, or another program wrote it
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false; // the browser forbids it or has no space
  }
}
