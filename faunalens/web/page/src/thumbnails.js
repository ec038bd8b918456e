// Small copies of photos. Those of the person's list are on this device alone, and go with their observations.

import { Stored } from "./stored.js";

const SIDE = 96; // pixels, of a picture in the list: twice what it takes on the page
const store = new Stored("faunalens-list", "thumbnails"); // by the id of an observation

/** Keep a small copy of a photo, or of the square around a box in it, for an observation. */
export async function keepThumbnail(id, photo, box) {
  const small = await thumbnailOf(photo, SIDE, box);
  if (small) await store.within("readwrite", (table) => table.put(small, id));
}

/** Return the small copies that are kept, by the ids of their observations. */
export async function keptThumbnails() {
  return new Map(await store.rows().catch(() => []));
}

/** Delete the copies whose observations are no longer in the list. */
export async function sweep(observations) {
  const listed = new Set(observations.map(({ id }) => id));
  const kept = (await store.within("readonly", (table) => table.getAllKeys())) ?? [];
  const gone = kept.filter((id) => !listed.has(id));
  if (gone.length) await store.within("readwrite", (table) => gone.map((id) => table.delete(id)).at(-1));
}

/** Return a small copy of a photo, or of the square around a box in it; null if the browser cannot decode it. */
export async function thumbnailOf(blob, side, box = null) {
  const bitmap = await createImageBitmap(blob).catch(() => null); // HEIC, mostly
  if (!bitmap) return null;
  const [left, top, width, height] = box ? around(box, bitmap) : [0, 0, bitmap.width, bitmap.height];
  const scale = side / Math.min(width, height);
  const small = new OffscreenCanvas(Math.max(1, width * scale), Math.max(1, height * scale));
  small.getContext("2d").drawImage(bitmap, left, top, width, height, 0, 0, small.width, small.height);
  bitmap.close();
  return small.convertToBlob({ type: "image/jpeg" });
}

/** Return left, top, width and height of the square around a box, as far as the picture reaches. */
function around(box, { width, height }) {
  const side = Math.min(Math.max(box.width * width, box.height * height), width, height);
  const begin = (middle, whole) => Math.min(Math.max(middle * whole - side / 2, 0), whole - side);
  return [begin(box.x + box.width / 2, width), begin(box.y + box.height / 2, height), side, side];
}
