// The likeliest animals side by side: what each is, where it lives, and a map of that.

import { rangeMap, taxon } from "./api.js";
import { Disclosure } from "./disclosure.js";
import { $, badge, make } from "./elements.js";
import { probability, say } from "./language.js";
import { aboutTaxon } from "./taxon.js";

const MOST = 3;

export class Comparison {
  #candidates = [];
  #details = new Disclosure($("compare"), (signal) => this.#load(signal));

  show(candidates) {
    this.#candidates = candidates.slice(0, MOST);
    this.#details.reset();
    $("compare").hidden = this.#candidates.length < 2;
  }

  async #load(signal) {
    const columns = this.#candidates.map(async (each) => column(each, await taxon(each.taxon, signal), signal));
    return { status: "", content: await Promise.all(columns) };
  }
}

function column({ name, scientific_name: scientificName, score, here, taxon: id }, facts, signal) {
  const part = make("section");
  const share = make("p", probability(score));
  share.append(" ", badge(here));
  const { content } = aboutTaxon(facts);
  const list = make("dl");
  list.append(...content);
  part.append(make("h4", name), make("i", scientificName), share, list);
  if (facts.lives === "range") addMap(part, name, id, signal);
  return part;
}

/** Add the map of a range as soon as it is there. */
async function addMap(part, name, id, signal) {
  const svg = await rangeMap(id, signal).catch(() => null);
  if (!svg) return;
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const map = make("img", "", { src: url, alt: say("compare.map", { name }), className: "map" });
  map.addEventListener("load", () => URL.revokeObjectURL(url));
  part.append(map);
}
