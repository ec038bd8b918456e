// The page itself, kept in this browser so that it opens without signal.

import service from "./offline/service-worker.js?later";

const PREFIX = "faunalens-shell-"; // beginning of the caches' names, as in service-worker.js
const { lang, dataset } = document.documentElement; // `shell`: address of the list of files that all languages have

/** Keep the page as it is now, unless it is kept already, and forget how it was. */
export async function keepPage() {
  const base = document.baseURI;
  await navigator.serviceWorker.register(new URL(service, import.meta.url), { scope: new URL(".", base).pathname });
  const name = `${PREFIX}${lang}-${dataset.shell}`;
  if (!(await caches.has(name))) {
    const files = [...(await (await fetch(new URL(dataset.shell, base))).json()), dataset.names, dataset.relatives].filter(Boolean);
    const store = await caches.open(name);
    try {
      await store.addAll([base, ...files.map((file) => new URL(file, base).href)]);
    } catch (error) {
      await caches.delete(name); // half a page is none
      throw error;
    }
  }
  for (const each of await caches.keys()) if (each.startsWith(PREFIX) && each !== name) await caches.delete(each);
}

export async function forgetPage() {
  for (const each of await caches.keys()) if (each.startsWith(PREFIX)) await caches.delete(each);
  for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
}
