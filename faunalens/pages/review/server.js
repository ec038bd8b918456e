// What the page asks the server for. While an event is open, nobody else gets it: the page renews its hold.
import { say } from "./words.js";

const RENEWAL = 40_000; // ms; a hold lasts two minutes

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error(say("server-gone"));
  }
  if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });
  return response.json();
}

export const get = (path) => ask(path);
export const post = (path, body, more = {}) => ask(path, { method: "POST", body: JSON.stringify(body), ...more });

let held = null;
setInterval(() => held && post("hold", { event: held }).catch(() => {}), RENEWAL);
addEventListener("pagehide", () => release());

/** Open an event by the id of its first photo, and let go of the one before. */
export async function hold(id) {
  if (held !== id) await release();
  const event = await get(`event/${id}`);
  held = event.held_by ? null : id;
  return event;
}

/** Let go of the event that is open. */
export async function release() {
  const id = held;
  held = null;
  if (id) await post("release", { event: id }, { keepalive: true }).catch(() => {}); // it ends by itself
}
