// The files that answers without signal need, kept in this browser: each is fetched once, checked by its SHA-256, and kept
// under it, so that an update fetches only what has changed. They stay compressed, which halves their space.

const STORE = "faunalens-offline"; // in the Cache API, which keeps large bytes on disk

/** A file that could not be had. `code`: of the page's problems. */
export class FileFault extends Error {
  constructor(code, name) {
    super(`${name}: ${code}`);
    this.code = code;
  }
}

/** Return what the server offers, or null if it offers nothing. `base`: the address of the page. */
export async function offered(base) {
  const response = await fetch(new URL("offline.json", base), { cache: "no-cache" });
  if (response.status === 404) return null;
  if (!response.ok) throw new FileFault("unavailable", "offline.json");
  return response.json();
}

/** Return the list of files that are all here, or null. It was written last, so that no half of an update counts. */
export async function kept(base) {
  if (!(await caches.has(STORE))) return null;
  const store = await caches.open(STORE);
  const list = await (await store.match(new URL("offline.json", base)))?.json();
  if (!list) return null;
  const here = await Promise.all(list.files.map((file) => isHere(store, base, file)));
  return here.every(Boolean) ? list : null;
}

/** Return the files of a list that have to be fetched. */
export async function missing(base, { files }) {
  const store = await caches.open(STORE);
  const here = await Promise.all(files.map((file) => isHere(store, base, file)));
  return files.filter((_, i) => !here[i]);
}

/**
 * Fetch what is missing of a list, then make it the one that counts and forget other files. What was fetched before a
 * failure stays. Throws a `FileFault`.
 * @param {(share: number) => void} onProgress  called with the share that is here, 0 to 1
 */
export async function fetchAll(base, list, signal, onProgress) {
  const store = await caches.open(STORE);
  const wanted = await missing(base, list);
  const total = wanted.reduce((sum, { parts }) => sum + parts.length, 0);
  let done = 0;
  for (const file of wanted) {
    const pieces = [];
    for (const part of file.parts) {
      pieces.push(await fetched(new URL(part, new URL(list.parts_prefix.replace(/^\//, ""), base)), file.name, signal));
      onProgress((done += 1) / total);
    }
    const data = new Blob(pieces);
    await checked(data, file);
    await store.put(address(base, file), new Response(data, { headers: { "Content-Length": data.size } })).catch((error) => {
      throw error.name === "QuotaExceededError" ? new FileFault("no_space", file.name) : error;
    });
  }
  await store.put(new URL("offline.json", base), new Response(JSON.stringify(list)));
  const current = new Set([new URL("offline.json", base).href, ...list.files.map((file) => address(base, file))]);
  for (const { url } of await store.keys()) if (!current.has(url)) await store.delete(url);
}

/** Return the bytes of a file that is kept. Throws a `FileFault` if they are missing or are no longer what they were. */
export async function read(base, file) {
  const store = await caches.open(STORE);
  const data = await (await store.match(address(base, file)))?.blob();
  return checked(data ?? new Blob(), file).catch(async (fault) => {
    await store.delete(address(base, file)); // so that it is fetched again
    throw fault;
  });
}

/** Forget all files. */
export function forget() {
  return caches.delete(STORE);
}

function address(base, { sha256: hash }) {
  return new URL(`offline/${hash}`, base).href;
}

async function isHere(store, base, file) {
  const found = await store.match(address(base, file));
  return found !== undefined && Number(found.headers.get("Content-Length")) === (await found.blob()).size;
}

async function fetched(part, name, signal) {
  const headers = { Accept: "application/octet-stream" }; // API Gateway sends bytes only to who asks for them
  const response = await fetch(part, { signal, headers });
  if (!response.ok) throw new FileFault("unavailable", name);
  return response.arrayBuffer();
}

/** Return what compressed bytes contain, if that is the file. */
async function checked(compressed, { name, sha256, bytes }) {
  const data = new Uint8Array(bytes); // of the whole at once: a joined stream takes twice as much
  let at = 0;
  const write = (chunk) => {
    data.set(chunk, at);
    at += chunk.length;
  };
  const stream = compressed.stream().pipeThrough(new DecompressionStream("gzip"));
  await stream.pipeTo(new WritableStream({ write })).catch(() => {}); // what is wrong with it shows in the digest
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) throw new FileFault("damaged", name);
  return data;
}
