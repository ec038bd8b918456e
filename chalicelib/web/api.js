// The calls of the API that the page makes. A failure of any kind is one `Problem`.

import { MOST_BYTES, contentType } from "./photo.js";

const PATIENCE = 35_000; // ms; the API's own door gives up after 29 s
const SLOWEST = 125; // bytes a ms: 1 Mbit/s, at which a photo of 4.5 MB is 36 s on its way

/** What went wrong: a `code` of the API's problem details, or `offline`, `timeout`, `not_understood`. */
export class Problem extends Error {
  constructor(code, detail = "", retryAfter = null) {
    super(detail || code);
    Object.assign(this, { name: "Problem", code, detail, retryAfter });
  }
}

/**
 * Identify the animal of a photo.
 * @param {Blob} photo
 * @param {null | "none" | {latitude: number, longitude: number}} place  null: the photo says where it was taken
 */
export async function identify(photo, place, signal) {
  const query = place === "none" ? "?location=none" : place ? `?${coordinates(place)}` : "";
  const upload = photo.size > MOST_BYTES ? await offer(signal) : null;
  if (upload) {
    await put(photo, upload, signal);
    return call(`${upload.identify_url}${query}`, { method: "POST", signal });
  }
  return call(`identify${query}`, {
    method: "POST",
    headers: { "Content-Type": contentType(photo) },
    body: photo,
    size: photo.size,
    signal,
  });
}

/** The animals that live at a place. */
export function animals(place, signal) {
  return call(`animals?${coordinates(place)}`, { signal });
}

/** Two decimals are about a kilometre: plenty for a cell of 110 km, and no more than need be sent. */
function coordinates({ latitude, longitude }) {
  return new URLSearchParams({ lat: latitude.toFixed(2), lon: longitude.toFixed(2) });
}

/** Where a photo too large for the API's door can be put; null where nothing is set up for that. */
async function offer(signal) {
  try {
    return await call("uploads", { method: "POST", signal });
  } catch (problem) {
    if (problem.code === "not_found") return null;
    throw problem;
  }
}

/** Put a photo where the API will find it. */
async function put(photo, { url, fields, max_bytes: most }, signal) {
  if (photo.size > most) throw new Problem("photo_too_large");
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("Content-Type", photo.type.startsWith("image/") ? photo.type : "image/unknown"); // the bytes decide
  form.append("file", photo); // S3 wants it last
  await send(url, { method: "POST", body: form, size: photo.size, signal }, (response) => {
    if (!response.ok) throw new Problem("unavailable", `the upload was refused with status ${response.status}`);
  });
}

function call(path, request) {
  return send(path, { ...request, headers: { Accept: "application/json", ...request.headers } }, async (response) => {
    const body = await response.json().catch((error) => (error.name === "AbortError" ? Promise.reject(error) : null));
    if (response.ok && body) return body;
    throw new Problem(body?.code ?? byStatus(response.status), body?.detail ?? "", response.headers.get("Retry-After"));
  });
}

/** Send a request and read its response, with patience for both; `size`: bytes of its body. */
async function send(path, { signal, size = 0, ...request }, read) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE + size / SLOWEST);
  signal?.addEventListener("abort", () => late.abort());
  try {
    return await read(await fetch(path, { ...request, signal: late.signal }));
  } catch (error) {
    if (error instanceof Problem || signal?.aborted) throw error;
    throw new Problem(late.signal.aborted ? "timeout" : "offline");
  } finally {
    clearTimeout(timer);
  }
}

/** The code of an error that came from in front of the API (its gateway), which knows no problem details. */
function byStatus(status) {
  return (
    {
      413: "photo_too_large",
      415: "unsupported_media_type",
      429: "too_many_requests",
      503: "unavailable",
      504: "timeout",
    }[status] ?? "not_understood"
  );
}
