// Answers that the server keeps for some days, each at an address that only this browser knows until it is shared.

const KEPT = "results"; // in localStorage: [{title, results: [{id, url, token}], expires}], the latest first
const WISH = "keep"; // in localStorage: "no" if the person does not want it
const MOST = 100; // entries of the history

/** Whether the server can keep results. */
export const canKeep = Boolean(document.querySelector('meta[name="results"]'));

/** Whether answers are to be kept. */
export function wantsKept() {
  return canKeep && read(WISH) !== "no";
}

export function setWantsKept(isWanted) {
  write(WISH, isWanted ? "yes" : "no");
}

/** Return what was kept and has not expired, the latest first. */
export function history() {
  const entries = read(KEPT) ?? [];
  return entries.filter(({ expires }) => new Date(expires) > Date.now());
}

/**
 * Add a result to the history. It joins an earlier result of the same photos, which `before` is.
 * @param {string} title  what the answer says
 */
export function remember(title, { id, url, token, expires }, before) {
  const entries = history();
  const [same] = before ? entries.filter(({ results }) => results.some((each) => each.id === before.id)) : [];
  const entry = { title, results: [{ id, url, token }, ...(same?.results ?? [])], expires };
  write(KEPT, [entry, ...entries.filter((each) => each !== same)].slice(0, MOST));
}

/** Remove the entry of a result from the history. */
export function forget(id) {
  const isOther = ({ results }) => results.every((each) => each.id !== id);
  write(KEPT, history().filter(isOther));
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
  } catch {
    // The browser forbids it or has no space: the answers stay, but are not listed.
  }
}
