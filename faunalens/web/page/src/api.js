// API calls of the page. Every failure is a `Problem`.

import { loadNames, namesFor, rename } from "./names.js";
import { MAX_BYTES, contentType } from "./photo.js";
import { Problem } from "./problem.js";
import { canKeep } from "./results.js";
import { send } from "./send.js";

/**
 * Identify the animal in a photo, or in several photos of it.
 * @param {Blob[]} photos
 * @param {{place: null | {latitude: number, longitude: number}, month?: string, boxes: boolean, keep?: string}} wanted
 *   `place`: null uses none. `month`: when the photo was taken, such as 2026-07. `boxes`: whether to find every animal
 *   in the photo. `keep`: whether the server is to keep the answer, as the API takes it; by default not
 * @param {(share: number) => void} onProgress  called with the share of the photos that was sent
 */
export async function identify(photos, { place, month, boxes, keep }, signal, onProgress) {
  const query = new URLSearchParams({
    ...(place ? coordinates(place) : { location: "none" }),
    ...(month && { time: month }),
    ...(boxes && { boxes }),
    ...(keep && { keep }),
  });
  const size = photos.reduce((sum, photo) => sum + photo.size, 0);
  // A server that keeps results is no function on Lambda, whose limit it does not have.
  const uploads = size > MAX_BYTES && !canKeep ? await createUploads(photos.length, signal) : null;
  if (!uploads) {
    const [photo] = photos;
    const one = { headers: { "Content-Type": contentType(photo) }, body: photo };
    return call(`identify?${query}`, {
      ...(photos.length === 1 ? one : { body: formOf(photos) }),
      method: "POST",
      size,
      signal,
      onProgress,
    });
  }
  for (const [i, upload] of uploads.entries()) {
    await uploadPhoto(photos[i], upload, signal, (share) => onProgress((i + share) / photos.length));
  }
  const [first, ...others] = uploads;
  if (others.length) query.set("also", others.map(({ id }) => id));
  return call(`${first.identify_url}?${query}`, { method: "POST", signal });
}

function formOf(photos) {
  const form = new FormData();
  for (const photo of photos) form.append("photo", photo, "photo"); // the name of the file is nobody's business
  return form;
}

/** Say which taxon the photo of a result shows. */
export function correct({ url, token }, { name: animal, scientific_name: latin }) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  return call(`${url}/correction`, { method: "POST", headers, body: JSON.stringify({ animal, scientific_name: latin }), read: async () => true });
}

/** Delete a result. One that is gone already counts as deleted. */
export async function deleteResult({ url, token }) {
  try {
    await call(url, { method: "DELETE", headers: { Authorization: `Bearer ${token}` }, read: async () => true });
  } catch (problem) {
    if (problem.code !== "not_found") throw problem;
  }
}

/** Search for taxa by name. */
export function searchTaxa(text, signal) {
  return call(`taxa?${new URLSearchParams({ q: text })}`, { signal });
}

/** Get the animals that live at a location. */
export function animals(place, signal) {
  return call(`animals?${new URLSearchParams(coordinates(place))}`, { signal });
}

/** Get what is known of a taxon. */
export function taxon(id, signal) {
  return call(`taxa/${id}`, { signal });
}

/** Get the state of the service, with its packs. */
export function health(signal) {
  return call("health", { signal });
}

/** Get the groups of animals. */
export function groups(signal) {
  return call("taxa", { signal });
}

/** Get the taxa of a group. */
export function taxaOf(group, signal) {
  return call(`taxa?group=${group}`, { signal });
}

/** Get the map of a taxon's range, as the text of an SVG. */
export function rangeMap(id, signal) {
  return call(`taxa/${id}/range.svg`, { headers: { Accept: "image/svg+xml" }, read: (response) => response.text(), signal });
}

/** Return query parameters with two decimals. A precision of about a kilometre is enough for a cell of 110 km. */
function coordinates({ latitude, longitude }) {
  return { lat: latitude.toFixed(2), lon: longitude.toFixed(2) };
}

/** Create upload forms for photos that are too large for one request. Return null if the API has no bucket. */
async function createUploads(count, signal) {
  try {
    return await Promise.all(Array.from({ length: count }, () => call("uploads", { method: "POST", signal })));
  } catch (problem) {
    if (problem.code === "not_found") return null;
    throw problem;
  }
}

/** Post a photo to S3 with an upload form. */
async function uploadPhoto(photo, { url, fields, max_bytes: maxBytes }, signal, onProgress) {
  if (photo.size > maxBytes) throw new Problem("photo_too_large");
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  // S3 accepts any image type, and the API detects the format from the bytes.
  form.append("Content-Type", photo.type.startsWith("image/") ? photo.type : "image/unknown");
  form.append("file", photo); // S3 requires the file as the last field
  await send(url, { method: "POST", body: form, size: photo.size, signal, onProgress }, (response) => {
    if (!response.ok) throw new Problem("unavailable", `S3: ${response.status}`);
  });
}

/** Call the API and return the body of its response. `read`: reads the body of a success. */
function call(path, { read = (response) => response.json(), ...request }) {
  // The page's own key is public: it only gives the page its own limits.
  const key = document.querySelector('meta[name="api-key"]')?.content;
  loadNames(); // while the API works
  const headers = { Accept: "application/json", ...(key && { "X-Api-Key": key }), ...request.headers };
  return send(path, { ...request, headers }, async (response) => {
    const reading = response.ok ? read(response) : response.json();
    const body = await reading.catch((error) => (error.name === "AbortError" ? Promise.reject(error) : null));
    if (response.ok && body) return rename(body, await namesFor(body));
    throw new Problem(body?.code ?? byStatus(response.status), body?.detail ?? "", response.headers.get("Retry-After"));
  });
}

/** Return the code of an error from a gateway in front of the API. Gateways do not send problem details. */
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
