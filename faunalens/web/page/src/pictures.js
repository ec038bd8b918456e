// Pictures of animals that others have taken, with their authors and licences. The browser asks iNaturalist for them, and
// Wikidata if that has none, once the person wants that; the server never does. They stay on the device for a month.

import { Problem } from "./problem.js";

const [inaturalist, ...others] = document.querySelector('meta[name="pictures"]')?.content.split(" ") ?? [];
const wikidata = others.find((each) => new URL(each).hostname.includes("wikidata"));
const WISH = "pictures"; // in localStorage: "yes" if the person wants them
const STORE = "pictures-2"; // in the Cache API; the number changes with what it holds
const MONTH = 30 * 24 * 3600 * 1000; // ms
const MOST = 300; // entries of the store: a picture has two
const WIDTH = 500; // pixels
const LICENCE = /^cc-(by(?:-nc|-nd|-sa)*)$/;

/** Whether this deployment names a host of pictures. */
export const canShow = Boolean(inaturalist);

/** Whether the person wants pictures. */
export function areWanted() {
  try {
    return canShow && localStorage.getItem(WISH) === "yes";
  } catch {
    return false; // the browser forbids it
  }
}

export function setWanted(isWanted) {
  try {
    localStorage.setItem(WISH, isWanted ? "yes" : "no");
  } catch {
    // The browser forbids it: the wish is forgotten with the page.
  }
}

/**
 * Find a picture of a taxon.
 * @param {{scientific_name: string, rank: string, ids?: {inaturalist?: string, wikidata?: string}}} taxon
 * @returns {Promise<null | {source: string, author: string, licence: string, terms: string, page: string}>}  `source`: for
 *   an <img>; `terms`: the address of the licence; `page`: of the picture. Null if there is none with an open licence
 */
export async function pictureOf(taxon, signal) {
  let fault = null;
  for (const find of [atInaturalist, atWikidata]) {
    try {
      const picture = await find(taxon, signal);
      if (picture) return { ...picture, source: await sourceOf(picture.url, signal) };
    } catch (error) {
      if (error.name === "AbortError") throw error;
      fault ??= error;
    }
  }
  if (fault) throw fault;
  return null;
}

/** Ask iNaturalist by id. A taxon whose id is not known is searched by its name. */
function atInaturalist({ scientific_name: name, rank, ids }, signal) {
  const id = ids?.inaturalist;
  const address = id ? `${inaturalist}/v1/taxa/${id}` : `${inaturalist}/v1/taxa?${new URLSearchParams({ q: name, rank })}`;
  return found(address, async () => {
    const { results } = await json(address, signal);
    const same = results.find((each) => (id ? `${each.id}` === id : each.name === name));
    return same ? firstOpen(same) : null;
  });
}

/** Ask Wikidata by id for the name of a picture (P18), and then who took it. All that it names are free to show. */
async function atWikidata({ ids }, signal) {
  if (!wikidata || !ids?.wikidata) return null;
  const query = (wanted) => `${wikidata}/w/api.php?${new URLSearchParams({ ...wanted, format: "json", formatversion: 2, origin: "*" })}`;
  const address = query({ action: "wbgetclaims", entity: ids.wikidata, property: "P18" });
  return found(address, async () => {
    const { claims } = await json(address, signal);
    const file = claims?.P18?.[0].mainsnak.datavalue?.value;
    if (!file) return null;
    const about = { prop: "imageinfo", iiprop: "url|extmetadata", iiurlwidth: WIDTH, iiextmetadatafilter: "Artist|LicenseShortName|LicenseUrl" };
    const { pages } = (await json(query({ action: "query", titles: `File:${file}`, ...about }), signal)).query;
    const { thumburl: url, extmetadata: facts } = pages[0].imageinfo?.[0] ?? {};
    const page = `https://commons.wikimedia.org/wiki/File:${encodeURIComponent(file)}`;
    const author = new DOMParser().parseFromString(facts?.Artist?.value ?? "", "text/html").body.textContent.trim();
    const licence = facts?.LicenseShortName?.value;
    return url && author && licence ? { url, page, author, licence, terms: facts.LicenseUrl?.value ?? page } : null;
  });
}

/** Return the picture that the store has for an address, or else look it up and store it. */
async function found(address, look) {
  const entry = await kept(address, MONTH, async () => new Response(JSON.stringify({ at: Date.now(), picture: await look() })));
  return (await entry.json()).picture;
}

async function json(address, signal) {
  return (await ask(address, signal)).json();
}

/** Return the first picture of a taxon that others may show, or null. */
function firstOpen({ default_photo: first, taxon_photos: more = [] }) {
  for (const photo of [first, ...more.map((each) => each.photo)]) {
    const code = photo?.license_code;
    const [, terms] = LICENCE.exec(code) ?? [];
    if (!terms && code !== "cc0") continue;
    const [, author = photo.attribution] = /^\(c\) (.+?),/.exec(photo.attribution) ?? [];
    return {
      url: photo.medium_url,
      page: `https://www.inaturalist.org/photos/${photo.id}`,
      author,
      licence: terms ? `CC ${terms.toUpperCase()}` : "CC0",
      terms: terms ? `https://creativecommons.org/licenses/${terms}/4.0/` : "https://creativecommons.org/publicdomain/zero/1.0/",
    };
  }
  return null;
}

/** Return an address of a picture for an <img>: of the copy on this device, or else where it is. */
async function sourceOf(url, signal) {
  try {
    const response = await kept(url, Infinity, (address) => ask(address, signal));
    return URL.createObjectURL(await response.blob());
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return url; // its host may not let scripts read it
  }
}

/** Return what the store has of an address, or else load and store it. What is older than `most` ms serves only if that fails. */
async function kept(address, most, load) {
  const store = await globalThis.caches?.open(STORE).catch(() => null); // only where the page came encrypted
  const known = await store?.match(address);
  if (known && (most === Infinity || Date.now() - (await known.clone().json()).at < most)) return known;
  try {
    const loaded = await load(address);
    await store?.put(address, loaded.clone()).catch(() => {}); // the device may be full
    for (const old of ((await store?.keys()) ?? []).slice(0, -MOST)) store.delete(old);
    return loaded;
  } catch (error) {
    if (known) return known;
    throw error;
  }
}

async function ask(address, signal) {
  const response = await fetch(address, { signal, credentials: "omit" }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem("unreachable");
  });
  if (!response.ok) throw new Problem(response.status === 429 ? "too_many_requests" : "unavailable");
  return response;
}
