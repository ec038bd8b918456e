// Identifies photos in a worker, so that the page stays usable. Each message is {id, photos, place}; the reply has its id.

import { answerOf } from "./answer.js";
import { kept, read } from "./files.js";
import { Models } from "./models.js";
import { decoded } from "./photo.js";
import { placeOf } from "./place.js";
import { recognise } from "./recognise.js";

const base = new URL("../", self.location.href).href; // this file is in faunalens/web/
let ready = null; // a promise of what all photos need

self.addEventListener("message", async ({ data: { id, photos, place } }) => {
  try {
    self.postMessage({ id, answer: await identify(photos, place) });
  } catch (error) {
    self.postMessage({ id, code: error.code ?? "internal", detail: error.message });
  }
});

async function identify(photos, where) {
  const started = performance.now();
  ready ??= prepare();
  const { table, ranges, models } = await ready.catch(({ message }) => {
    throw Object.assign(new Error(message), { code: "damaged" }); // whatever is wrong, other files mend it
  });
  const opened = [];
  for (const photo of photos) {
    opened.push(
      await decoded(photo, table.general.size).catch(({ message }) => {
        throw Object.assign(new Error(message), { code: "unsupported_media_type" });
      }),
    );
  }
  const place = placeOf(where, ranges, table);
  const run = (name, inputs) => models.run(name, inputs);
  const found = await recognise(opened.map(({ image }) => image), place, table, run);
  return answerOf(found, place, { table, side: opened[0].side, milliseconds: performance.now() - started });
}

async function prepare() {
  const list = await kept(base);
  const files = new Map(list?.files.map((file) => [file.name, file]));
  const bytes = (name) => {
    if (!files.has(name)) throw new Error(`no ${name}`);
    return read(base, files.get(name));
  };
  const table = JSON.parse(new TextDecoder().decode(await bytes("rule.json")));
  const models = new Models(await bytes("runtime.wasm"), bytes);
  return { table, models, ranges: await bytes("ranges.bin") };
}
