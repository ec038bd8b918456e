// Serves the page itself without signal, from what offline/shell.js has kept of it. It sees only requests for the page and
// its files: what the page asks of the API goes past it.

const SHELL = "faunalens-shell-"; // beginning of the caches' names; the last one counts
const PATIENCE = 4000; // ms until a page that does not come is taken from what was kept

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  const base = new URL(self.registration.scope);
  if (request.method !== "GET" || address.origin !== base.origin) return;
  if (request.mode === "navigate" && address.pathname === base.pathname) event.respondWith(freshPage(request, base));
  else if (address.pathname.startsWith(`${base.pathname}faunalens/web/`)) event.respondWith(keptFile(request));
});

/** Return the page as the server has it now, or as it was kept if the server does not answer soon. */
async function freshPage(request, base) {
  const kept = (await shell())?.match(base);
  if (!(await kept)) return fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const fresh = fetch(request).catch(() => null);
  const response = await Promise.race([fresh, late]);
  return response ?? kept;
}

/** Return a file of the page. Names change with content, so a kept one is right. */
async function keptFile(request) {
  return (await (await shell())?.match(request)) ?? fetch(request);
}

async function shell() {
  const name = (await caches.keys()).filter((each) => each.startsWith(SHELL)).at(-1);
  return name && caches.open(name);
}
