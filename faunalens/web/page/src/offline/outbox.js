// What was identified without signal and waits until the person asks the server: photos, place and answer, in this browser.

import { Stored } from "../stored.js";

const answers = new Stored("faunalens-outbox", "answers", { autoIncrement: true });

/** Keep an answer of this device. Return its number. `item`: {photos: Blob[], place, month, answer, at: Date}. */
export async function keep(item) {
  const photos = await Promise.all(item.photos.map((photo) => photo.arrayBuffer())); // private windows of Safari keep no Blob
  return answers.ask("readwrite", (store) => store.add({ ...item, photos }));
}

/** Return what waits, the latest first, each with its number as `id`. */
export async function waiting() {
  const rows = await answers.rows();
  return rows.map(([id, item]) => ({ ...item, photos: item.photos.map((bytes) => new Blob([bytes])), id })).reverse();
}

/** Forget an answer, because the server has been asked or the person does not want it. */
export function forget(id) {
  return answers.ask("readwrite", (store) => store.delete(id));
}
